/**
 * A disk in memory whose "compressed" files come out as they are, in pieces of given sizes: so that a reader meets
 * the ends of chunks wherever a test wants them.
 */
import type { Codec } from '../../core/host.js';
import { MemoryStorage } from '../../engine/host/memory-storage.js';
import { ManualHost } from '../host/manual-host.js';

export class ChoppingStorage extends MemoryStorage {
  constructor(private readonly sizes: readonly number[]) {
    super();
  }

  override async *decompress(_codec: Codec, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    const all = Buffer.concat(parts);
    for (let at = 0, turn = 0; at < all.length; turn += 1) {
      const size = this.sizes[turn % this.sizes.length] ?? all.length;
      yield all.subarray(at, at + size);
      at += size;
    }
  }
}

/** A host with files; those named `.gz` come in pieces of `sizes`, again and again. */
export async function hostWith(
  contents: Readonly<Record<string, string | Uint8Array>>,
  sizes: readonly number[] = [],
): Promise<ManualHost> {
  const storage = new ChoppingStorage(sizes);
  for (const [path, content] of Object.entries(contents)) {
    const directory = path.slice(0, path.lastIndexOf('/') + 1);
    if (directory !== '') await storage.makeDirectory(directory);
    const file = await storage.write(path);
    await file.write(Buffer.from(content));
    await file.close();
  }
  return new ManualHost(storage);
}
