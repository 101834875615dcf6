/**
 * A job under a test's control: inputs are channels that the test writes, sinks are captured, the clock is virtual,
 * and everything happens on the caller's thread, within the call. The job can be cut, killed, and go on from a cut with
 * another number of subtasks, as after a crash.
 */
import type { Manifest } from '../checkpoint/manifest.js';
import type { Control } from '../core/control.js';
import { MillraceError } from '../core/errors.js';
import type { Host } from '../core/host.js';
import { compareKeys, sameKey } from '../core/key.js';
import { LIMITS } from '../core/limits.js';
import { Random } from '../core/random.js';
import { TIME_MIN } from '../core/time.js';
import { changedNames, uidsOf } from '../engine/coordinator/changed-names.js';
import { partsOf, rangesOf } from '../engine/coordinator/manifest-parts.js';
import { type PhysicalPlan, physicalPlan } from '../engine/graph/chain.js';
import type { Edge, LogicalNode, LogicalPlan } from '../engine/graph/nodes.js';
import { MemoryStorage } from '../engine/host/memory-storage.js';
import { VirtualClock } from '../engine/host/virtual-clock.js';
import { DEFAULT_SETTINGS, type EngineSettings } from '../engine/worker/settings.js';
import type { StateRow } from '../state/backend.js';
import { stateNameOf } from '../state/inner-names.js';
import { Capture, type CaptureMark } from './capture.js';
import type { HarnessChannel } from './harness-channel.js';
import { type Cut, FROM_SOURCE, HarnessDeployment, TO_CAPTURE } from './harness-deployment.js';
import { type ChannelState, HarnessSnapshot, RowsFiles, renamed } from './harness-snapshot.js';

/** What a harness is made with. */
export interface HarnessOptions {
  /** Channels of each input, as of so many producers; default 1. */
  readonly channels?: number;
  /** Subtasks of each chain, but of those directly behind a source, which have one a channel; default 1. */
  readonly parallelism?: number;
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

/** How a job goes on from a snapshot. */
export interface RestoreOptions {
  /** Subtasks from now on; left out: as before. */
  readonly parallelism?: number;
}

/** A timer that is set. */
export interface PendingTimer {
  readonly kind: 'event' | 'processing';
  readonly key: unknown;
  readonly time: number;
}

const SILENT_CHANNEL: ChannelState = { watermark: TIME_MIN, idle: false, ended: false };

/** Turns of the promise queue that a snapshot waits for what is under way. */
const PATIENCE = 1_000;

export class HarnessCore {
  readonly clock: VirtualClock;
  readonly storage = new MemoryStorage();
  readonly #captures = new Map<string, Capture>();
  readonly #plan: PhysicalPlan;
  readonly #settings: EngineSettings;
  readonly #channelCount: number;
  readonly #random: Random;
  /** What each source has said last, by channel. */
  readonly #channels = new Map<string, ChannelState[]>();
  #parallelism: number;
  #deployment: HarnessDeployment;
  #killed = false;
  /** What the job started from, and files of rows since. */
  #manifest: Manifest | undefined;
  #files = new RowsFiles();
  /** The highest checkpoint so far. */
  #epoch = 0;
  #newest: HarnessSnapshot | undefined;

  constructor(plan: LogicalPlan, options: HarnessOptions) {
    this.clock = new VirtualClock(options.startAt ?? 0);
    this.#random = new Random(options.seed ?? 1);
    this.#channelCount = checkCount(options.channels ?? 1, 'channels');
    this.#parallelism = checkCount(options.parallelism ?? 1, 'parallelism');
    this.#settings = { ...DEFAULT_SETTINGS, batchRecords: options.batchRecords ?? LIMITS.batchRecords, watermarkMs: 0 };
    this.#plan = physicalPlan(this.#instrument(plan));
    this.#deployment = this.#deploy();
    for (const source of this.sources) this.#channels.set(source, this.#silent());
  }

  open(): Promise<void> {
    return this.#deployment.open();
  }

  record(source: string, record: unknown, timestamp: number, channel: number): void {
    for (const channels of this.#channelsOf(source)) (channels[channel] as HarnessChannel).record(record, timestamp);
    this.settle();
  }

  control(source: string, control: Control, { channel }: HarnessTarget): void {
    this.#channelsOf(source);
    const states = this.#channels.get(source) as ChannelState[];
    states.forEach((state, at) => {
      if (channel === undefined || channel === at) states[at] = after(state, control);
    });
    this.#deployment.control(source, control, channel);
    this.settle();
  }

