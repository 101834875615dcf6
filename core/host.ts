/**
 * The one door to the outside: clock, randomness, timers, disk, network, thread pool. The engine reaches none of these any
 * other way, so that all of it runs under the simulated host (engine/host/simulated-host.ts), seeded and
 * deterministic, as it runs under the real one (engine/host/node-host.ts). A `tidy` test keeps the door.
 */
export interface Host {
  /** Wall clock, epoch milliseconds: processing time. May jump. */
  now(): number;
  /** Monotonic clock, fractional milliseconds: for slices and rates, never shown to user code. */
  elapsed(): number;
  /** A random unsigned 32-bit integer; seeds the generators that user code sees. */
  random(): number;
  /** Calls `fire` once, `delayMs` from now or a little later. Returns what cancels it. */
  timer(delayMs: number, fire: () => void): () => void;
  readonly storage: Storage;
  /** An HTTP request, as Node's own `fetch` makes it: the engine's only way to the network. */
  fetch(input: string | URL, init?: RequestInit): Promise<Response>;
  /** Writes to standard output. Resolves when it has been taken: whoever prints much waits for that. */
  print(text: string): Promise<void>;
  /** A pool of threads for work that takes a millisecond or more. */
  readonly pool: TaskPool;
}

/** Files. All paths are as the user gave them or absolute; errors are Node's own, with `code` (`ENOENT`, `ENOSPC` …). */
export interface Storage {
  /** Opens for reading. */
  read(path: string): Promise<ReadableFile>;
  /** Makes the file (its directory must exist) or, with `append`, opens it where it ends. */
  write(path: string, options?: { append?: boolean }): Promise<WritableFile>;
  /** Names and kinds of a directory's entries, sorted by name. */
  list(directory: string): Promise<readonly DirectoryEntry[]>;
  /** Size and kind, or undefined when there is nothing. */
  stat(path: string): Promise<{ readonly sizeBytes: number; readonly directory: boolean } | undefined>;
  /** And its parents; no error when it is there. Each is durable only after `syncDirectory` of its parent. */
  makeDirectory(path: string): Promise<void>;
  /** Atomic; replaces. Durable only after `syncDirectory` of the parent. */
  rename(from: string, to: string): Promise<void>;
  /** Removing what is not there is no error. */
  remove(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /**
   * Takes a lock that ends with the process, by a directory of that path; undefined when somebody holds it. What is
   * returned lets go of it.
   */
  lock(path: string): Promise<(() => Promise<void>) | undefined>;
  /**
   * Decompresses a stream of chunks. `zstd` throws `MILL_FILE_UNREADABLE` where this Node has none.
   * Damaged or cut-off input rejects.
   */
  decompress(codec: Codec, chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** Opens an ordered store, a directory of its own, made if need be. Nobody else may have it open. */
  openStore(path: string): Promise<OrderedStore>;
  /**
   * Makes a store anew that holds exactly `rows`, given in strictly ascending order of their keys, a page at a time, and
   * opens it. Much cheaper than writing them. What was at `path` must have been destroyed; a page's bytes may change once
   * the next one is asked for. A power cut may take such a store, with whatever was flushed into it since: then it is empty,
   * or `openStore` finds it damaged and rejects. So may the death of the process while it is made.
   */
  fillStore(path: string, rows: AsyncIterable<readonly StoreRow[]>): Promise<OrderedStore>;
  /** Removes a store that nobody has open, damaged or not. Removing what is not there is no error. */
  destroyStore(path: string): Promise<void>;
}

/**
 * Rows of bytes in ascending order of their keys. Writes are atomic and take effect in the order of the calls; one that
 * has resolved is seen by every later read. After a power cut an arbitrary part of the writes since the last `flush` is
 * left, not always the earlier ones: whoever cares writes marks. Damage may go unnoticed: whoever cares writes checksums.
 */
export interface OrderedStore {
  get(key: Uint8Array): Uint8Array | undefined;
  /** In order of the keys. */
  getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]>;
  /** Rows with `from` <= key < `end`, ascending, a page at a time, as they were when the first page was asked for. */
  range(from: Uint8Array, end: Uint8Array): AsyncIterable<readonly StoreRow[]>;
  /** Puts rows, and removes those whose value is undefined; the last change of a key counts. Keys are not empty. Bytes are the caller's again once it resolves. */
  write(changes: readonly StoreChange[]): Promise<void>;
  /** Resolves when everything written so far survives a power cut. */
  flush(): Promise<void>;
  /** About as many bytes as it takes on the disk. */
  sizeBytes(): Promise<number>;
  /** After the calls under way. */
  close(): Promise<void>;
}

export type StoreRow = readonly [key: Uint8Array, value: Uint8Array];
export type StoreChange = readonly [key: Uint8Array, value: Uint8Array | undefined];

export type Codec = 'gzip' | 'zstd';

export interface DirectoryEntry {
  readonly name: string;
  readonly directory: boolean;
}

export interface ReadableFile {
  /** Fills as much of `into` as there is at `position`; 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

export interface WritableFile {
  /** Appends all of `bytes`. One call at a time. */
  write(bytes: Uint8Array): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  /** Resolves when everything written so far survives a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Runs functions of the job on other threads, which find them as operator `operator` of the job; where there are no
 * such threads, `apply` is that function, to be called right here.
 */
export interface TaskPool {
  run(
    operator: string,
    inputs: readonly unknown[],
    signal: AbortSignal,
    apply: (input: never) => unknown,
  ): Promise<readonly unknown[]>;
  /** How many tasks can really run at once. */
  readonly threads: number;
}
