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
import { type CheckpointStore, MANIFESTS_KEPT } from '../../checkpoint/checkpoint-store.js';
import { ensureDirectory } from '../../checkpoint/durable-directory.js';
import { type FileRef, lineageOf, type Manifest, sizeOf } from '../../checkpoint/manifest.js';
import type { MergeTask } from '../../checkpoint/merge.js';
import { Savepoint } from '../../checkpoint/savepoint.js';
import { asFailure, asMillraceError, MillraceError } from '../../core/errors.js';
import type { PhysicalPlan } from '../graph/chain.js';
import type { SubtaskMetrics } from '../worker/metrics.js';
import { Attempt } from './attempt.js';
import { Checkpointing } from './checkpointing.js';
import type { Fleet } from './fleet.js';
import { Merging } from './merging.js';
import { randomId } from './random-id.js';
import { checkJob, dealManifest } from './recovery.js';
import { type RestartPolicy, type RestartStrategy, restartStrategy } from './restart-strategy.js';
import { ResultQueue } from './result-queue.js';
import { type SinkHandles, Sinks } from './sinks.js';
import { SplitDealer } from './split-dealer.js';
import { prepareStart, type StartOptions, withOlder } from './starting-point.js';

/** How a job has ended. */
export type JobOutcome = 'finished' | 'stopped' | 'cancelled';

/** Where a job is in its life; `finished`, `stopped`, `cancelled` and `failed` are final. */
export type JobStatus = 'starting' | 'running' | 'stopping' | 'committing' | 'restarting' | JobOutcome | 'failed';

/** The last complete checkpoint. */
export interface CheckpointInfo {
  readonly epoch: number;
  /** How many this run has completed. */
  readonly count: number;
  /** Epoch ms. */
  readonly completedAt: number;
  /** From its trigger until all that waited for it had been committed; undefined for one that an earlier run took. */
  readonly durationMs: number | undefined;
  /**
   * The longest that records of a worker have waited, at a time, for the work of checkpoints: cutting state, writing rows
   * to files and to the base, a slice between two batches. Undefined likewise.
   */
  readonly pauseMs: number | undefined;
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
  /** Where it starts, if that is not simply the newest checkpoint. */
  readonly start?: StartOptions;
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
  /** Checkpoints completed by this run. */
  #count = 0;
  #resumed = false;
  #alreadyFinished = false;
  /** What the ids of this job's runs begin with: the first branch of its history. */
  #lineage: string | undefined;
  #metrics: readonly SubtaskMetrics[] = [];
  #cancelled: (() => void) | undefined;
  #stop: { readonly drain: boolean; readonly savepoint: string | undefined } | undefined;
  /** Where `stop` has put its savepoint. */
  #savedTo: string | undefined;
  /** Called when the job has begun to run, or is over. */
  readonly #waiting: (() => void)[] = [];
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

  /** Whether an earlier run had come to the end: there was nothing to do. */
  get alreadyFinished(): boolean {
    return this.#alreadyFinished;
  }

  /**
   * Ends the job where it is: with checkpoints at a last one, from which the next run goes on; without, what is under
   * way reaches the sinks, which commit. With `drain`, as if the input ended here. The last checkpoint is copied to
   * `savepoint`, if given.
   */
  stop({ drain = false, savepoint }: { drain?: boolean; savepoint?: string } = {}): void {
    if (savepoint !== undefined) this.#stateful();
    if (this.#stop || this.#terminal()) return;
    this.#stop = { drain, savepoint };
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

  get savedTo(): string | undefined {
    return this.#savedTo;
  }

  /** Takes a checkpoint, or has the last one, and copies it to a directory. */
  async savepoint(directory: string): Promise<CheckpointInfo> {
    const { store } = this.#stateful();
    while (!this.#terminal()) {
      const checkpointing = this.#status === 'running' ? this.#checkpointing : undefined;
      if (checkpointing) return this.#saveRunning(checkpointing, store, directory);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#save(await store.newest(), directory);
  }

  async #saveRunning(checkpointing: Checkpointing, store: CheckpointStore, directory: string): Promise<CheckpointInfo> {
    let taken: Manifest | undefined;
    let release = (): void => {};
    const written = (manifest: Manifest): void => {
      taken = manifest;
      release = store.hold(manifest);
    };
    try {
      await checkpointing.take({ last: false, ended: undefined, written });
      if (!taken)
        throw new MillraceError('MILL_CHECKPOINT_FAILED', 'the checkpoint has been given up: it took too long');
      return await this.#save(taken, directory);
    } finally {
      release();
    }
  }

  async #save(manifest: Manifest | undefined, directory: string): Promise<CheckpointInfo> {
    const { store, merge } = this.#stateful();
    if (!manifest) throw new MillraceError('MILL_CHECKPOINT_MISSING', `${store.directory} holds no checkpoint to save`);
    await new Savepoint(this.#options.fleet.host.storage, directory).write(manifest, merge);
    return this.#infoOf(manifest);
  }

  #stateful(): CheckpointOptions {
    const { checkpoints, plan } = this.#options;
    if (checkpoints) return checkpoints;
    const text = `job ${plan.logical.job} keeps no state, of which there could be a savepoint`;
    throw new MillraceError('MILL_OPTION_INVALID', text, { hint: 'Run it with a state directory.' });
  }

  #infoOf(manifest: Manifest): CheckpointInfo {
    const { epoch, createdAt: completedAt } = manifest;
    return {
      epoch,
      completedAt,
      durationMs: undefined,
      pauseMs: undefined,
      sizeBytes: sizeOf(manifest),
      count: this.#count,
    };
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
      release = checkpoints && (await this.#open(checkpoints.store));
      if (this.#options.fresh) await this.#clear();
      await this.#prepareStart();
      const outcome = await this.#attempts(cancelled);
      await this.#saveStopped();
      await release?.();
      this.#end(outcome);
      this.results.end();
      return outcome;
    } catch (thrown) {
      const failure = asFailure(thrown);
      const error = checkpoints ? await withOlder(failure, checkpoints.store) : failure;
      await release?.().catch(() => {});
      this.#end('failed');
      this.results.end(error);
      throw error;
    }
  }

  async #open(store: CheckpointStore): Promise<() => Promise<void>> {
    try {
      await ensureDirectory(this.#options.fleet.host.storage, store.directory);
    } catch (error) {
      throw asMillraceError(error, 'MILL_CHECKPOINT_FAILED', { position: store.directory });
    }
    return store.open();
  }

  /** Before anybody else can have the directory. */
  async #saveStopped(): Promise<void> {
    const { savepoint } = this.#stop ?? {};
    if (savepoint === undefined) return;
    await this.#save(await this.#stateful().store.newest(), savepoint);
    this.#savedTo = savepoint;
  }

