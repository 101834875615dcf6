/**
 * A job's subtasks under a test's control: inputs are channels that the test writes, sinks are captured, the clock is
 * virtual, and everything happens on the caller's thread, within the call. Between chains records go through real
 * rings, so that what would not survive the way to another worker does not survive here either.
 */
import type { Control } from '../core/control.js';
import { MillraceError } from '../core/errors.js';
import type { Host } from '../core/host.js';
import { compareKeys, sameKey } from '../core/key.js';
import { LIMITS } from '../core/limits.js';
import { Random } from '../core/random.js';
import { TIME_MIN } from '../core/time.js';
import type { InputChannel, OutputChannel } from '../engine/exchange/channel.js';
import { LocalChannel } from '../engine/exchange/local-channel.js';
import { Ring } from '../engine/exchange/ring.js';
import { RingInputChannel, RingOutputChannel } from '../engine/exchange/ring-channel.js';
import { type Chain, type Link, type PhysicalPlan, physicalPlan } from '../engine/graph/chain.js';
import type { LogicalNode, LogicalPlan } from '../engine/graph/nodes.js';
import { MemoryStorage } from '../engine/host/memory-storage.js';
import { VirtualClock } from '../engine/host/virtual-clock.js';
import { DEFAULT_SETTINGS, type EngineSettings } from '../engine/worker/settings.js';
import { Subtask, type SubtaskHost } from '../engine/worker/subtask.js';
import type { StateRow } from '../state/backend.js';
import { MemoryState } from '../state/memory/memory-state.js';
import { Capture } from './capture.js';
import { HarnessChannel } from './harness-channel.js';

/** What a harness is made with. */
export interface HarnessOptions {
  /** Channels of each input, as of so many producers; default 1. */
  readonly channels?: number;
  /** Where virtual time starts, epoch ms; default 0. */
  readonly startAt?: number;
  /** Records a batch; default 1,024. With 1, every output is handed on before the next. */
  readonly batchRecords?: number;
  /** Seeds `ctx.random()`. */
  readonly seed?: number;
}

/** Where something is sent; left out: everywhere. */
export interface HarnessTarget {
  readonly channel?: number;
}

/** A timer that is set. */
export interface PendingTimer {
  readonly kind: 'event' | 'processing';
  readonly key: unknown;
  readonly time: number;
}

const RING_BYTES = 1 << 16;
const SILENT = { ring: () => {} };

export class HarnessCore {
  readonly clock: VirtualClock;
  readonly storage = new MemoryStorage();
  readonly #captures = new Map<string, Capture>();
  /** Channels of each source, for each link that leaves it. */
  readonly #inputs = new Map<string, HarnessChannel[][]>();
  readonly #plan: PhysicalPlan;
  readonly #settings: EngineSettings;
  readonly #channelCount: number;
  readonly #random: Random;
  readonly #subtasks: readonly Subtask[];
  #failure: MillraceError | undefined;

  constructor(plan: LogicalPlan, options: HarnessOptions) {
    this.clock = new VirtualClock(options.startAt ?? 0);
    this.#random = new Random(options.seed ?? 1);
    this.#channelCount = options.channels ?? 1;
    this.#settings = { ...DEFAULT_SETTINGS, batchRecords: options.batchRecords ?? LIMITS.batchRecords, watermarkMs: 0 };
    this.#plan = physicalPlan(this.#instrument(plan));
    const chains = this.#plan.chains.filter(({ nodes }) => nodes[0]?.node.kind !== 'source');
    this.#subtasks = chains.map((chain) => this.#makeSubtask(chain));
  }

