/**
 * A disk in memory for the simulated host, which forgets what was not synced when it is crashed.
 *
 * Invariants, per file: `synced` is a prefix of some past content, all of which survives a crash; of what was appended
 * since, a crash keeps an arbitrary prefix. Per directory: `synced` are its entries at the last `syncDirectory`; of
 * the changes since, a crash keeps an arbitrary prefix (a journalling file system does not reorder the changes of one
 * directory; a rename is one change). Syncing a file does not sync its entry.
 *
 * Deterministic: every promise settles by microtask alone, without timers, threads or I/O. Renaming across directories
 * is refused with EXDEV, as real disks may.
 */
import { posix } from 'node:path';
import * as zlib from 'node:zlib';
import type {
  Codec,
  DirectoryEntry,
  OrderedStore,
  ReadableFile,
  Storage,
  StoreRow,
  WritableFile,
} from '../../core/host.js';
import { MemoryStores } from './memory-ordered-store.js';
import { damaged, withoutZstd } from './node-storage.js';

type Entry = MemoryFile | MemoryDirectory;

/** One change of a directory: the entry that a name gets, or undefined where it goes away. */
type Change = readonly (readonly [name: string, entry: Entry | undefined])[];

class MemoryFile {
  bytes = new Uint8Array(0);
  sizeBytes = 0;
  synced = new Uint8Array(0);
  /** Up to here the content is that of `synced`, or continues it: less than its length once the file was cut. */
  private common = 0;

  append(added: Uint8Array): void {
    const sizeBytes = this.sizeBytes + added.length;
    if (sizeBytes > this.bytes.length) this.resize(Math.max(sizeBytes, this.bytes.length * 2));
    this.bytes.set(added, this.sizeBytes);
    this.sizeBytes = sizeBytes;
  }

  /** Into an array of its own: `synced` may share the old one, and must not see what is appended next. */
  truncate(sizeBytes: number): void {
    this.sizeBytes = Math.min(this.sizeBytes, sizeBytes);
    this.common = Math.min(this.common, sizeBytes);
    this.resize(sizeBytes);
    this.sizeBytes = sizeBytes;
  }

  private resize(capacity: number): void {
    const bytes = new Uint8Array(capacity);
    bytes.set(this.bytes.subarray(0, this.sizeBytes));
    this.bytes = bytes;
  }

  sync(): void {
    this.synced = this.bytes.subarray(0, this.sizeBytes);
    this.common = this.sizeBytes;
  }

  /** Keeps part of the tail; where the file was cut since the last sync, the cut itself may be forgotten. */
  crash(random: () => number): void {
    const cut = this.common < this.synced.length;
    const kept = this.common + below(random, this.sizeBytes - this.common + 1);
    this.bytes = (cut && random() < 0.5 ? this.synced : this.bytes.subarray(0, kept)).slice();
    this.sizeBytes = this.bytes.length;
    this.sync();
  }
}

class MemoryDirectory {
  entries = new Map<string, Entry>();
  synced = new Map<string, Entry>();
  /** Since the last sync. */
  changes: Change[] = [];

  change(change: Change): void {
    apply(this.entries, change);
    this.changes.push(change);
  }

  sync(): void {
    this.synced = new Map(this.entries);
    this.changes = [];
  }

  crash(random: () => number): void {
    this.entries = new Map(this.synced);
    const kept = this.changes.slice(0, below(random, this.changes.length + 1));
    for (const change of kept) apply(this.entries, change);
    this.sync();
    for (const entry of this.entries.values()) entry.crash(random);
  }
}

function apply(entries: Map<string, Entry>, change: Change): void {
  for (const [name, entry] of change) {
    if (entry === undefined) entries.delete(name);
    else entries.set(name, entry);
  }
}

function below(random: () => number, bound: number): number {
  return Math.floor(random() * bound);
}

export class MemoryStorage implements Storage {
  private readonly root = new MemoryDirectory();
  /** Files opened before a crash can't be used after it. */
  private life = 0;
  private readonly locks = new Set<string>();
  private readonly stores = new MemoryStores();

  async read(path: string): Promise<ReadableFile> {
    const file = this.file(path, 'open');
    const life = this.life;
    return {
      read: async (into, position) => {
        this.checkLife(life, path);
        const part = file.bytes.subarray(
          Math.min(position, file.sizeBytes),
          Math.min(position + into.length, file.sizeBytes),
        );
        into.set(part);
        return part.length;
      },
      close: async () => undefined,
    };
  }

  async write(path: string, options: { append?: boolean } = {}): Promise<WritableFile> {
    const { parent, name } = this.locate(path, 'open');
    const found = parent.entries.get(name);
    if (found instanceof MemoryDirectory) throw failure('EISDIR', 'open', path);
    const file = found ?? new MemoryFile();
    if (found === undefined) parent.change([[name, file]]);
    else if (options.append !== true) file.truncate(0);
    return this.writable(file, path);
  }

  private writable(file: MemoryFile, path: string): WritableFile {
    const life = this.life;
    const during = async (action: () => void): Promise<void> => {
      this.checkLife(life, path);
      action();
    };
    return {
      write: (bytes) => during(() => file.append(bytes)),
      truncate: (sizeBytes) => during(() => file.truncate(sizeBytes)),
      sync: () => during(() => file.sync()),
      close: async () => undefined,
    };
  }

