/**
 * The life of a job: attempts, checkpoints, restarts, commits, its terminal state.
 *
 *   starting → running → committing → finished
 *      ↑          │ ├── stop ──→ stopping → stopped
 *      │          │ └── cancel → cancelled
 *      └ restarting ←── failure ──→ failed (the restart strategy gives up)
 *
 * Invariants: at most one attempt has workers; nothing is committed that a checkpoint, or without checkpoints the end,
 * has not sealed; the state directory is held from before the first attempt until the terminal state, which is final.
 */
import type { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import type { FileRef, Manifest } from '../../checkpoint/manifest.js';
import type { MergeTask } from '../../checkpoint/merge.js';
import { asMillraceError, MillraceError } from '../../core/errors.js';
import type { PhysicalPlan } from '../graph/chain.js';
import type { SubtaskMetrics } from '../worker/metrics.js';
import { Attempt, type CheckpointParts } from './attempt.js';
import { Checkpointing } from './checkpointing.js';
import type { Fleet } from './fleet.js';
import { Merging } from './merging.js';
import { checkManifest, dealManifest } from './recovery.js';
import { type RestartPolicy, type RestartStrategy, restartStrategy } from './restart-strategy.js';
import { ResultQueue } from './result-queue.js';
import { Sinks } from './sinks.js';
import { SplitDealer } from './split-dealer.js';

/** How a job has ended. */
export type JobOutcome = 'finished' | 'stopped' | 'cancelled';

/** Where a job is in its life; `finished`, `stopped`, `cancelled` and `failed` are final. */
export type JobStatus = 'starting' | 'running' | 'stopping' | 'committing' | 'restarting' | JobOutcome | 'failed';

/** The last complete checkpoint. */
export interface CheckpointInfo {
  readonly epoch: number;
  readonly durationMs: number;
  /** Bytes of all files it rests on. */
  readonly sizeBytes: number;
}

export interface CoordinatorOptions {
  readonly plan: PhysicalPlan;
  readonly fleet: Fleet;
  readonly restart: RestartPolicy;
  /** Removes what earlier runs of the job's sinks have written, and their checkpoints. */
  readonly fresh: boolean;
  /** Undefined: without checkpoints. */
  readonly checkpoints: CheckpointOptions | undefined;
}

export interface CheckpointOptions {
  readonly store: CheckpointStore;
  readonly everyMs: number;
  /** A checkpoint that takes longer is given up; the job goes on. */
  readonly timeoutMs: number;
  /** More files than this in a range are merged. */
  readonly filesMax: number;
  /** Merges files, on another thread where there is one. */
  merge(task: MergeTask): Promise<FileRef>;
}

type Cancelled = Promise<'cancelled'>;

export class Coordinator {
  readonly results = new ResultQueue();
  /** The terminal state; rejects when it is `failed`. */
  readonly done: Promise<JobOutcome>;
  readonly #options: CoordinatorOptions;
  readonly #sinks: Sinks;
  readonly #restart: RestartStrategy;
  #status: JobStatus = 'starting';
  #attempt: Attempt | undefined;
  #checkpointing: Checkpointing | undefined;
  #lastCheckpoint: CheckpointInfo | undefined;
  #resumed = false;
  #metrics: readonly SubtaskMetrics[] = [];
  #cancelled: (() => void) | undefined;
  #stop: { readonly drain: boolean } | undefined;
  #stopped: (() => void) | undefined;
  /** Cuts the wait for a restart short: a job that is to stop need not wait for that. */
  #hurry: (() => void) | undefined;
  #restarts = 0;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#sinks = new Sinks(options.plan.logical, options.fleet.host);
    this.#restart = restartStrategy(options.restart);
    this.done = this.#run();
    this.done.catch(() => {});
  }

  get status(): JobStatus {
    return this.#status;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get lastCheckpoint(): CheckpointInfo | undefined {
    return this.#lastCheckpoint;
  }

  /** Whether it went on from a checkpoint that an earlier run had left. */
  get resumed(): boolean {
    return this.#resumed;
  }

  /**
   * Ends the job where it is: with checkpoints at a last one, from which the next run goes on; without, what is under
   * way reaches the sinks, which commit. With `drain`, as if the input ended here.
   */
  stop(options: { drain?: boolean } = {}): void {
    if (this.#stop || this.#terminal()) return;
    this.#stop = { drain: options.drain ?? false };
    this.results.flow();
    if (this.#status === 'running') this.#stopAttempt();
    this.#hurry?.();
  }

  /** Ends the job at once; nothing more is committed. */
  async cancel(): Promise<void> {
    this.#cancelled?.();
    await this.done.catch(() => {});
  }

  async metrics(): Promise<readonly SubtaskMetrics[]> {
    if (this.#attempt) this.#metrics = await this.#attempt.metrics();
    return this.#metrics;
  }

  /** Takes a checkpoint now, or, without a store, cuts the whole job once. Resolves when it is complete. */
  async checkpoint(): Promise<CheckpointParts | undefined> {
    if (!this.#checkpointing) return this.#attempt?.checkpoint(1, false);
    await this.#checkpointing.take({ last: false, ended: undefined });
    return undefined;
  }

  async #run(): Promise<JobOutcome> {
    const cancelled: Cancelled = new Promise((resolve) => {
      this.#cancelled = () => resolve('cancelled');
    });
    const { checkpoints } = this.#options;
    let release: (() => Promise<void>) | undefined;
    try {
      // Whoever made the coordinator gets its turn first: nothing happens before it can hold on to it.
      await null;
      release = await checkpoints?.store.open();
      if (this.#options.fresh) await this.#clear();
      const outcome = await this.#attempts(cancelled);
      await release?.();
      this.#status = outcome;
      this.results.end();
      return outcome;
    } catch (error) {
      await release?.();
      this.#status = 'failed';
      this.results.end(error);
      throw error;
    }
  }

  async #attempts(cancelled: Cancelled): Promise<JobOutcome> {
    for (;;) {
      const outcome = await this.#tryOnce(cancelled);
      if (!(outcome instanceof MillraceError)) return outcome;
      if ((await this.#pause(outcome, cancelled)) === 'cancelled') return 'cancelled';
    }
  }

  /** One attempt to its end; an error it failed with is returned, for the restart strategy. */
  async #tryOnce(cancelled: Cancelled): Promise<JobOutcome | MillraceError> {
    this.#status = 'starting';
    const from = await this.#recover();
    if (from?.ended) return from.ended;
    const attempt = this.#launch(from);
    const stopped = new Promise<'stopped'>((resolve) => {
      this.#stopped = () => resolve('stopped');
    });
    try {
      const outcome = await Promise.race([attempt.outcome, cancelled, stopped]);
      if (outcome === 'cancelled') return outcome;
      this.#metrics = await attempt.metrics();
      if (outcome === 'stopped') return outcome;
      await this.#conclude(outcome);
      await attempt.close();
      return this.#stop && !this.#stop.drain ? 'stopped' : 'finished';
    } catch (error) {
      return asMillraceError(error, 'MILL_BUG');
    } finally {
      this.#attempt = undefined;
      this.#checkpointing = undefined;
      await attempt.terminate();
    }
  }

  /** Everything has ended: a last checkpoint, or without checkpoints the commit alone. */
  async #conclude(handles: ReadonlyMap<string, readonly unknown[]>): Promise<void> {
    this.#status = 'committing';
    const checkpointing = this.#checkpointing;
    if (!checkpointing) return this.#sinks.commit(handles);
    await checkpointing.stop();
    await checkpointing.take({ last: true, ended: 'finished' });
  }

  /** The newest checkpoint, with its sinks' commits repeated and what it does not know removed. */
  async #recover(): Promise<Manifest | undefined> {
    const { checkpoints, plan } = this.#options;
    if (!checkpoints) return undefined;
    const manifest = await checkpoints.store.newest();
    if (manifest) checkManifest(manifest, plan.logical);
    const handles = new Map(Object.entries(manifest?.sinks ?? {}));
    await this.#sinks.commit(handles);
    await this.#sinks.recover(handles);
    this.#resumed ||= manifest !== undefined && this.#restarts === 0;
    return manifest;
  }

  #launch(from: Manifest | undefined): Attempt {
    const { plan, fleet, checkpoints } = this.#options;
    const { host, parallelism } = fleet;
    const restores = from && dealManifest(from, parallelism);
    const runId = host.random().toString(36).padStart(7, '0');
    const attempt = new Attempt({
      plan,
      fleet,
      runId,
      dealer: new SplitDealer(plan.logical, host, parallelism, from?.sources),
      results: this.results,
      stateDirectory: checkpoints?.store.directory,
      restore: (index) => restores?.[index],
      running: () => this.#running(),
    });
    this.#attempt = attempt;
    if (checkpoints) {
      const { store, everyMs, timeoutMs, filesMax, merge } = checkpoints;
      const merging = new Merging({ runId, filesMax, merge, fail: (error) => attempt.failWith(error) });
      const commit = (handles: ReadonlyMap<string, readonly unknown[]>): Promise<void> => this.#sinks.commit(handles);
      const completed = (info: CheckpointInfo): void => {
        this.#lastCheckpoint = info;
      };
      this.#checkpointing = new Checkpointing({
        store,
        plan,
        host,
        parallelism,
        everyMs,
        timeoutMs,
        attempt,
        merging,
        newest: from,
        commit,
        completed,
      });
    }
    return attempt;
  }

  /** Waits out the restart delay; throws the error when there is to be no restart. */
  async #pause(error: MillraceError, cancelled: Cancelled): Promise<'cancelled' | 'go'> {
    const { host } = this.#options.fleet;
    const delayMs = this.#stop ? undefined : this.#restart(host.now());
    if (delayMs === undefined || error.kind === 'bug') throw error;
    this.#status = 'restarting';
    this.#restarts += 1;
    let cancelTimer = (): void => {};
    const waited = new Promise<'go'>((resolve) => {
      cancelTimer = host.timer(delayMs, () => resolve('go'));
      this.#hurry = () => resolve('go');
    });
    return Promise.race([waited, cancelled]).finally(() => cancelTimer());
  }

  #running(): void {
    this.#status = 'running';
    this.#checkpointing?.start();
    if (this.#stop) this.#stopAttempt();
  }

  #stopAttempt(): void {
    this.#status = 'stopping';
    const [attempt, checkpointing] = [this.#attempt, this.#checkpointing];
    if (!checkpointing || this.#stop?.drain) return attempt?.stop(this.#stop?.drain ?? false);
    checkpointing
      .stop()
      .then(() => checkpointing.take({ last: true, ended: undefined }))
      .then(
        () => this.#stopped?.(),
        (error: unknown) => attempt?.failWith(error),
      );
  }

  #terminal(): boolean {
    return ['finished', 'stopped', 'cancelled', 'failed'].includes(this.#status);
  }

  async #clear(): Promise<void> {
    await this.#sinks.clear();
    await this.#options.checkpoints?.store.clear();
  }
}
