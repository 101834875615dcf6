/**
 * A whole job on one thread under a seeded scheduler: any number of virtual workers, real rings between them, a
 * virtual clock, storage in memory. One seed is one run: the same interleaving, the same trace.
 *
 * Each turn the scheduler picks one action among all that could happen now: a worker's step, a message's arrival, a
 * task's completion, a timer. Only when nothing can happen does the clock jump to the next timer. When there is none
 * either and the job has not ended, the job has stalled: a lost wake-up looks just so.
 */
import { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import { MillraceError } from '../../core/errors.js';
import type { Host, TaskPool } from '../../core/host.js';
import { Random } from '../../core/random.js';
import type { Fleet, Launch, WorkerHandle } from '../coordinator/fleet.js';
import type { Doorbell, OutputChannel } from '../exchange/channel.js';
import type { PhysicalPlan } from '../graph/chain.js';
import { allocateRings, WorkerChannels } from '../worker/channels.js';
import type { EngineSettings } from '../worker/settings.js';
import { Worker, type WorkerOptions } from '../worker/worker.js';
import { MemoryStorage } from './memory-storage.js';
import { MortalStorage } from './mortal-storage.js';
import { VirtualClock } from './virtual-clock.js';

export interface SimulationOptions {
  readonly seed: number;
  readonly workers: number;
  readonly settings: EngineSettings;
  /** Gives up, as stalled, after so many actions. */
  readonly actionsMax?: number;
  /** Where virtual time starts, epoch ms. */
  readonly startAt?: number;
  /** The disk and the clock that an earlier run has left. */
  readonly disk?: MemoryStorage;
  readonly clock?: VirtualClock;
  /** Dies, as by `kill -9`, at so many calls of the storage, or after so many actions; default: never. */
  readonly diesAt?: number;
  readonly diesAfterActions?: number;
  /** Faults that tests plant, to see that they are found. */
  readonly plant?: PlantedFaults;
}

/** Stand-ins for what the simulation would use itself. */
export interface PlantedFaults {
  readonly doorbell?: (doorbell: Doorbell) => Doorbell;
  readonly output?: (channel: OutputChannel) => OutputChannel;
}

/** Turns of the promise queue without anything to do after which nothing more is expected of it. */
const QUIET_TURNS = 512;

/** The same while a worker opens: it goes through its rows, however many, without a call of the disk for most of them. */
const OPENING_TURNS = 1 << 20;

/** Calls of the disk overtake one another where they wait in different queues. */
const DISK_QUEUES = 3;

/** A worker sleeps in two steps, so that the scheduler can put others between its last look and its sleep. */
type Wakefulness = 'awake' | 'armed' | 'asleep';

class VirtualWorker implements Doorbell {
  state: Wakefulness = 'awake';
  alive = true;
  worker: Worker | undefined;

  ring(): void {
    this.state = 'awake';
  }

  get runnable(): boolean {
    return this.alive && this.worker !== undefined && this.state !== 'asleep';
  }

  /** What the real loop (drive.ts) does between two looks at the clock. */
  act(): boolean {
    const armed = this.state === 'armed';
    const stepped = (this.worker as Worker).step();
    if (stepped) this.state = 'awake';
    else if (armed && this.state === 'armed') this.state = 'asleep';
    else if (!armed) this.state = 'armed';
    return stepped;
  }
}

export class Simulation {
  readonly disk: MemoryStorage;
  readonly storage: MortalStorage;
  readonly clock: VirtualClock;
  readonly #options: SimulationOptions;
  readonly #random: Random;
  readonly #workers: VirtualWorker[] = [];
  /** Messages and completions on their way: each queue in order, queues in any order. */
  readonly #queues: (() => void)[][] = [];
  readonly #disk = Array.from({ length: DISK_QUEUES }, () => this.#queue());
  readonly #printed: string[] = [];
  #trace = 0;
  #actions = 0;
  /** Workers that have not opened yet. */
  #opening = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.clock = options.clock ?? new VirtualClock(options.startAt ?? 1_700_000_000_000);
    this.disk = options.disk ?? new MemoryStorage();
    const { diesAt = Number.POSITIVE_INFINITY } = options;
    const onDeath = (): void => this.#die();
    const before = this.#random.below(2) === 0;
    this.storage = new MortalStorage(this.disk, { diesAt, before, onDeath }, () => this.#diskDelay());
  }

  /** The process is gone, as after `kill -9`. */
  get dead(): boolean {
    return this.storage.dead;
  }

  /** A third of all calls wait until the scheduler lets them go on. */
  #diskDelay(): Promise<void> | undefined {
    if (this.#random.below(3) > 0) return undefined;
    return new Promise((resolve) => this.#disk[this.#random.below(DISK_QUEUES)]?.push(resolve));
  }

  #die(): void {
    for (const worker of this.#workers) worker.alive = false;
    for (const queue of this.#queues) queue.length = 0;
  }

  /** A hash of everything that has happened, in order. */
  get trace(): number {
    return this.#trace;
  }

  get actions(): number {
    return this.#actions;
  }

  get printed(): readonly string[] {
    return this.#printed;
  }

  host(): Host {
    const hostRandom = new Random(this.#random.uint32());
    return {
      now: () => this.clock.now,
      elapsed: () => this.clock.now,
      random: () => hostRandom.uint32(),
      timer: (delayMs, fire) => this.clock.timer(delayMs, fire),
      storage: this.storage,
      fetch: () => Promise.reject(new TypeError('there is no network in a simulation')),
      pool: this.#pool(),
      print: async (text) => {
        this.#printed.push(text);
      },
    };
  }

  fleet(plan: PhysicalPlan, host: Host): Fleet {
    const { workers } = this.#options;
    return { host, parallelism: workers, launch: (launch) => this.#launch(plan, host, launch) };
  }

  /**
   * Lets things happen until `done` settles, or the process dies: undefined. Rejects with `MILL_STALLED` when nothing
   * can happen any more.
   */
  async run<T>(done: Promise<T>): Promise<T | undefined> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    done.then(mark, mark);
    const { actionsMax = 1_000_000, diesAfterActions = Number.POSITIVE_INFINITY } = this.#options;
    while (!settled) {
      // Promises go on between actions, in their own deterministic order.
      await null;
      if (this.#actions >= diesAfterActions) this.storage.die();
      if (this.dead) return undefined;
      if (!this.#act() && !(await this.#rest(() => settled))) throw this.#stalled('nothing can happen any more');
      if (this.#actions > actionsMax) throw this.#stalled(`not finished after ${actionsMax} actions`);
    }
    return done;
  }

  /** Promise chains may be all that is going on: gives them room before concluding that nothing is. */
  async #rest(settled: () => boolean): Promise<boolean> {
    let { calls } = this.storage;
    for (let turn = 0; turn < (this.#opening > 0 ? OPENING_TURNS : QUIET_TURNS); turn += 1) {
      await null;
      if (settled() || this.dead || this.#canAct()) return true;
      if (this.storage.calls === calls) continue;
      calls = this.storage.calls;
      turn = 0;
    }
    return this.clock.advance();
  }

  #canAct(): boolean {
    return this.#queues.some((queue) => queue.length > 0) || this.#workers.some((worker) => worker.runnable);
  }

  /** One action, picked at random; false when there was none to pick. */
  #act(): boolean {
    const ready = this.#queues.filter((queue) => queue.length > 0);
    const runnable = this.#workers.filter((worker) => worker.runnable);
    if (ready.length + runnable.length === 0) return false;
    this.#actions += 1;
    const pick = this.#random.below(ready.length + runnable.length);
    if (pick < ready.length) {
      const queue = ready[pick] as (() => void)[];
      this.#record(1, this.#queues.indexOf(queue));
      (queue.shift() as () => void)();
    } else {
      const worker = runnable[pick - ready.length] as VirtualWorker;
      this.#record(worker.act() ? 2 : 3, this.#workers.indexOf(worker));
    }
    // Time passes in fits and starts, so that flushes, watermarks and timers fall anywhere.
    if (this.#random.below(8) === 0) this.clock.pass(this.#random.next() * 4);
    return true;
  }

  #record(kind: number, subject: number): void {
    this.#trace = (Math.imul(this.#trace ^ (kind * 64 + subject), 0x01000193) + 1) | 0;
  }

  #stalled(why: string): MillraceError {
    const { seed } = this.#options;
    return new MillraceError('MILL_STALLED', `simulation with seed ${seed}: ${why}`);
  }

  #launch(
    plan: PhysicalPlan,
    host: Host,
    { runId, stateDirectory, restore, listener }: Launch,
  ): readonly WorkerHandle[] {
    const { workers, settings } = this.#options;
    const rings = allocateRings(plan, workers, settings.ringBytes);
    const fleet = Array.from({ length: workers }, () => new VirtualWorker());
    const { plant } = this.#options;
    const doorbells = fleet.map((worker) => plant?.doorbell?.(worker) ?? worker);
    const store = stateDirectory === undefined ? undefined : new CheckpointStore(host.storage, stateDirectory);
    return fleet.map((virtual, index) => {
      const toCoordinator = this.#queue();
      const toWorker = this.#queue();
      const mine = listener(index);
      const worker = new Worker({
        plan,
        index,
        parallelism: workers,
        runId,
        settings,
        host,
        channels: withPlanted(new WorkerChannels({ index, parallelism: workers, rings, doorbells, settings }), plant),
        store,
        restore: restore(index),
        post: (message) => toCoordinator.push(() => virtual.alive && mine.message(message)),
        wake: () => virtual.ring(),
      });
      virtual.worker = worker;
      this.#workers.push(virtual);
      this.#opening += 1;
      void worker.open().then(() => {
        this.#opening -= 1;
        virtual.ring();
      });
      return {
        post: (message) => toWorker.push(() => virtual.alive && worker.receive(message)),
        terminate: async () => {
          if (!virtual.alive) return;
          virtual.alive = false;
          await worker.close();
          mine.gone(undefined);
        },
      };
    });
  }

  #queue(): (() => void)[] {
    const queue: (() => void)[] = [];
    this.#queues.push(queue);
    return queue;
  }

  #pool(): TaskPool {
    const queue = this.#queue();
    return {
      threads: 2,
      run: (_operator, inputs, _signal, apply) =>
        new Promise((resolve, reject) => {
          queue.push(() => {
            Promise.all(inputs.map(async (input) => apply(input as never))).then(resolve, reject);
          });
        }),
    };
  }
}

function withPlanted(channels: WorkerChannels, plant: PlantedFaults | undefined): WorkerOptions['channels'] {
  const wrap = plant?.output;
  if (!wrap) return channels;
  return { inputs: (link) => channels.inputs(link), outputs: (link) => channels.outputs(link).map(wrap) };
}
