/**
 * The contract of sources: an enumerator (one a job, on the coordinator) finds splits, readers (one a split, on
 * some subtask) read them. Positions are plain data, so that a checkpoint holds them and a reader can resume.
 */
import type { Batch } from '../core/batch.js';
import type { Host } from '../core/host.js';

/** A part of the input that one reader reads in order: a file, a partition, every n-th number. Plain data. */
export interface Split {
  readonly id: string;
}

/** Where records enter a job; the contract for writing one. */
export interface Source<T, S extends Split = Split> {
  /** `files`, `generate`, `iterable` …: for plans and messages. */
  readonly kind: string;
  /** What it reads, for plans: one line. */
  readonly description: string;
  /** Whether reading it ends by itself. */
  readonly bounded: boolean;
  /** Whether later splits hold later records only, so that watermarks may go out before all are opened. */
  readonly inTimeOrder?: boolean;
  /** Makes the enumerator, one a job. */
  enumerator(context: EnumeratorContext): Enumerator<S>;
  /** Opens a split at `position`, or at its beginning. Must not throw: errors go to `context.fail`. */
  reader(split: S, position: unknown, context: ReaderContext): SplitReader;
  /** Phantom: the type of its records. */
  readonly record?: T;
}

export interface EnumeratorContext {
  readonly host: Host;
  readonly parallelism: number;
}

export interface Enumerator<S extends Split = Split> {
  /**
   * Splits not returned before, in the order in which they should be read. Called once at the start, and then
   * every `everyMs` if that is given. Rejects when the input is missing.
   */
  discover(): Promise<readonly S[]>;
  /** How often to look for more; undefined: there are no more, which an enumerator may find out in `discover`. */
  readonly everyMs?: number | undefined;
  /** Plain data from which `restore` continues, so that no split is returned twice. */
  snapshot(): unknown;
  restore(state: unknown): void;
}

export interface ReaderContext {
  readonly host: Host;
  readonly subtask: number;
  /** Has `poll` called again soon. */
  wake(): void;
  /** Fails the subtask. */
  fail(error: unknown): void;
  /**
   * A record that can't be read: the source's `onError` decides. Returns when it is skipped or a dead letter;
   * throws when the job has to fail.
   */
  malformed(letter: MalformedRecord): void;
}

export interface MalformedRecord {
  readonly error: unknown;
  /** Where it stands, such as `departures.csv.gz:17`. */
  readonly position: unknown;
  /** The record as it was read. */
  readonly raw: unknown;
}

/** `more`: poll again; `wait`: nothing now, `wake` will be called; `end`: the split is done. */
export type PollStatus = 'more' | 'wait' | 'end';

/** Reads one split, in order. Called by one thread, one call at a time. */
export interface SplitReader {
  /** Appends records to `batch` until it is full or there is nothing at hand. Never blocks. */
  poll(batch: Batch): PollStatus;
  /** Position of the first record that `poll` has not given out. Plain data. */
  position(): unknown;
  /** Last call, also after a failure. */
  close(): void | Promise<void>;
}