  #end(status: JobStatus): void {
    this.#status = status;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #prepareStart(): Promise<void> {
    const { checkpoints, plan, fleet, start = {} } = this.#options;
    if (!checkpoints) return;
    await prepareStart({ ...checkpoints, host: fleet.host, plan: plan.logical, sinks: this.#sinks, start });
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
    let attempt: Attempt | undefined;
    const stopped = new Promise<'stopped'>((resolve) => {
      this.#stopped = () => resolve('stopped');
    });
    try {
      const from = await this.#recover();
      if (from?.ended) return from.ended;
      attempt = this.#launch(from);
      const outcome = await Promise.race([attempt.outcome, cancelled, stopped]);
      if (outcome === 'cancelled') return outcome;
      this.#metrics = await attempt.metrics();
      if (outcome === 'stopped') return outcome;
      await this.#conclude(outcome);
      await attempt.close();
      return this.#stop && !this.#stop.drain ? 'stopped' : 'finished';
    } catch (error) {
      return asFailure(error);
    } finally {
      const checkpointing = this.#checkpointing;
      this.#attempt = undefined;
      this.#checkpointing = undefined;
      await Promise.all([attempt?.terminate(), checkpointing?.abandon()]);
    }
  }

  /** Everything has ended: a last checkpoint, or without checkpoints the commit alone. */
  async #conclude(handles: SinkHandles): Promise<void> {
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
    if (manifest) checkJob(manifest, plan.logical);
    if (manifest) await this.#settle(checkpoints.store);
    const handles = new Map(Object.entries(manifest?.sinks ?? {}));
    if (manifest) this.#lineage = lineageOf(manifest);
    if (manifest?.rewoundTo !== undefined)
      await this.#sinks.withdraw({ lineage: lineageOf(manifest), epoch: manifest.rewoundTo });
    await this.#sinks.commit(handles);
    await this.#sinks.recover(handles);
    if (manifest) this.#found(manifest);
    return manifest;
  }

  /** Whoever wrote the newest manifest may have ended before its name was durable: nothing is committed on its strength. */
  async #settle({ directory }: CheckpointStore): Promise<void> {
    try {
      await this.#options.fleet.host.storage.syncDirectory(`${directory}/checkpoints`);
    } catch (error) {
      throw asMillraceError(error, 'MILL_CHECKPOINT_FAILED', { position: directory });
    }
  }

  /** What the first attempt has to go on with; restarts go on from this run's own. */
  #found(manifest: Manifest): void {
    this.#lastCheckpoint ??= this.#infoOf(manifest);
    if (this.#restarts > 0) return;
    this.#alreadyFinished = manifest.ended === 'finished';
    this.#resumed = !this.#alreadyFinished;
  }

  #launch(from: Manifest | undefined): Attempt {
    const { plan, fleet, checkpoints } = this.#options;
    const { host, parallelism } = fleet;
    const restores = from && dealManifest(from, plan.logical, parallelism);
    const id = randomId(host);
    this.#lineage ??= id;
    const lineage = this.#lineage;
    const runId = checkpoints ? `${lineage}_${id}` : id;
    const attempt = new Attempt({
      plan,
      fleet,
      runId,
      dealer: new SplitDealer(plan.logical, host, parallelism, from?.sources),
      results: this.results,
      stateDirectory: checkpoints?.store.directory,
      restore: (index) => restores?.[index],
      running: () => this.#running(),
      pressed: () => this.#checkpointing?.hurry(),
    });
    this.#attempt = attempt;
    if (checkpoints) {
      const { store, everyMs, timeoutMs, filesMax, merge } = checkpoints;
      const fail = (error: unknown): void => attempt.failWith(error);
      const merging = new Merging({ runId, filesMax, manifestsKept: MANIFESTS_KEPT, merge, fail });
      const commit = (handles: SinkHandles): Promise<void> => this.#sinks.commit(handles);
      const completed = (info: Omit<CheckpointInfo, 'count'>): void => {
        this.#count += 1;
        this.#lastCheckpoint = { ...info, count: this.#count };
      };
      this.#checkpointing = new Checkpointing({
        store,
        plan,
        host,
        parallelism,
        lineage,
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
    if (delayMs === undefined || error.kind === 'bug' || error.code === 'MILL_CHECKPOINT_DAMAGED') throw error;
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
    for (const wake of this.#waiting.splice(0)) wake();
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

  /** Not what another job has left: its directory is not this one's to clear. */
  async #clear(): Promise<void> {
    const { checkpoints, plan } = this.#options;
    const newest = await checkpoints?.store.newest().catch(() => undefined);
    if (newest && newest.job !== plan.logical.job) checkJob(newest, plan.logical);
    await this.#sinks.clear();
    await checkpoints?.store.clear();
  }
}
