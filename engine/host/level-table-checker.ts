/**
 * Whether tables, LevelDB's sorted files, are as they were written. A warm start waits for this: one checker reads table
 * after table into memory that it keeps, since fresh memory costs more than the reading.
 */
import { promises as fs } from 'node:fs';
import { ByteReader } from '../../core/byte-sink.js';
import { BLOCK_TRAILER_BYTES, FOOTER_BYTES, storedSum, TABLE_MAGIC } from './level-format.js';

/** Where a block is. */
interface Handle {
  readonly at: number;
  readonly sizeBytes: number;
}

export class TableChecker {
  #memory = new Uint8Array(0);

  /** Reads every block, and sees that there is nothing between them; throws what `damage` makes of what is wrong. */
  async check(path: string, sizeBytes: number, damage: (what: string) => Error): Promise<void> {
    const bytes = await this.#read(path, sizeBytes);
    const footer = sizeBytes - FOOTER_BYTES;
    if (!bytes || footer < 0 || Buffer.compare(bytes.subarray(-TABLE_MAGIC.length), TABLE_MAGIC) !== 0)
      throw damage('its end');
    const table = new Table(bytes, damage);
    const reader = new ByteReader(bytes, footer);
    const [meta, index] = [readHandle(reader), readHandle(reader)];
    const covered =
      table.coveredBy([meta, index]) + table.coveredBy(table.handlesIn(meta)) + table.coveredBy(table.handlesIn(index));
    if (covered !== footer) throw damage('its index');
  }

  /** Undefined if the file is of another size. What is returned is overwritten by the next call. */
  async #read(path: string, sizeBytes: number): Promise<Uint8Array | undefined> {
    const file = await fs.open(path, 'r');
    try {
      if ((await file.stat()).size !== sizeBytes) return undefined;
      // Tables differ in size by a little.
      if (this.#memory.length < sizeBytes) this.#memory = new Uint8Array(sizeBytes + (sizeBytes >> 2));
      for (let at = 0; at < sizeBytes; ) {
        const { bytesRead } = await file.read(this.#memory, at, sizeBytes - at, at);
        if (bytesRead === 0) return undefined;
        at += bytesRead;
      }
      return this.#memory.subarray(0, sizeBytes);
    } finally {
      await file.close();
    }
  }
}

class Table {
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly damage: (what: string) => Error,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** How many bytes these blocks take; each must be intact. */
  coveredBy(handles: readonly Handle[]): number {
    let covered = 0;
    for (const { at, sizeBytes } of handles) {
      const end = at + sizeBytes;
      if (
        end + BLOCK_TRAILER_BYTES > this.bytes.length ||
        this.view.getUint32(end + 1, true) !== storedSum(this.view, at, end + 1)
      )
        throw this.damage(`block ${at}`);
      if (this.bytes[end] !== 0) throw this.damage('its compression');
      covered += sizeBytes + BLOCK_TRAILER_BYTES;
    }
    return covered;
  }

  /** The values of an intact block of handles; its last bytes say how many places for binary search stand before them. */
  handlesIn({ at, sizeBytes }: Handle): Handle[] {
    const end = at + sizeBytes - 4;
    const rowsEnd = end - 4 * this.view.getUint32(end, true);
    const reader = new ByteReader(this.bytes, at);
    const handles: Handle[] = [];
    while (reader.at < rowsEnd) {
      reader.varint();
      const keyBytes = reader.varint();
      reader.varint();
      reader.at += keyBytes;
      handles.push(readHandle(reader));
    }
    return handles;
  }
}

function readHandle(reader: ByteReader): Handle {
  const at = reader.varint();
  return { at, sizeBytes: reader.varint() };
}