  get sources(): readonly string[] {
    return [...this.#deployment.inputs.keys()];
  }

  moveTo(time: number): void {
    this.clock.moveTo(time);
    this.settle();
  }

  /** Runs everything that can run now; throws what the job has failed with. */
  settle(): void {
    this.#checkAlive();
    this.#deployment.settle();
  }

  capture(name: string): Capture {
    const capture = this.#captures.get(name);
    if (capture) return capture;
    const known = [...this.#captures.keys()].join(', ');
    throw new MillraceError('MILL_OPTION_INVALID', `the harness has no output ${name}; it has ${known}`);
  }

  /** Rows of keyed state of one operator, or of all. */
  rows(operator: string | undefined): StateRow[] {
    const all = [...this.#deployment.rows()];
    return all.filter(([uid]) => operator === undefined || uid === operator).map(([, row]) => row);
  }

  close(): Promise<void> {
    return this.#deployment.close();
  }

  // Snapshots

  async snapshot(): Promise<HarnessSnapshot> {
    this.#checkAlive();
    this.#epoch += 1;
    this.#deployment.barrier(this.#epoch);
    this.#manifest = this.#manifestOf(await this.#cut());
    const captures = new Map([...this.#captures].map(([name, capture]) => [name, capture.mark()]));
    const channels = new Map([...this.#channels].map(([source, states]) => [source, [...states]]));
    this.#newest = new HarnessSnapshot({ manifest: this.#manifest, files: this.#files, channels, captures });
    this.#deployment.complete(this.#epoch);
    this.settle();
    return this.#newest;
  }

  async #cut(): Promise<Cut> {
    for (let turn = 0; turn < PATIENCE; turn += 1) {
      this.settle();
      const cut = this.#deployment.takeCut();
      if (cut) return cut;
      await null;
    }
    throw new MillraceError('MILL_OPTION_INVALID', 'a snapshot waits for functions that are still under way', {
      hint: 'Await h.settled() first.',
    });
  }

  #manifestOf({ snapshots, rows }: Cut): Manifest {
    const { logical } = this.#plan;
    const { job, maxParallelism } = logical;
    const [epoch, parallelism] = [this.#epoch, this.#parallelism];
    const files = rows.map((writer, at) => this.#files.write(`${epoch}-${at}`, writer.finish()));
    return {
      job,
      id: `snapshot-${epoch}`,
      parent: this.#manifest?.id,
      ancestors: [],
      epoch,
      path: [{ branch: 'harness', epoch }],
      rewoundTo: undefined,
      maxParallelism,
      parallelism,
      createdAt: this.clock.now,
      ended: undefined,
      ranges: rangesOf(this.#manifest?.ranges ?? [], (at) => files.slice(at, at + 1), { parallelism, maxParallelism }),
      ...partsOf(this.#plan, snapshots, {}),
      uids: uidsOf(logical),
    };
  }

  /** The job's memory is gone. */
  kill(): void {
    this.#killed = true;
  }

  /** Goes on from a snapshot, by default the newest; without any, from the beginning. */
  async restore(snapshot: HarnessSnapshot | undefined, { parallelism }: RestoreOptions): Promise<void> {
    await this.#deployment.close();
    this.#parallelism = checkCount(parallelism ?? this.#parallelism, 'parallelism');
    const found = (snapshot ?? this.#newest)?.open();
    this.#files = found?.files ?? new RowsFiles();
    this.#manifest = found && (await renamed(found.manifest, this.#files, this.#namesIn(found.manifest)));
    this.#epoch = Math.max(this.#epoch, this.#manifest?.epoch ?? 0);
    for (const [name, capture] of this.#captures) capture.rewind(found?.captures.get(name) ?? NOTHING);
    this.#deployment = this.#deploy();
    this.#killed = false;
    await this.open();
    for (const source of this.sources) this.#repeat(source, found?.channels.get(source) ?? this.#silent());
    this.settle();
  }

  #namesIn(manifest: Manifest) {
    return changedNames(manifest, this.#plan.logical, false);
  }

  /** Sources say again where they stand, as they do when they go on from a checkpoint. */
  #repeat(source: string, states: readonly ChannelState[]): void {
    this.#channels.set(source, [...states]);
    for (const [channel, control] of states.flatMap((state, at) => saidBy(state).map((said) => [at, said] as const)))
      this.#deployment.control(source, control, channel);
  }

  #checkAlive(): void {
    if (!this.#killed) return;
    throw new MillraceError('MILL_OPTION_INVALID', 'the harness has been killed', { hint: 'Await h.restore() first.' });
  }

  // Building

  #deploy(): HarnessDeployment {
    return new HarnessDeployment({
      plan: this.#plan,
      settings: this.#settings,
      host: this.#host(),
      parallelism: this.#parallelism,
      channels: this.#channelCount,
      from: this.#manifest && { manifest: this.#manifest, files: this.#files },
    });
  }

  #silent(): ChannelState[] {
    return Array.from({ length: this.#channelCount }, () => SILENT_CHANNEL);
  }

  #channelsOf(source: string): HarnessChannel[][] {
    const channels = this.#deployment.inputs.get(source);
    if (channels) return channels;
    const known = this.sources.join(', ');
    throw new MillraceError('MILL_OPTION_INVALID', `the harness has no input ${source}; it has ${known}`);
  }

  /** Sinks become captures, and sources stay apart from what they feed. */
  #instrument(plan: LogicalPlan): LogicalPlan {
    const sources = new Set(plan.nodes.filter(({ kind }) => kind === 'source').map(({ id }) => id));
    const nodes = plan.nodes.map((node): LogicalNode => {
      const inputs = node.inputs.map((edge) =>
        sources.has(edge.from) && edge.partition.kind === 'forward' ? { ...edge, partition: FROM_SOURCE } : edge,
      );
      return node.kind === 'sink' ? this.#captured(node, inputs.map(toCapture)) : { ...node, inputs };
    });
    return { ...plan, nodes };
  }

  #captured(node: LogicalNode, inputs: LogicalNode['inputs']): LogicalNode {
    const capture = new Capture();
    this.#captures.set(node.uid, capture);
    return {
      ...node,
      inputs,
      kind: 'operator',
      keyed: false,
      replicated: false,
      offloaded: undefined,
      factory: capture.factory(),
    };
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
      fetch: () => Promise.reject(new TypeError('there is no network in the test kit')),
      print: async () => {},
    };
  }
}

function toCapture(edge: Edge): Edge {
  return { ...edge, partition: TO_CAPTURE };
}

const NOTHING: CaptureMark = { records: 0, watermarks: 0 };

function checkCount(count: number, option: string): number {
  if (Number.isInteger(count) && count >= 1 && count <= LIMITS.maxParallelism) return count;
  throw new MillraceError('MILL_OPTION_INVALID', `${option} is ${count}, expected an integer from 1`);
}

function after(state: ChannelState, control: Control): ChannelState {
  switch (control.kind) {
    case 'watermark':
      return { ...state, watermark: Math.max(state.watermark, control.time) };
    case 'status':
      return { ...state, idle: control.idle };
    case 'end':
      return { ...state, ended: true };
    case 'barrier':
      return state;
  }
}

function saidBy({ watermark, idle, ended }: ChannelState): Control[] {
  return [
    ...(watermark === TIME_MIN ? [] : [{ kind: 'watermark', time: watermark } as const]),
    ...(idle ? [{ kind: 'status', idle } as const] : []),
    ...(ended ? [{ kind: 'end' } as const] : []),
  ];
}

/** The state of one key as a test reads it: values, arrays, maps, by table. */
export function stateOf(rows: readonly StateRow[], key: unknown): Record<string, unknown> {
  const state: Record<string, unknown> = {};
  for (const row of rows) {
    const name = stateNameOf(row.table);
    if (name === undefined || !sameKey(row.key, key) || row.kind === 'timer') continue;
    if (row.kind === 'value') state[name] = row.value;
    else if (row.kind === 'list') ((state[name] ??= []) as unknown[])[Number(row.subkey)] = row.value;
    else ((state[name] ??= new Map()) as Map<unknown, unknown>).set(row.subkey, row.value);
  }
  return state;
}

/** Timers in the order in which they would fire. */
export function timersOf(rows: readonly StateRow[]): PendingTimer[] {
  const timers = rows.filter(({ kind, table }) => kind === 'timer' && (table === 'event' || table === 'processing'));
  return timers
    .map(({ table, key, subkey }) => ({ kind: table as PendingTimer['kind'], key, time: Number(subkey) }))
    .sort((a, b) => a.time - b.time || compareKeys(a.key, b.key));
}
