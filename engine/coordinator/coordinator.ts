/**
 * The life of a job: attempts, restarts, commits, its terminal state.
 *
 *   starting → running → committing → finished
 *      ↑          │ ├── stop ──→ stopping → committing → finished
 *      │          │ └── cancel → cancelled
 *      └ restarting ←── failure ──→ failed (the restart strategy gives up)
 *
 * Invariants: at most one attempt has workers; nothing is committed that an attempt has not finished or a checkpoint
 * has not completed; a terminal state is final.
 */
import { asMillraceError, MillraceError } from '../../core/errors.js';
import type { Committer } from '../../operators/sink.js';
import type { PhysicalPlan } from '../graph/chain.js';
import type { SinkNode } from '../graph/nodes.js';
import type { SubtaskMetrics } from '../worker/metrics.js';
import type { SubtaskSnapshot } from '../worker/subtask-snapshot.js';
import { Attempt, type FinalHandles } from './attempt.js';
import type { Fleet } from './fleet.js';
import { type RestartPolicy, type RestartStrategy, restartStrategy } from './restart-strategy.js';
import { ResultQueue } from './result-queue.js';
import { SplitDealer } from './split-dealer.js';

/** Where a job is in its life; `finished`, `cancelled` and `failed` are final. */
export type JobStatus =
  | 'starting'
  | 'running'
  | 'stopping'
  | 'committing'
  | 'restarting'
  | 'finished'
  | 'cancelled'
  | 'failed';

export interface CoordinatorOptions {
  readonly plan: PhysicalPlan;
  readonly fleet: Fleet;
  readonly restart: RestartPolicy;
  /** Removes what earlier runs of the job's sinks have written. */
  readonly fresh: boolean;
}

export class Coordinator {
  readonly results = new ResultQueue();
  /** The terminal state; rejects when it is `failed`. */
  readonly done: Promise<'finished' | 'cancelled'>;
  readonly #options: CoordinatorOptions;
  readonly #restart: RestartStrategy;
  #status: JobStatus = 'starting';
  #attempt: Attempt | undefined;
  #metrics: readonly SubtaskMetrics[] = [];
  #cancelled: (() => void) | undefined;
  #stop: { readonly drain: boolean } | undefined;
  #restarts = 0;
  #checkpoint = 0;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
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

  /** Ends the sources where they are; what is under way reaches the sinks, which commit. */
  stop(options: { drain?: boolean } = {}): void {
    if (this.#stop || this.#terminal()) return;
    this.#stop = { drain: options.drain ?? false };
    if (this.#status === 'running') this.#stopAttempt();
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

  /** Cuts the whole job once: every subtask's part. */
  checkpoint(): Promise<readonly SubtaskSnapshot[]> {
    this.#checkpoint += 1;
    return (this.#attempt as Attempt).checkpoint(this.#checkpoint);
  }

  async #run(): Promise<'finished' | 'cancelled'> {
    const cancelled = new Promise<'cancelled'>((resolve) => {
      this.#cancelled = () => resolve('cancelled');
    });
    try {
      // Whoever made the coordinator gets its turn first: nothing happens before it can hold on to it.
      await null;
      if (this.#options.fresh) await this.#clear();
      const outcome = await this.#attempts(cancelled);
      this.#status = outcome;
      this.results.end();
      return outcome;
    } catch (error) {
      this.#status = 'failed';
      this.results.end(error);
      throw error;
    }
  }

  async #attempts(cancelled: Promise<'cancelled'>): Promise<'finished' | 'cancelled'> {
    for (;;) {
      const outcome = await this.#tryOnce(cancelled);
      if (!(outcome instanceof MillraceError)) return outcome;
      if ((await this.#pause(outcome, cancelled)) === 'cancelled') return 'cancelled';
    }
  }

  /** One attempt to its end; an error it failed with is returned, for the restart strategy. */
  async #tryOnce(cancelled: Promise<'cancelled'>): Promise<'finished' | 'cancelled' | MillraceError> {
    const { plan, fleet } = this.#options;
    this.#status = 'starting';
    const runId = fleet.host.random().toString(36).padStart(7, '0');
    const dealer = new SplitDealer(plan.logical, fleet.host, fleet.parallelism);
    const attempt = new Attempt({ plan, fleet, runId, dealer, results: this.results, running: () => this.#running() });
    this.#attempt = attempt;
    try {
      const handles = await Promise.race([attempt.outcome, cancelled]);
      if (handles === 'cancelled') return 'cancelled';
      this.#metrics = await attempt.metrics();
      this.#status = 'committing';
      await this.#commit(handles);
      await attempt.close();
      return 'finished';
    } catch (error) {
      return asMillraceError(error, 'MILL_BUG');
    } finally {
      this.#attempt = undefined;
      await attempt.terminate();
    }
  }

  /** Waits out the restart delay; throws the error when there is to be no restart. */
  async #pause(error: MillraceError, cancelled: Promise<'cancelled'>): Promise<'cancelled' | 'go'> {
    const { host } = this.#options.fleet;
    const delayMs = this.#stop ? undefined : this.#restart(host.now());
    if (delayMs === undefined || error.kind === 'bug') throw error;
    this.#status = 'restarting';
    this.#restarts += 1;
    const waited = new Promise<'go'>((resolve) => host.timer(delayMs, () => resolve('go')));
    return Promise.race([waited, cancelled]);
  }

  #running(): void {
    this.#status = 'running';
    if (this.#stop) this.#stopAttempt();
  }

  #stopAttempt(): void {
    this.#status = 'stopping';
    this.#attempt?.stop(this.#stop?.drain ?? false);
  }

  #terminal(): boolean {
    return this.#status === 'finished' || this.#status === 'cancelled' || this.#status === 'failed';
  }

  async #commit(handles: FinalHandles): Promise<void> {
    for (const [node, committer] of this.#committers()) {
      await this.#guardSink(node, () => committer.commit(handles.get(node.uid) ?? []));
    }
  }

  async #clear(): Promise<void> {
    for (const [node, committer] of this.#committers()) await this.#guardSink(node, () => committer.clear());
  }

  #committers(): [SinkNode, Committer][] {
    const { plan, fleet } = this.#options;
    return plan.logical.nodes.flatMap((node): [SinkNode, Committer][] => {
      if (node.kind !== 'sink') return [];
      const committer = node.sink.committer?.({ host: fleet.host, uid: node.uid, job: plan.logical.job });
      return committer ? [[node, committer]] : [];
    });
  }

  async #guardSink(node: SinkNode, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      throw asMillraceError(error, 'MILL_SINK_FAILED', { operator: node.uid, declaredAt: node.declaredAt });
    }
  }
}