  async open(): Promise<void> {
    for (const subtask of this.#subtasks) await subtask.open();
  }

  record(source: string, record: unknown, timestamp: number, channel: number): void {
    for (const channels of this.#channelsOf(source)) (channels[channel] as HarnessChannel).record(record, timestamp);
    this.settle();
  }

  control(source: string, control: Control, target: HarnessTarget): void {
    for (const channels of this.#channelsOf(source)) {
      const chosen = target.channel === undefined ? channels : [channels[target.channel] as HarnessChannel];
      for (const channel of chosen) channel.control(control);
    }
    this.settle();
  }

  get sources(): readonly string[] {
    return [...this.#inputs.keys()];
  }

  moveTo(time: number): void {
    this.clock.moveTo(time);
    this.settle();
  }

  /** Runs everything that can run now; throws what the job has failed with. */
  settle(): void {
    let busy = true;
    while (busy && !this.#failure) {
      busy = false;
      for (const subtask of this.#subtasks) {
        while (subtask.step()) busy = true;
        busy = subtask.flush() || busy;
      }
    }
    if (this.#failure) throw this.#failure;
  }

  capture(name: string): Capture {
    const capture = this.#captures.get(name);
    if (capture) return capture;
    const known = [...this.#captures.keys()].join(', ');
    throw new MillraceError('MILL_OPTION_INVALID', `the harness has no output ${name}; it has ${known}`);
  }

  /** Rows of keyed state of one operator, or of all. */
  rows(operator: string | undefined): StateRow[] {
    const all = this.#subtasks.flatMap((subtask) => [...subtask.rows()]);
    return all.filter(([uid]) => operator === undefined || uid === operator).map(([, row]) => row);
  }

  async close(): Promise<void> {
    await Promise.all(this.#subtasks.map((subtask) => subtask.close()));
  }

  #channelsOf(source: string): HarnessChannel[][] {
    const channels = this.#inputs.get(source);
    if (channels) return channels;
    const known = [...this.#inputs.keys()].join(', ');
    throw new MillraceError('MILL_OPTION_INVALID', `the harness has no input ${source}; it has ${known}`);
  }

  /** Sinks become captures, and sources stay apart from what they feed. */
  #instrument(plan: LogicalPlan): LogicalPlan {
    const sources = new Set(plan.nodes.filter(({ kind }) => kind === 'source').map(({ id }) => id));
    const nodes = plan.nodes.map((node): LogicalNode => {
      const inputs = node.inputs.map((edge) =>
        sources.has(edge.from) && edge.partition.kind === 'forward'
          ? { ...edge, partition: { kind: 'rebalance' as const } }
          : edge,
      );
      return node.kind === 'sink' ? this.#captured({ ...node, inputs }) : { ...node, inputs };
    });
    return { ...plan, nodes };
  }

  #captured(node: Extract<LogicalNode, { kind: 'sink' }>): LogicalNode {
    const capture = new Capture();
    this.#captures.set(node.uid, capture);
    return { ...node, kind: 'operator', keyed: false, offloaded: undefined, factory: capture.factory() };
  }

  #makeSubtask(chain: Chain): Subtask {
    const hello = {
      plan: this.#plan,
      chain,
      subtask: 0,
      parallelism: 1,
      runId: 'harness',
      epoch: 0,
      settings: this.#settings,
      restored: new Map(),
      watermark: TIME_MIN,
      random: undefined,
    };
    return new Subtask(hello, this.#subtaskHost());
  }

  #subtaskHost(): SubtaskHost {
    return {
      host: this.#host(),
      inputs: (link) => this.#inputsOf(link),
      outputs: (link) => this.#outputsOf(link),
      keyedState: () => new MemoryState({ maxParallelism: this.#plan.logical.maxParallelism }),
      rowWriter: () => undefined,
      wake: () => {},
      fail: (error) => {
        this.#failure = error;
      },
      acknowledge: () => {},
      ended: () => {},
      collect: () => true,
    };
  }

  readonly #channels = new Map<number, { readonly input: InputChannel; readonly output: OutputChannel }>();

  #inputsOf(link: Link): readonly InputChannel[] {
    const from = this.#plan.logical.nodes.find(({ id }) => id === link.from.node) as LogicalNode;
    if (from.kind !== 'source') return [this.#channel(link).input];
    const channels = Array.from({ length: this.#channelCount }, () => new HarnessChannel(link.partition));
    this.#inputs.set(from.uid, [...(this.#inputs.get(from.uid) ?? []), channels]);
    return channels;
  }

  #outputsOf(link: Link): readonly OutputChannel[] {
    return [this.#channel(link).output];
  }

  #channel(link: Link): { readonly input: InputChannel; readonly output: OutputChannel } {
    const known = this.#channels.get(link.id);
    if (known) return known;
    const made = link.partition.kind === 'forward' ? localPair(this.#settings.batchRecords) : ringPair(link);
    this.#channels.set(link.id, made);
    return made;
  }

  #host(): Host {
    return {
      now: () => this.clock.now,
      elapsed: () => this.clock.now,
      random: () => this.#random.uint32(),
      timer: (delayMs, fire) => this.clock.timer(delayMs, fire),
      storage: this.storage,
      pool: {
        threads: 2,
        run: async (_operator, inputs, _signal, apply) => Promise.all(inputs.map((input) => apply(input as never))),
      },
      print: async () => {},
    };
  }
}

function localPair(batchRecords: number): { input: InputChannel; output: OutputChannel } {
  const channel = new LocalChannel(batchRecords);
  return { input: channel, output: channel };
}

function ringPair(link: Link): { input: InputChannel; output: OutputChannel } {
  const buffer = Ring.allocate(RING_BYTES);
  return {
    input: new RingInputChannel(new Ring(buffer), SILENT),
    output: new RingOutputChannel(new Ring(buffer), SILENT, { keyed: link.partition.kind === 'hash' }),
  };
}

/** The state of one key as a test reads it: values, arrays, maps, by table. */
export function stateOf(rows: readonly StateRow[], key: unknown): Record<string, unknown> {
  const state: Record<string, unknown> = {};
  for (const row of rows) {
    if (!sameKey(row.key, key) || row.kind === 'timer') continue;
    if (row.kind === 'value') state[row.table] = row.value;
    else if (row.kind === 'list') ((state[row.table] ??= []) as unknown[])[Number(row.subkey)] = row.value;
    else ((state[row.table] ??= new Map()) as Map<unknown, unknown>).set(row.subkey, row.value);
  }
  return state;
}

/** Timers in the order in which they would fire. */
export function timersOf(rows: readonly StateRow[]): PendingTimer[] {
  const timers = rows.filter(({ kind }) => kind === 'timer');
  return timers
    .map(({ table, key, subkey }) => ({ kind: table as PendingTimer['kind'], key, time: Number(subkey) }))
    .sort((a, b) => a.time - b.time || compareKeys(a.key, b.key));
}
