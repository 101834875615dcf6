/**
 * Hosts a job's subtasks as another engine would: its own sources push frames into the links behind the job's, it moves
 * nothing but bytes, gives credit, cuts by barriers, keeps rows of state by key group, and opens other instances on
 * them. Chains may differ in parallelism. A seed decides what happens next.
 *
 * Invariants: `rows` and `committed` are those of the last complete checkpoint; `recover` starts from these alone.
 */
import type { Control } from '../../core/control.js';
import { hashKey, keyGroupOf, keyGroupsOf, ownerOf } from '../../core/key.js';
import type { Random } from '../../core/random.js';
import { TIME_MIN } from '../../core/time.js';
import type { Chain, Link, PhysicalPlan } from '../../engine/graph/chain.js';
import { DEFAULT_SETTINGS } from '../../engine/worker/settings.js';
import type { SubtaskSnapshot } from '../../engine/worker/subtask-snapshot.js';
import { FrameInput, FrameOutput, FrameQueue } from './frame-channel.js';
import { HostedInstance, placeOf, type Rows } from './hosted-instance.js';

/** How many instances of each chain are hosted, by its id. */
export type Parallelism = ReadonlyMap<number, number>;

export interface FakeHostOptions {
  readonly plan: PhysicalPlan;
  readonly random: Random;
  /** Channels into each link that the host's own sources feed. */
  readonly sources: number;
  /** Frames that may wait in a channel. */
  readonly credit: number;
}

export interface Sent {
  readonly key: unknown;
  readonly record: unknown;
  readonly timestamp: number;
}

export class FakeHost {
  readonly committed: unknown[] = [];
  readonly rows: Rows = new Map();
  readonly instances: HostedInstance[] = [];
  readonly #options: FakeHostOptions;
  readonly #queues = new Map<string, FrameQueue>();
  readonly #snapshots = new Map<number, SubtaskSnapshot[]>();
  #parallelism: Parallelism = new Map();

  constructor(options: FakeHostOptions) {
    this.#options = options;
  }

  /** Opens instances on what the last checkpoint holds, its key groups dealt anew; whatever is open is closed as it is. */
  async open(parallelism: Parallelism): Promise<void> {
    await this.close();
    this.#parallelism = parallelism;
    this.#queues.clear();
    for (const [id, count] of parallelism) {
      const chain = this.#options.plan.chains[id] as Chain;
      for (let index = 0; index < count; index += 1) this.instances.push(this.#make(chain, index, count));
    }
    for (const { subtask } of this.instances) await subtask.open();
  }

  async close(): Promise<void> {
    for (const { subtask } of this.instances.splice(0)) await subtask.close();
  }

  /** From a source of the host's to the instance that owns the key; false without credit. */
  pushRecord(link: Link, source: number, { key, record, timestamp }: Sent): boolean {
    const { maxParallelism } = this.#options.plan.logical;
    const hash = hashKey(key);
    const owner = ownerOf(keyGroupOf(hash, maxParallelism), this.#countOf(link.to.chain), maxParallelism);
    const queue = this.queue(link, source, owner);
    if (!queue.room) return false;
    queue.push({ kind: 'records', records: [record], timestamps: [timestamp], hashes: [hash] });
    return true;
  }

  /** From a source of the host's to all instances; false when one of them has no credit left. */
  pushControl(link: Link, source: number, control: Control): boolean {
    const count = this.#countOf(link.to.chain);
    const queues = Array.from({ length: count }, (_, index) => this.queue(link, source, index));
    if (!queues.every(({ room }) => room)) return false;
    for (const queue of queues) queue.push(control);
    return true;
  }

  /** Lets one instance, drawn at random, do something; true if it did. */
  step(): boolean {
    const { random } = this.#options;
    const { subtask } = this.instances[random.below(this.instances.length)] as HostedInstance;
    if (random.below(2) === 0) subtask.drainSealed(1 + random.below(3));
    const stepped = random.below(4) === 0 ? subtask.flush() : subtask.step();
    this.#check();
    return stepped;
  }

  /** Runs until no instance can do anything more with what has been pushed. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 2; idle += 1) {
      for (const { subtask } of this.instances) while (subtask.step() || subtask.flush()) idle = 0;
      this.#check();
      // Sinks acknowledge and end by promises.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  acknowledged(checkpoint: number): boolean {
    return this.instances.every(({ snapshot }) => snapshot?.checkpoint === checkpoint);
  }

  /** All have acknowledged: rows and results up to the barrier are kept. */
  complete(checkpoint: number): void {
    this.#snapshots.clear();
    for (const instance of this.instances) {
      this.committed.push(...instance.commit(checkpoint, this.rows));
      const { id } = instance.subtask.chain;
      this.#snapshots.set(id, [...(this.#snapshots.get(id) ?? []), instance.snapshot as SubtaskSnapshot]);
    }
  }

  /** Rows that the instances hold at this moment. */
  heldRows(): Rows {
    const rows = this.instances.flatMap(({ subtask }) => [...subtask.rows()]);
    return new Map(rows.map(([uid, row]) => [placeOf(uid, row), row]));
  }

  queue(link: Link, from: number, to: number): FrameQueue {
    const name = `${link.id}:${from}:${to}`;
    const queue = this.#queues.get(name) ?? new FrameQueue(this.#options.credit);
    this.#queues.set(name, queue);
    return queue;
  }

  #check(): void {
    for (const { failure } of this.instances) if (failure) throw failure;
  }

  #countOf(chain: number): number {
    return this.#parallelism.get(chain) ?? this.#options.sources;
  }

  #make(chain: Chain, subtask: number, parallelism: number): HostedInstance {
    const { plan, random } = this.#options;
    const old = this.#snapshots.get(chain.id) ?? [];
    const hello = {
      plan,
      chain,
      subtask,
      parallelism,
      runId: 'fake',
      epoch: 0,
      settings: { ...DEFAULT_SETTINGS, batchRecords: 1 + random.below(5) },
      restored: new Map(),
      watermark: old.length === 0 ? TIME_MIN : Math.min(...old.map(({ watermark }) => watermark)),
      random: old[0]?.random,
    };
    const each = <T>(count: number, make: (index: number) => T): T[] =>
      Array.from({ length: count }, (_, at) => make(at));
    const instance = new HostedInstance(hello, {
      inputs: (link) => each(this.#countOf(link.from.chain), (from) => new FrameInput(this.queue(link, from, subtask))),
      outputs: (link) => each(this.#countOf(link.to.chain), (to) => new FrameOutput(this.queue(link, subtask, to))),
      random: () => random.uint32(),
    });
    this.#restore(instance, parallelism);
    return instance;
  }

  #restore({ subtask }: HostedInstance, parallelism: number): void {
    const { first, end } = keyGroupsOf(subtask.index, parallelism, this.#options.plan.logical.maxParallelism);
    const uids = new Set(subtask.chain.nodes.map(({ node }) => node.uid));
    for (const [place, row] of this.rows) {
      const [uid] = JSON.parse(place) as [string];
      // A copy, as from bytes: what is restored may be changed.
      if (uids.has(uid) && row.keyGroup >= first && row.keyGroup < end) subtask.restore(uid, structuredClone(row));
    }
  }
}
