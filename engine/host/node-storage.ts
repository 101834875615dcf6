/**
 * The real disk: `Storage` over node:fs and node:zlib.
 *
 * Invariants: memory is bounded whatever the size of a file (reads fill the caller's buffer; decompression pulls its
 * input only as fast as its output is taken). Files are written at their end only, so that a truncated one goes on
 * where it was cut. Errors are Node's own, except for damaged compressed data and missing codecs.
 */
import { constants, promises as fs } from 'node:fs';
import { pipeline, Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { ClassicLevel } from 'classic-level';
import { MillraceError } from '../../core/errors.js';
import type {
  Codec,
  DirectoryEntry,
  OrderedStore,
  ReadableFile,
  Storage,
  StoreRow,
  WritableFile,
} from '../../core/host.js';
import { LevelStore, systemError } from './level-store.js';

const WRITE_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_APPEND;
const WRITE_MORE = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND;

/** Large enough that a chunk's way through the event loop costs little beside its decompression. */
const DECOMPRESSED_CHUNK_BYTES = 128 << 10;

export class NodeStorage implements Storage {
  async read(path: string): Promise<ReadableFile> {
    return new NodeReadableFile(await fs.open(path, 'r'));
  }

  async write(path: string, options: { append?: boolean } = {}): Promise<WritableFile> {
    return new NodeWritableFile(await fs.open(path, options.append === true ? WRITE_MORE : WRITE_NEW));
  }

  async list(directory: string): Promise<readonly DirectoryEntry[]> {
    const found = await fs.readdir(directory, { withFileTypes: true });
    const entries = found.map(async (entry) => ({
      name: entry.name,
      directory: entry.isSymbolicLink() ? await isDirectory(`${directory}/${entry.name}`) : entry.isDirectory(),
    }));
    return (await Promise.all(entries)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async stat(path: string): Promise<{ sizeBytes: number; directory: boolean } | undefined> {
    try {
      const found = await fs.stat(path);
      return { sizeBytes: found.size, directory: found.isDirectory() };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async makeDirectory(path: string): Promise<void> {
    await fs.mkdir(path, { recursive: true });
  }

  async rename(from: string, to: string): Promise<void> {
    await fs.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    await fs.rm(path, { force: true });
  }

  /**
   * LevelDB's own lock: the kernel lets go of it when the process ends, however it ends. What else it has in the
   * directory means nothing, and is made anew where a full disk or a power cut has left it unreadable.
   */
  async lock(path: string): Promise<(() => Promise<void>) | undefined> {
    try {
      return await openLocked(path);
    } catch {
      await removeAllBut('LOCK', path);
      return openLocked(path);
    }
  }

  openStore(path: string): Promise<OrderedStore> {
    return LevelStore.open(path);
  }

  fillStore(path: string, rows: AsyncIterable<readonly StoreRow[]>): Promise<OrderedStore> {
    return LevelStore.fill(path, rows);
  }

  /** Not LevelDB's own way, which opens it and leaves files behind that it does not know. */
  async destroyStore(path: string): Promise<void> {
    await fs.rm(path, { recursive: true, force: true });
  }

  async syncDirectory(path: string): Promise<void> {
    // Windows has no handle of a directory that can be synced; there renames are durable by NTFS's journal.
    if (process.platform === 'win32') return;
    const directory = await fs.open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  async *decompress(codec: Codec, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const transform = decompressor(codec);
    // The pipeline carries an error of `chunks` to the transform, and its end or destruction back to `chunks`.
    pipeline(Readable.from(chunks, { objectMode: true, highWaterMark: 1 }), transform, ignore);
    try {
      yield* transform as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw isDamage(error) ? damaged(codec, error) : error;
    }
  }
}

class NodeReadableFile implements ReadableFile {
  constructor(private readonly handle: fs.FileHandle) {}

  async read(into: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < into.length) {
      const { bytesRead } = await this.handle.read(into, filled, into.length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

class NodeWritableFile implements WritableFile {
  constructor(private readonly handle: fs.FileHandle) {}

  async write(bytes: Uint8Array): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      written += (await this.handle.write(bytes, written, bytes.length - written)).bytesWritten;
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.handle.truncate(sizeBytes);
  }

  async sync(): Promise<void> {
    await this.handle.datasync();
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

function decompressor(codec: Codec): Transform {
  if (codec === 'gzip') return zlib.createGunzip({ chunkSize: DECOMPRESSED_CHUNK_BYTES });
  // Absent before Node 22.15, and so from the types of Node 20.
  const { createZstdDecompress } = zlib as { createZstdDecompress?: (options: { chunkSize: number }) => Transform };
  if (createZstdDecompress === undefined) throw withoutZstd();
  return createZstdDecompress({ chunkSize: DECOMPRESSED_CHUNK_BYTES });
}

/** What reading zstd fails with on a Node that has none. */
export function withoutZstd(): MillraceError {
  return new MillraceError('MILL_FILE_UNREADABLE', `this Node (${process.version}) cannot decompress zstd`, {
    hint: 'Use Node 22.15 or newer, or compress the file with gzip.',
  });
}

/** What damaged or cut-off compressed data fails with. */
export function damaged(codec: Codec, cause: unknown): MillraceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MillraceError('MILL_FILE_UNREADABLE', `damaged or cut-off ${codec} data: ${reason}`, { cause });
}

function isDamage(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^(Z_|ZSTD_|ERR_ZLIB_|ERR_ZSTD_)/.test(code);
}

function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

async function isDirectory(path: string): Promise<boolean> {
  return fs.stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function ignore(): void {}

/** Undefined when somebody has it open. */
async function openLocked(path: string): Promise<(() => Promise<void>) | undefined> {
  const database = new ClassicLevel(path);
  try {
    await database.open();
  } catch (error) {
    if (isLocked(error)) return undefined;
    throw systemError(error);
  }
  return () => database.close();
}

async function removeAllBut(kept: string, directory: string): Promise<void> {
  const names = await fs.readdir(directory).catch((): string[] => []);
  for (const name of names) if (name !== kept) await fs.rm(`${directory}/${name}`, { recursive: true, force: true });
}

function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  return cause?.code === 'LEVEL_LOCKED';
}
