/**
 * The contract of sinks: a writer on each subtask writes, a committer (one a job, on the coordinator) makes what a
 * checkpoint has sealed visible, once. Committing twice is harmless, so that recovery can repeat it.
 */
import type { Inbox } from '../core/batch.js';
import type { Host } from '../core/host.js';

/** Where records leave a job; the contract for writing one. */
export interface Sink<T> {
  /** `files`, `print`, `callback` …: for plans and messages. */
  readonly kind: string;
  readonly description: string;
  /** Makes the writer of one subtask. */
  writer(context: SinkContext): SinkWriter;
  /** Absent for sinks whose writes are visible at once. */
  committer?(context: CommitterContext): Committer;
  /** Phantom, contravariant: what it accepts. */
  readonly accepts?: (record: T) => void;
}

/** What a committer is made with. */
export interface CommitterContext {
  readonly host: Host;
  readonly uid: string;
  readonly job: string;
  /** The name that the sink had before (`renamedFrom`): what was written under it is its own as well. */
  readonly formerUid?: string | undefined;
}

/** What a writer is made with. */
export interface SinkContext {
  readonly job: string;
  readonly uid: string;
  readonly subtask: number;
  readonly parallelism: number;
  /**
   * Random id of this run of the job: for names that no other run may use. With checkpoints it begins with what all runs
   * have in common that stem from one start, and an underscore.
   */
  readonly runId: string;
  /** The checkpoint that the run started from: later ones have higher numbers. 0 without one. */
  readonly epoch: number;
  readonly host: Host;
  /** Has `write` called again soon. */
  wake(): void;
  /** Fails the subtask: for errors of asynchronous writes. */
  fail(error: unknown): void;
  /** Sends collected records to the program that holds the job's handle; false: no room now, `wake` will be called. */
  collect(records: readonly unknown[]): boolean;
}

/** The part of a sink that writes, one a subtask; called by one thread, one call at a time. */
export interface SinkWriter {
  /** Takes over handles that the checkpoint holds for this subtask. */
  open?(restored: readonly unknown[]): void | Promise<void>;
  /** Like `Operator.process`: moves the inbox's cursor past the records taken. */
  write(inbox: Inbox): void;
  /**
   * Cuts here: all that was written before belongs to `checkpoint`. Resolves, when it is durable, with every
   * handle not yet known to be committed. `final`: nothing more will be written.
   */
  prepare(checkpoint: number, final: boolean): Promise<readonly unknown[]>;
  /** The checkpoint is complete and its handles are committed. */
  onCheckpointComplete?(checkpoint: number): void;
  /** After a failure too. Must not make anything visible. */
  close(): void | Promise<void>;
}

/** The part of a sink that makes visible what writers have prepared, one a job. */
export interface Committer {
  /** Makes the handles' contents visible, durably. Idempotent. */
  commit(handles: readonly unknown[]): Promise<void>;
  /**
   * Before writers take over the handles of the checkpoint that a job goes on from: removes what the run that broke
   * off has left behind and none of `handles`, which are all of the checkpoint, names. Idempotent.
   */
  recover?(handles: readonly unknown[]): Promise<void>;
  /** Removes what earlier runs of this sink have written, and nothing else. */
  clear(): Promise<void>;
  /** What is visible of this sink, by name: all of it, or what was begun after that point. */
  written?(after?: OutputPoint): Promise<readonly string[]>;
  /**
   * Removes what was begun after that point: the job goes back to it. Idempotent. A sink without this can't take back
   * what it has committed.
   */
  withdraw?(after: OutputPoint): Promise<void>;
}

/** A place in the history of a job's output. */
export interface OutputPoint {
  /** What the ids of all runs of this history begin with. */
  readonly lineage: string;
  /** What was begun after this checkpoint is later. */
  readonly epoch: number;
}
