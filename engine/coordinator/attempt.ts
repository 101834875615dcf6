/**
 * One deployment of a job: starts the workers, deals splits, waits until every subtask has ended or something fails.
 * A restart is another attempt with other workers and channels.
 *
 * Invariants: `outcome` settles once; after a failure no message of this attempt counts any more. Also once all subtasks
 * have ended a failure ends what still needs the workers: the last checkpoint.
 */
import { PendingCheckpoint } from '../../checkpoint/pending-checkpoint.js';
import { asMillraceError, assert, MillraceError } from '../../core/errors.js';
import type { Pressure } from '../../state/level/state-cache.js';
import type { PhysicalPlan } from '../graph/chain.js';
import type { ToCoordinator, ToWorker } from '../worker/messages.js';
import type { SubtaskMetrics } from '../worker/metrics.js';
import type { WorkerRestore } from '../worker/restore.js';
import type { WorkerPart } from '../worker/worker-checkpoints.js';
import { Alignments } from './alignments.js';
import type { Fleet, WorkerHandle } from './fleet.js';
import type { ResultQueue } from './result-queue.js';
import type { SinkHandles } from './sinks.js';
import type { Shares, SplitDealer } from './split-dealer.js';

export interface AttemptOptions {
  readonly plan: PhysicalPlan;
  readonly fleet: Fleet;
  readonly runId: string;
  readonly dealer: SplitDealer;
  readonly results: ResultQueue;
  /** Where checkpoints go; undefined: there are none. */
  readonly stateDirectory: string | undefined;
  /** What each worker starts from. */
  restore(index: number): WorkerRestore | undefined;
  /** All workers are open and have their splits. */
  running(): void;
  /** A worker asks for a checkpoint ahead of its time. */
  pressed(): void;
}

export interface CheckpointParts {
  readonly parts: readonly WorkerPart[];
  /** States of the sources' enumerators, by uid. */
  readonly enumerators: Readonly<Record<string, unknown>>;
}

interface WorkerSlot {
  readonly handle: WorkerHandle;
  opened: boolean;
  gone: boolean;
  pressure: Pressure;
}

const NO_PRESSURE: Pressure = Object.freeze({ asks: false, holds: false });

export class Attempt {
  /** What the end of input left for the committers. */
  readonly outcome: Promise<SinkHandles>;
  readonly #options: AttemptOptions;
  readonly #workers: WorkerSlot[];
  readonly #handles = new Map<string, unknown[]>();
  readonly #alignments: Alignments;
  #running = 0;
  #resolve!: (handles: SinkHandles) => void;
  #reject!: (error: MillraceError) => void;
  #isFailed = false;
  /** Something has been waiting for a checkpoint since the last trigger. */
  #wanted = false;
  #closing = false;
  #cancelDiscovery: (() => void) | undefined;
  #pending:
    | { readonly checkpoint: PendingCheckpoint<WorkerPart>; done(parts: readonly WorkerPart[]): void }
    | undefined;
  /** Splits found since the last trigger, by worker. */
  #undealt: Shares = [];
  /** Rejects when the attempt fails; never resolves. */
  readonly #failed: Promise<never>;
  #reports: SubtaskMetrics[][] = [];
  #reporting: { missing: Set<number>; done(reports: readonly SubtaskMetrics[]): void } | undefined;
  #gone: (() => void)[] = [];

