/**
 * A worker's part of each checkpoint: gathers what its subtasks are cut to, writes their changed rows between
 * batches, makes the file durable, and only then acknowledges.
 *
 * Invariants: a checkpoint is acknowledged once, when every subtask has been cut and every sealed row is in a durable
 * file; also one that the coordinator has given up meanwhile, whose barriers are still on their way behind those of
 * the next one. A file that no complete checkpoint lists is listed again with the next acknowledgement,
 * so that nothing is lost with a checkpoint.
 */
import type { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import { epochDigits } from '../../checkpoint/epoch-digits.js';
import type { FileRef } from '../../checkpoint/manifest.js';
import { type RowsFile, RowsFileWriter, TableBook } from '../../checkpoint/rows-file.js';
import { SinkPool } from '../../checkpoint/sink-pool.js';
import { asMillraceError, assert, type MillraceError } from '../../core/errors.js';
import type { RowWriter } from '../../state/backend.js';
import type { Subtask } from './subtask.js';
import type { SubtaskSnapshot } from './subtask-snapshot.js';

/** What a worker acknowledges a checkpoint with. Plain data. */
export interface WorkerPart {
  readonly checkpoint: number;
  readonly worker: number;
  readonly subtasks: readonly SubtaskSnapshot[];
  /** Files of rows since the last complete checkpoint, in order. */
  readonly files: readonly FileRef[];
  /** The last checkpoint whose rows are all in the worker's base; Infinity without one. */
  readonly applied: number;
  /** The longest that records have waited for the work of checkpoints since the last acknowledgement. */
  readonly pauseMs: number;
}

export interface WorkerCheckpointsOptions {
  readonly worker: number;
  readonly runId: string;
  /** Where rows go; without it checkpoints hold no keyed state. */
  readonly store: CheckpointStore | undefined;
  readonly subtasks: () => readonly Subtask[];
  acknowledge(part: WorkerPart): void;
  /** The last checkpoint whose rows are all in the base. */
  applied(): number;
  /** The file of a checkpoint's rows is durable. */
  written(checkpoint: number, rows: RowsFile): void;
  fail(error: MillraceError): void;
  /** Has the worker stepped soon. */
  wake(): void;
}

interface Open {
  readonly checkpoint: number;
  readonly rows: RowsFileWriter;
  readonly subtasks: SubtaskSnapshot[];
  /** The file is being written. */
  writing: boolean;
}

/** Rows encoded between two batches: a fraction of a millisecond. */
const ROWS_PER_STEP = 512;

export class WorkerCheckpoints {
  readonly #options: WorkerCheckpointsOptions;
  /** In order; more than one only after one was given up. */
  readonly #open: Open[] = [];
  readonly #sinks = new SinkPool();
  #pauseMs = 0;
  #finishing: Promise<void> = Promise.resolve();
  /** Durable files that no complete checkpoint is known to list, with the checkpoint that first offered them. */
  #offered: { readonly checkpoint: number; readonly file: FileRef }[] = [];

  constructor(options: WorkerCheckpointsOptions) {
    this.#options = options;
  }

  rowWriter(uid: string, checkpoint: number): RowWriter | undefined {
    return this.#options.store && this.#entry(checkpoint).rows.of(uid);
  }

  /** A subtask has been cut. */
  cut(snapshot: SubtaskSnapshot): void {
    this.#entry(snapshot.checkpoint).subtasks.push(snapshot);
    this.#options.wake();
  }

  /** Writes some sealed rows; true when that got somewhere. */
  step(): boolean {
    const open = this.#open.find(({ writing }) => !writing);
    if (!open) return false;
    let drained = true;
    for (const subtask of this.#options.subtasks()) drained = subtask.drainSealed(ROWS_PER_STEP) && drained;
    if (!drained) return true;
    if (open.subtasks.length < this.#options.subtasks().length) return false;
    if (!open.rows.closeSome()) return true;
    open.writing = true;
    // One after another: an acknowledgement lists every file of the checkpoints before.
    this.#finishing = this.#finishing.then(() => this.#finish(open));
    return true;
  }

  /** Records have waited for so long while a checkpoint was made, or rows of an earlier one went to the base. */
  paused(ms: number): void {
    this.#pauseMs = Math.max(this.#pauseMs, ms);
  }

  complete(checkpoint: number): void {
    this.#offered = this.#offered.filter((each) => each.checkpoint > checkpoint);
  }

  #entry(checkpoint: number): Open {
    const known = this.#open.find((open) => open.checkpoint === checkpoint);
    if (known) return known;
    assert(checkpoint > (this.#open.at(-1)?.checkpoint ?? 0), 'checkpoints come in order');
    const open = { checkpoint, rows: new RowsFileWriter(new TableBook(), this.#sinks), subtasks: [], writing: false };
    this.#open.push(open);
    return open;
  }

  async #finish(open: Open): Promise<void> {
    const { worker, runId, store, acknowledge, written, fail } = this.#options;
    try {
      if (store && open.rows.rows > 0) {
        const name = `${epochDigits(open.checkpoint)}-${runId}-${worker}`;
        const rows = open.rows.finish();
        const file = { ...(await store.writeRows(name, rows)), epoch: open.checkpoint };
        this.#offered.push({ checkpoint: open.checkpoint, file });
        written(open.checkpoint, rows);
      }
    } catch (error) {
      fail(asMillraceError(error, 'MILL_CHECKPOINT_FAILED', { subtask: worker }));
      return;
    }
    this.#open.splice(this.#open.indexOf(open), 1);
    const files = this.#offered.map(({ file }) => file);
    const { checkpoint, subtasks } = open;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = 0;
    acknowledge({ checkpoint, worker, subtasks, files, pauseMs, applied: this.#options.applied() });
  }
}
