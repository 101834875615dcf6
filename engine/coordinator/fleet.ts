/**
 * Where a job's workers run: threads, the caller's own thread, or a simulation. The coordinator knows them only so.
 */
import type { MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import type { ToCoordinator, ToWorker } from '../worker/messages.js';
import type { WorkerRestore } from '../worker/restore.js';

export interface Fleet {
  readonly host: Host;
  readonly parallelism: number;
  /**
   * Starts all workers of one attempt, with channels that no earlier attempt has seen. Errors come through the
   * listeners, as `gone`.
   */
  launch(launch: Launch): readonly WorkerHandle[];
}

/** What the workers of one attempt are started with. */
export interface Launch {
  /** Random; part of every name that they give out. */
  readonly runId: string;
  /** Where checkpoints go; undefined: there are none. */
  readonly stateDirectory: string | undefined;
  /** What each worker starts from; undefined: from nothing. */
  restore(index: number): WorkerRestore | undefined;
  listener(index: number): WorkerListener;
}

export interface WorkerListener {
  message(message: ToCoordinator): void;
  /** The worker has ended, asked or unasked; it says nothing more. */
  gone(error: MillraceError | undefined): void;
}

export interface WorkerHandle {
  post(message: ToWorker): void;
  /** Ends it at once; resolves when it is gone. */
  terminate(): Promise<void>;
}