  constructor(options: AttemptOptions) {
    this.#options = options;
    const { plan, fleet, runId, stateDirectory } = options;
    this.#alignments = new Alignments(plan, fleet.parallelism);
    this.#running = plan.chains.length * fleet.parallelism;
    this.#failed = new Promise((_, reject) => {
      this.#reject = reject;
    });
    const ended = new Promise<SinkHandles>((resolve) => {
      this.#resolve = resolve;
    });
    this.outcome = Promise.race([ended, this.#failed]);
    this.outcome.catch(() => {});
    const handles = fleet.launch({
      runId,
      stateDirectory,
      restore: (index) => options.restore(index),
      listener: (index) => ({
        message: (message) => this.#receive(index, message),
        gone: (error) => this.#workerGone(index, error),
      }),
    });
    this.#workers = handles.map((handle) => ({ handle, opened: false, gone: false, pressure: NO_PRESSURE }));
  }

  stop(drain: boolean): void {
    this.#cancelDiscovery?.();
    this.#post({ kind: 'stop', drain });
  }

  /** Whatever was thrown, as a typed error. */
  failWith(thrown: unknown): void {
    this.fail(asMillraceError(thrown, 'MILL_CHECKPOINT_FAILED'));
  }

  fail(error: MillraceError): void {
    this.#isFailed = true;
    this.#reject(error);
  }

  /**
   * Sends barriers through the whole job; resolves once every worker has acknowledged. Splits that have been found
   * since the last one are dealt with it. `last`: the job stops there. Rejects when the attempt fails meanwhile.
   */
  checkpoint(id: number, last: boolean): Promise<CheckpointParts> {
    if (this.#isFailed) return this.#failed;
    this.#wanted = false;
    assert(!this.#pending, 'one checkpoint at a time');
    const enumerators = this.#options.dealer.snapshot();
    const names = this.#workers.map((_, index) => String(index));
    const acknowledged = new Promise<CheckpointParts>((resolve) => {
      const done = (parts: readonly WorkerPart[]): void => resolve({ parts, enumerators });
      this.#pending = { checkpoint: new PendingCheckpoint(id, names), done };
    });
    this.#workers.forEach(({ handle }, index) => {
      handle.post({ kind: 'trigger', checkpoint: id, last, assignments: this.#undealt[index] ?? [] });
    });
    this.#undealt = [];
    return Promise.race([acknowledged, this.#failed]);
  }

  /** Gives a checkpoint up that has not been acknowledged: what comes of it later does not count. */
  abort(id: number): void {
    if (this.#pending?.checkpoint.id !== id) return;
    this.#pending = undefined;
    this.#post({ kind: 'abort', checkpoint: id });
  }

  /** The checkpoint is complete, and what waited for it has been committed. */
  complete(checkpoint: number, id: string): void {
    // What they asked for has been done; whoever still asks says so again.
    for (const worker of this.#workers) worker.pressure = { ...worker.pressure, asks: false };
    this.#post({ kind: 'complete', checkpoint, id });
  }

  /** Whether some worker waits for a checkpoint. */
  get asked(): boolean {
    return this.#wanted || this.#workers.some(({ pressure }) => pressure.asks);
  }

  /** Counters of all subtasks, as of a moment ago. */
  metrics(): Promise<readonly SubtaskMetrics[]> {
    const alive = this.#workers.flatMap((worker, index) => (worker.opened && !worker.gone ? [index] : []));
    if (this.#reporting || this.#isOver || alive.length === 0) return Promise.resolve(this.#reports.flat());
    return new Promise((done) => {
      this.#reporting = { missing: new Set(alive), done };
      for (const index of alive) this.#workers[index]?.handle.post({ kind: 'report' });
    });
  }

  /** Asks the workers to close, and waits until they are gone. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#cancelDiscovery?.();
    this.#post({ kind: 'close' });
    await this.#allGone();
  }

  /** Ends the workers at once. Resolves when all are gone, so that nothing of this attempt happens later. */
  async terminate(): Promise<void> {
    this.#closing = true;
    // Whoever waits for their acknowledgements has waited long enough.
    this.#reject(new MillraceError('MILL_CHECKPOINT_FAILED', 'the job ended before the checkpoint was complete'));
    this.#cancelDiscovery?.();
    this.#finishReport();
    await Promise.all(this.#workers.map(({ handle }) => handle.terminate()));
  }

  get #isOver(): boolean {
    return this.#closing || this.#isFailed;
  }

  #receive(index: number, message: ToCoordinator): void {
    switch (message.kind) {
      case 'opened':
        return this.#opened(index, message.fingerprint);
      case 'acknowledged':
        return this.#acknowledged(message.part);
      case 'pressure':
        return this.#pressed(this.#workers[index] as WorkerSlot, message.pressure);
      case 'wants-checkpoint':
        this.#wanted = true;
        return this.#options.pressed();
      case 'progress':
        return this.#progressed(index, message.uid, message.watermark);
      case 'ended':
        return this.#ended(message.handles);
      case 'metrics':
        return this.#reported(index, message.subtasks);
      case 'results':
        return this.#results(index, message.uid, message.records);
      case 'failed':
        return this.fail(MillraceError.fromJSON(message.error));
      case 'closed':
        return this.#workerGone(index, undefined);
    }
  }

  #opened(index: number, fingerprint: string): void {
    const { logical } = this.#options.plan;
    if (fingerprint !== logical.fingerprint) {
      const text = `worker ${index} built another plan of job ${logical.job} than the main thread`;
      return this.fail(new MillraceError('MILL_JOB_DIFFERS', text, { subtask: index }));
    }
    (this.#workers[index] as WorkerSlot).opened = true;
    if (this.#workers.every(({ opened }) => opened)) void this.#deal(true);
  }

  async #deal(first: boolean): Promise<void> {
    const { dealer, running, fleet } = this.#options;
    try {
      await dealer.discover(first, (shares) => this.#assign(shares, first));
      if (this.#isOver) return;
      if (first) running();
      if (dealer.everyMs !== undefined && this.#running > 0) {
        this.#cancelDiscovery = fleet.host.timer(dealer.everyMs, () => void this.#deal(false));
      }
    } catch (error) {
      this.failWith(error);
    }
  }

  /** With checkpoints, splits found later wait for the next trigger: enumerators and readers are cut at one point. */
  #assign(shares: Shares, first: boolean): void {
    if (!first && this.#options.stateDirectory !== undefined) {
      this.#undealt = shares.map((assignments, index) => [...(this.#undealt[index] ?? []), ...assignments]);
      return;
    }
    shares.forEach((assignments, index) => {
      if (assignments.length > 0) this.#workers[index]?.handle.post({ kind: 'assign', assignments });
    });
  }

  #acknowledged(part: WorkerPart): void {
    const pending = this.#pending;
    if (!pending || part.checkpoint !== pending.checkpoint.id) return;
    if (!pending.checkpoint.acknowledge(String(part.worker), part)) return;
    this.#pending = undefined;
    pending.done(pending.checkpoint.parts);
  }

  #pressed(worker: WorkerSlot, pressure: Pressure): void {
    const before = this.#held;
    worker.pressure = pressure;
    if (this.#held !== before) this.#post({ kind: 'hold', held: this.#held });
    if (pressure.asks) this.#options.pressed();
  }

  /** Any worker's sources may feed the one that has too much. */
  get #held(): boolean {
    return this.#workers.some(({ pressure }) => pressure.holds);
  }

  #progressed(index: number, uid: string, watermark: number): void {
    const aligned = this.#alignments.progressed(index, uid, watermark);
    if (aligned) this.#post({ kind: 'align', ...aligned });
  }

  #ended(handles: SinkHandles): void {
    for (const [uid, more] of handles) this.#handles.set(uid, [...(this.#handles.get(uid) ?? []), ...more]);
    this.#running -= 1;
    if (this.#running === 0) this.#resolve(this.#handles);
  }

  #results(index: number, uid: string, records: readonly unknown[]): void {
    const { handle } = this.#workers[index] as WorkerSlot;
    this.#options.results.push({ uid, records, release: () => handle.post({ kind: 'credit', uid }) });
  }

  #reported(index: number, subtasks: readonly SubtaskMetrics[]): void {
    this.#reports[index] = [...subtasks];
    this.#reporting?.missing.delete(index);
    if (this.#reporting?.missing.size === 0) this.#finishReport();
  }

  #finishReport(): void {
    const reporting = this.#reporting;
    this.#reporting = undefined;
    reporting?.done(this.#reports.flat());
  }

  #workerGone(index: number, error: MillraceError | undefined): void {
    const worker = this.#workers[index] as WorkerSlot;
    worker.gone = true;
    if (!this.#closing)
      this.fail(
        error ?? new MillraceError('MILL_WORKER_EXITED', `worker ${index} ended by itself`, { subtask: index }),
      );
    this.#reporting?.missing.delete(index);
    if (this.#reporting?.missing.size === 0) this.#finishReport();
    if (this.#workers.every(({ gone }) => gone)) for (const resolve of this.#gone.splice(0)) resolve();
  }

  #allGone(): Promise<void> {
    if (this.#workers.every(({ gone }) => gone)) return Promise.resolve();
    return new Promise((resolve) => this.#gone.push(resolve));
  }

  #post(message: ToWorker): void {
    for (const { handle, gone } of this.#workers) if (!gone) handle.post(message);
  }
}
