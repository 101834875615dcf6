/**
 * One deployment of a job: starts the workers, deals splits, waits until every subtask has ended or something fails.
 * A restart is another attempt with other workers and channels.
 *
 * Invariant: `outcome` settles once; after a failure no message of this attempt counts any more.
 */
import { PendingCheckpoint } from '../../checkpoint/pending-checkpoint.js';
import { assert, MillraceError } from '../../core/errors.js';
import type { PhysicalPlan } from '../graph/chain.js';
import type { SplitAssignment, ToCoordinator, ToWorker } from '../worker/messages.js';
import type { SubtaskMetrics } from '../worker/metrics.js';
import type { SubtaskSnapshot } from '../worker/subtask-snapshot.js';
import type { Fleet, WorkerHandle } from './fleet.js';
import type { ResultQueue } from './result-queue.js';
import type { SplitDealer } from './split-dealer.js';

export interface AttemptOptions {
  readonly plan: PhysicalPlan;
  readonly fleet: Fleet;
  readonly runId: string;
  readonly dealer: SplitDealer;
  readonly results: ResultQueue;
  /** All workers are open and have their splits. */
  running(): void;
}

/** What the end of input left for the committers, by sink uid. */
export type FinalHandles = ReadonlyMap<string, readonly unknown[]>;

interface WorkerSlot {
  readonly handle: WorkerHandle;
  opened: boolean;
  gone: boolean;
}

export class Attempt {
  readonly outcome: Promise<FinalHandles>;
  readonly #options: AttemptOptions;
  readonly #workers: WorkerSlot[];
  readonly #handles = new Map<string, unknown[]>();
  #running = 0;
  #settle!: { resolve(handles: FinalHandles): void; reject(error: MillraceError): void };
  #settled = false;
  #closing = false;
  #cancelDiscovery: (() => void) | undefined;
  #pending:
    | { readonly checkpoint: PendingCheckpoint<SubtaskSnapshot>; done(parts: readonly SubtaskSnapshot[]): void }
    | undefined;
  #reports: SubtaskMetrics[][] = [];
  #reporting: { missing: Set<number>; done(reports: readonly SubtaskMetrics[]): void } | undefined;
  #gone: (() => void)[] = [];

  constructor(options: AttemptOptions) {
    this.#options = options;
    const { plan, fleet, runId } = options;
    this.#running = plan.chains.length * fleet.parallelism;
    this.outcome = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.outcome.catch(() => {});
    const handles = fleet.launch(runId, (index) => ({
      message: (message) => this.#receive(index, message),
      gone: (error) => this.#workerGone(index, error),
    }));
    this.#workers = handles.map((handle) => ({ handle, opened: false, gone: false }));
  }

  stop(drain: boolean): void {
    this.#cancelDiscovery?.();
    this.#post({ kind: 'stop', drain });
  }

  fail(error: MillraceError): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#settle.reject(error);
  }

  /** Sends barriers through the whole job; resolves with every subtask's part once all have acknowledged. */
  checkpoint(id: number): Promise<readonly SubtaskSnapshot[]> {
    assert(!this.#pending, 'one checkpoint at a time');
    const { plan, fleet } = this.#options;
    const names = plan.chains.flatMap((chain) =>
      Array.from({ length: fleet.parallelism }, (_, at) => `${chain.id}/${at}`),
    );
    return new Promise((done) => {
      this.#pending = { checkpoint: new PendingCheckpoint(id, names), done };
      this.#post({ kind: 'trigger', checkpoint: id, assignments: [] });
    });
  }

  /** Counters of all subtasks, as of a moment ago. */
  metrics(): Promise<readonly SubtaskMetrics[]> {
    const alive = this.#workers.flatMap((worker, index) => (worker.opened && !worker.gone ? [index] : []));
    if (this.#reporting || this.#settledOrClosing() || alive.length === 0) return Promise.resolve(this.#reports.flat());
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
    this.#cancelDiscovery?.();
    this.#finishReport();
    await Promise.all(this.#workers.map(({ handle }) => handle.terminate()));
  }

  #settledOrClosing(): boolean {
    return this.#closing || (this.#settled && this.#running > 0);
  }

  #receive(index: number, message: ToCoordinator): void {
    switch (message.kind) {
      case 'opened':
        return this.#opened(index, message.fingerprint);
      case 'acknowledged':
        return this.#acknowledged(message.snapshot);
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
      const shares = await dealer.discover(first);
      this.#assign(shares);
      if (first) running();
      if (dealer.everyMs !== undefined && !this.#closing && !this.#settled) {
        this.#cancelDiscovery = fleet.host.timer(dealer.everyMs, () => void this.#deal(false));
      }
    } catch (error) {
      this.fail(error as MillraceError);
    }
  }

  #assign(shares: readonly (readonly SplitAssignment[])[]): void {
    shares.forEach((assignments, index) => {
      if (assignments.length > 0) this.#workers[index]?.handle.post({ kind: 'assign', assignments });
    });
  }

  #acknowledged(snapshot: SubtaskSnapshot): void {
    const pending = this.#pending;
    if (!pending || snapshot.checkpoint !== pending.checkpoint.id) return;
    if (!pending.checkpoint.acknowledge(`${snapshot.chain}/${snapshot.subtask}`, snapshot)) return;
    this.#pending = undefined;
    this.#post({ kind: 'complete', checkpoint: snapshot.checkpoint });
    pending.done(pending.checkpoint.parts);
  }

  #ended(handles: FinalHandles): void {
    for (const [uid, more] of handles) this.#handles.set(uid, [...(this.#handles.get(uid) ?? []), ...more]);
    this.#running -= 1;
    if (this.#running > 0 || this.#settled) return;
    this.#settled = true;
    this.#settle.resolve(this.#handles);
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
