/**
 * Whole files, written so that they survive a power cut, and read back so that a missing byte is noticed.
 */
import { MillraceError } from '../core/errors.js';
import type { ReadableFile, Storage, WritableFile } from '../core/host.js';
import { type RowsContent, RowsEncoder, type RowsFacts } from './rows-file.js';

/** Resolves once the content is durable; the entry is, once the directory has been synced. */
export function writeWhole(storage: Storage, path: string, bytes: Uint8Array): Promise<void> {
  return writing(storage, path, (file) => file.write(bytes));
}

/** Writes a file of rows, section by section, as `writeWhole` does. */
export function writeRowsFile(storage: Storage, path: string, content: RowsContent): Promise<RowsFacts> {
  return writing(storage, path, async (file) => {
    const encoder = new RowsEncoder();
    await file.write(encoder.header);
    for await (const section of content.sections) {
      encoder.add(section);
      await file.write(section.bytes);
    }
    const { tail, facts } = encoder.finish(content.tables);
    await file.write(tail);
    return facts;
  });
}

/** What could not be written takes no room: the disk may be full. */
async function writing<T>(storage: Storage, path: string, write: (file: WritableFile) => Promise<T>): Promise<T> {
  const file = await storage.write(path);
  try {
    const written = await write(file);
    await file.sync();
    return written;
  } catch (error) {
    await storage.remove(path).catch(() => {});
    throw error;
  } finally {
    await file.close();
  }
}

/** The file appears whole or not at all. */
export async function replaceWhole(
  storage: Storage,
  directory: string,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const temporary = `${directory}/.${name}.tmp`;
  await writeWhole(storage, temporary, bytes);
  try {
    await storage.rename(temporary, `${directory}/${name}`);
  } catch (error) {
    await storage.remove(temporary).catch(() => {});
    throw error;
  }
  await storage.syncDirectory(directory);
}

/** Throws `MILL_CHECKPOINT_DAMAGED` when there is no such file, or it is cut off meanwhile. */
export async function readWhole(storage: Storage, path: string): Promise<Uint8Array> {
  const stat = await storage.stat(path);
  if (!stat || stat.directory) throw damagedFile(path);
  const file = await openFile(storage, path);
  try {
    return await readAt(file, 0, stat.sizeBytes, path);
  } finally {
    await file.close();
  }
}

/** Reads `sizeBytes` of a file that is open; it may have been removed since. */
export async function readAt(
  file: ReadableFile,
  position: number,
  sizeBytes: number,
  path: string,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0; at < bytes.length; ) {
    const count = await file.read(bytes.subarray(at), position + at);
    if (count === 0) throw damagedFile(path);
    at += count;
  }
  return bytes;
}

/** Somebody may have removed it a moment ago. */
export async function openFile(storage: Storage, path: string): Promise<ReadableFile> {
  try {
    return await storage.read(path);
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === 'ENOENT') throw damagedFile(path);
    throw error;
  }
}

export function damagedFile(path: string): MillraceError {
  return new MillraceError('MILL_CHECKPOINT_DAMAGED', `${path} is missing or not as it was written`, {
    position: path,
  });
}