  private checkLife(life: number, path: string): void {
    if (life !== this.life) throw failure('EBADF', 'write after a crash', path);
  }

  async list(directory: string): Promise<readonly DirectoryEntry[]> {
    const entries = [...this.directory(directory, 'scandir').entries];
    const listed = entries.map(([name, entry]) => ({ name, directory: entry instanceof MemoryDirectory }));
    return listed.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async stat(path: string): Promise<{ sizeBytes: number; directory: boolean } | undefined> {
    const entry = this.find(partsOf(path));
    if (entry === undefined) return undefined;
    return entry instanceof MemoryFile
      ? { sizeBytes: entry.sizeBytes, directory: false }
      : { sizeBytes: 0, directory: true };
  }

  async makeDirectory(path: string): Promise<void> {
    let directory = this.root;
    for (const name of partsOf(path)) {
      const found = directory.entries.get(name);
      if (found instanceof MemoryFile) throw failure('ENOTDIR', 'mkdir', path);
      const next = found ?? new MemoryDirectory();
      if (found === undefined) directory.change([[name, next]]);
      directory = next;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.locate(from, 'rename');
    const target = this.locate(to, 'rename');
    const entry = source.parent.entries.get(source.name);
    if (entry === undefined) throw failure('ENOENT', 'rename', from);
    if (source.parent !== target.parent) throw failure('EXDEV', 'rename', to);
    if (target.parent.entries.get(target.name) instanceof MemoryDirectory) throw failure('EISDIR', 'rename', to);
    if (source.name !== target.name)
      source.parent.change([
        [source.name, undefined],
        [target.name, entry],
      ]);
  }

  async remove(path: string): Promise<void> {
    const parts = partsOf(path);
    const parent = this.find(parts.slice(0, -1));
    const name = parts.at(-1) ?? '';
    if (!(parent instanceof MemoryDirectory) || !parent.entries.has(name)) return;
    if (parent.entries.get(name) instanceof MemoryDirectory) throw failure('EISDIR', 'rm', path);
    parent.change([[name, undefined]]);
  }

  async syncDirectory(path: string): Promise<void> {
    this.directory(path, 'fsync').sync();
  }

  async *decompress(codec: Codec, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const all: Uint8Array[] = [];
    for await (const chunk of chunks) all.push(chunk.slice());
    yield inflate(codec, Buffer.concat(all));
  }

  async lock(path: string): Promise<(() => Promise<void>) | undefined> {
    if (this.locks.has(path)) return undefined;
    this.locks.add(path);
    return async () => {
      this.locks.delete(path);
    };
  }

  openStore(path: string): Promise<OrderedStore> {
    return this.stores.open(path);
  }

  fillStore(path: string, rows: AsyncIterable<readonly StoreRow[]>): Promise<OrderedStore> {
    return this.stores.fill(path, rows);
  }

  destroyStore(path: string): Promise<void> {
    return this.stores.destroy(path);
  }

  /** The process is killed, and the disk goes on: nothing is lost, and what was not synced may be lost later. */
  kill(): void {
    this.life += 1;
    this.locks.clear();
    this.stores.kill();
  }

  /**
   * A power cut: files, directories and stores fall back to what was synced and an arbitrary part of what was not, as
   * `random` (in [0, 1)) says. Files open now fail with EBADF from now on.
   */
  crash(random: () => number): void {
    this.kill();
    this.root.crash(random);
    this.stores.crash(random);
  }

  private find(parts: readonly string[]): Entry | undefined {
    let entry: Entry | undefined = this.root;
    for (const name of parts) entry = entry instanceof MemoryDirectory ? entry.entries.get(name) : undefined;
    return entry;
  }

  private file(path: string, call: string): MemoryFile {
    const entry = this.find(partsOf(path));
    if (entry === undefined) throw failure('ENOENT', call, path);
    if (entry instanceof MemoryDirectory) throw failure('EISDIR', call, path);
    return entry;
  }

  private directory(path: string, call: string): MemoryDirectory {
    const entry = this.find(partsOf(path));
    if (entry === undefined) throw failure('ENOENT', call, path);
    if (entry instanceof MemoryFile) throw failure('ENOTDIR', call, path);
    return entry;
  }

  private locate(path: string, call: string): { parent: MemoryDirectory; name: string } {
    const parts = partsOf(path);
    const name = parts.at(-1);
    if (name === undefined) throw failure('EISDIR', call, path);
    const parent = this.find(parts.slice(0, -1));
    if (parent === undefined) throw failure('ENOENT', call, path);
    if (parent instanceof MemoryFile) throw failure('ENOTDIR', call, path);
    return { parent, name };
  }
}

/** Relative paths start at the root: there is no working directory. */
function partsOf(path: string): string[] {
  return posix
    .normalize(`/${path}`)
    .split('/')
    .filter((part) => part !== '');
}

function failure(code: string, call: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${call} '${path}'`), { code, syscall: call, path });
}

function inflate(codec: Codec, bytes: Uint8Array): Uint8Array {
  const { zstdDecompressSync } = zlib as { zstdDecompressSync?: (bytes: Uint8Array) => Uint8Array };
  if (codec === 'zstd' && zstdDecompressSync === undefined) throw withoutZstd();
  try {
    return codec === 'gzip' ? zlib.gunzipSync(bytes) : (zstdDecompressSync as (bytes: Uint8Array) => Uint8Array)(bytes);
  } catch (error) {
    throw damaged(codec, error);
  }
}
