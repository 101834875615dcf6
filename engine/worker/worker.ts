/**
 * A worker: hosts subtask i of every chain and steps them in turn. It is a state machine without a loop of its own;
 * whoever drives it (a thread, the caller of an inline job, a seeded scheduler) calls `step` until it returns false,
 * and again once its doorbell has rung.
 *
 * Invariants: after a failure it does nothing but close; a partial batch leaves when there is nothing else to do,
 * and otherwise after `flushMs`.
 */
import type { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import { asFailure } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import { hashKey, keyGroupOf, keyGroupsOf } from '../../core/key.js';
import { LIMITS } from '../../core/limits.js';
import { TIME_MIN } from '../../core/time.js';
import type { Pressure } from '../../state/level/state-cache.js';
import type { InputChannel, OutputChannel } from '../exchange/channel.js';
import type { Chain, ChainedNode, Link, PhysicalPlan } from '../graph/chain.js';
import { HeapBackend, type KeyedBackend, type OperatorRow } from './keyed-backend.js';
import { LevelBackend } from './level-backend.js';
import type { SplitAssignment, ToCoordinator, ToWorker } from './messages.js';
import type { WorkerRestore } from './restore.js';
import type { EngineSettings } from './settings.js';
import { type OperatorCalls, Subtask, type SubtaskHello, type SubtaskHost } from './subtask.js';
import { WorkerCheckpoints } from './worker-checkpoints.js';
import { WorkerJournal } from './worker-journal.js';

export interface WorkerOptions {
  readonly plan: PhysicalPlan;
  readonly index: number;
  readonly parallelism: number;
  readonly runId: string;
  readonly settings: EngineSettings;
  readonly host: Host;
  readonly channels: { inputs(link: Link): readonly InputChannel[]; outputs(link: Link): readonly OutputChannel[] };
  /** Where checkpoints go; undefined: there are none. */
  readonly store: CheckpointStore | undefined;
  /** What to start from. */
  readonly restore: WorkerRestore | undefined;
  post(message: ToCoordinator): void;
  /** Has `step` called soon; from any callback. */
  wake(): void;
}

export class Worker {
  readonly #options: WorkerOptions;
  readonly #subtasks: readonly Subtask[];
  /** Result batches that the program still has room for, by sink. */
  readonly #credit = new Map<string, number>();
  readonly #checkpoints: WorkerCheckpoints;
  readonly #backend: KeyedBackend;
  #journal: WorkerJournal | undefined;
  /** As last told. */
  #pressure: Pressure = { asks: false, holds: false };
  #open = false;
  #failed = false;
  #turn = 0;
  #flushedAt = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#backend = this.#makeBackend();
    this.#checkpoints = new WorkerCheckpoints({
      worker: options.index,
      runId: options.runId,
      store: options.store,
      subtasks: () => this.#subtasks,
      acknowledge: (part) => options.post({ kind: 'acknowledged', part }),
      applied: () => this.#backend.applied,
      written: (checkpoint, rows) => this.#backend.written(checkpoint, rows),
      fail: (error) => this.#fail(error),
      wake: () => options.wake(),
    });
    this.#subtasks = options.plan.chains.map((chain) => new Subtask(this.#helloFor(chain), this.#hostOf(chain.id)));
  }

  async open(): Promise<void> {
    try {
      await this.#openJournal();
      await this.#backend.open(this.#options.restore, (row) => this.#restoreRow(row));
      for (const subtask of this.#subtasks) await subtask.open();
      this.#open = true;
      this.#options.post({ kind: 'opened', fingerprint: this.#options.plan.logical.fingerprint });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Works on one subtask; false when none had anything to do. */
  step(): boolean {
    if (!this.#open || this.#failed) return false;
    const { host } = this.#options;
    const startedAt = host.elapsed();
    try {
      const wrote = this.#checkpoints.step();
      const applied = this.#backend.step();
      if (wrote || applied) this.#checkpoints.paused(host.elapsed() - startedAt);
      this.#tellPressure();
      return this.#stepNext() || wrote || applied || this.#flush();
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  receive(message: ToWorker): void {
    try {
      this.#handle(message);
    } catch (error) {
      this.#fail(error);
    }
    this.#options.wake();
  }

  async close(): Promise<void> {
    this.#open = false;
    await Promise.all(this.#subtasks.map((subtask) => subtask.close()));
    await this.#journal?.close();
    await this.#backend.close();
  }

  #tellPressure(): void {
    const { pressure } = this.#backend;
    if (pressure.asks === this.#pressure.asks && pressure.holds === this.#pressure.holds) return;
    this.#pressure = pressure;
    this.#options.post({ kind: 'pressure', pressure });
  }

  #stepNext(): boolean {
    const { host, settings } = this.#options;
    if (host.elapsed() - this.#flushedAt >= settings.flushMs) this.#flush();
    const count = this.#subtasks.length;
    for (let step = 0; step < count; step += 1) {
      const index = (this.#turn + step) % count;
      if (!(this.#subtasks[index] as Subtask).step()) continue;
      this.#turn = (index + 1) % count;
      return true;
    }
    return false;
  }

  #flush(): boolean {
    this.#flushedAt = this.#options.host.elapsed();
    let sent = false;
    for (const subtask of this.#subtasks) sent = subtask.flush() || sent;
    return sent;
  }

  #handle(message: ToWorker): void {
    switch (message.kind) {
      case 'assign':
        return this.#assign(message.assignments);
      case 'trigger':
        this.#assign(message.assignments);
        return this.#subtasks.forEach((subtask) => subtask.trigger(message.checkpoint, message.last));
      case 'complete':
        this.#checkpoints.complete(message.checkpoint);
        this.#backend.completed(message.checkpoint, message.id);
        this.#journal?.complete(message.checkpoint);
        this.#pressure = { ...this.#pressure, asks: false };
        return this.#subtasks.forEach((subtask) => subtask.complete(message.checkpoint));
      case 'abort':
        return this.#subtasks.forEach((subtask) => subtask.abort(message.checkpoint));
      case 'hold':
        return this.#subtasks.forEach((subtask) => subtask.hold(message.held));
      case 'align':
        return this.#subtasks.forEach((subtask) => subtask.align(message.group, message.watermark));
      case 'stop':
        return this.#subtasks.forEach((subtask) => subtask.stop(message.drain));
      case 'credit':
        return this.#addCredit(message.uid);
      case 'report':
        return this.#options.post({ kind: 'metrics', subtasks: this.#subtasks.map((subtask) => subtask.metrics()) });
      case 'close':
        void this.close().then(() => this.#options.post({ kind: 'closed' }));
        return;
    }
  }

  #helloFor(chain: Chain): SubtaskHello {
    const { plan, index, parallelism, runId, settings, restore } = this.#options;
    const head = (chain.nodes[0] as ChainedNode).node.uid;
    return {
      plan,
      chain,
      subtask: index,
      parallelism,
      runId,
      settings,
      restored: restore?.states ?? new Map(),
      epoch: restore?.checkpoint.epoch ?? 0,
      watermark: restore?.watermarks.get(head) ?? TIME_MIN,
      watermarks: restore?.watermarks,
      random: restore?.randoms.get(head),
    };
  }

  #restoreRow(row: OperatorRow): void {
    const subtask = this.#subtasks.find(({ chain }) => chain.nodes.some(({ node }) => node.uid === row.operator));
    subtask?.restore(row.operator, row);
  }

  #assign(assignments: readonly SplitAssignment[]): void {
    for (const { uid, splits, final } of assignments) {
      const subtask = this.#subtasks.find(({ chain }) => chain.nodes[0]?.node.uid === uid);
      subtask?.assign(splits, final);
    }
  }

  #collect(uid: string, records: readonly unknown[]): boolean {
    const credit = this.#credit.get(uid) ?? LIMITS.resultBatches;
    if (credit === 0) return false;
    this.#credit.set(uid, credit - 1);
    this.#options.post({ kind: 'results', uid, records });
    return true;
  }

  #addCredit(uid: string): void {
    this.#credit.set(uid, (this.#credit.get(uid) ?? LIMITS.resultBatches) + 1);
    for (const subtask of this.#subtasks) subtask.wakeStage(uid);
  }

  #makeBackend(): KeyedBackend {
    const { plan, index, parallelism, settings, host, store, wake } = this.#options;
    const { maxParallelism } = plan.logical;
    if (!store || settings.backend === 'memory') return new HeapBackend(maxParallelism, store);
    return new LevelBackend({
      worker: index,
      identity: { maxParallelism, ...keyGroupsOf(index, parallelism, maxParallelism) },
      storage: host.storage,
      store,
      cacheBytes: settings.stateBytes,
      lagMax: settings.baseLagMax,
      fail: (error) => this.#fail(error),
      wake,
    });
  }

  async #openJournal(): Promise<void> {
    const { plan, index, parallelism, host, store, runId, restore } = this.#options;
    if (!store) return;
    const keyGroups = keyGroupsOf(index, parallelism, plan.logical.maxParallelism);
    this.#journal = new WorkerJournal({
      storage: host.storage,
      directory: store.directory,
      runId,
      worker: index,
      restored: await store.calls(restore?.checkpoint.epoch ?? 0, keyGroups),
      fail: (error) => this.#fail(error),
    });
  }

  #callsOf(operator: string): OperatorCalls | undefined {
    if (!this.#options.store) return undefined;
    const { maxParallelism } = this.#options.plan.logical;
    const journal = (): WorkerJournal => this.#journal as WorkerJournal;
    return {
      get restored() {
        return journal().restored(operator);
      },
      note(checkpoint, key, value) {
        journal().note(checkpoint, { operator, keyGroup: keyGroupOf(hashKey(key), maxParallelism), value });
      },
      durable: () => journal().durable(),
    };
  }

  #hostOf(chain: number): SubtaskHost {
    const { host, channels, wake, post } = this.#options;
    return {
      host,
      inputs: (link) => channels.inputs(link),
      outputs: (link) => channels.outputs(link),
      keyedState: (uid) => this.#backend.state(uid),
      wake,
      fail: (error) => this.#fail(error),
      calls: (uid) => this.#callsOf(uid),
      askForCheckpoint: () => post({ kind: 'wants-checkpoint' }),
      rowWriter: (uid, checkpoint) => this.#checkpoints.rowWriter(uid, checkpoint),
      sealed: (ms) => this.#checkpoints.paused(ms),
      acknowledge: (snapshot) => this.#checkpoints.cut(snapshot),
      progressed: (uid, watermark) => post({ kind: 'progress', uid, watermark }),
      ended: (handles) => post({ kind: 'ended', chain, handles }),
      collect: (uid, records) => this.#collect(uid, records),
    };
  }

  #fail(thrown: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    const { index, post } = this.#options;
    post({ kind: 'failed', error: asFailure(thrown, { subtask: index }).toJSON() });
  }
}
