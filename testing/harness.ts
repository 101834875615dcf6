/**
 * Drives one operator, or a whole job, step by step in virtual time: `import { harness, jobHarness } from
 * 'millrace/testing'`. Every call runs all that can run before it returns.
 */
import { GraphBuilder } from '../api/graph-builder.js';
import type { JobDefinition } from '../api/job.js';
import { Stream } from '../api/stream.js';
import { collect } from '../connectors/memory/collect-sink.js';
import { ACTIVE, type Control, END, IDLE } from '../core/control.js';
import { LIMITS } from '../core/limits.js';
import { type Duration, durationMs, TIME_MAX, TIME_MIN } from '../core/time.js';
import { closePlan } from '../engine/graph/plan.js';
import type { Source } from '../operators/source.js';
import type { StateRow } from '../state/backend.js';
import type { Emitted } from './capture.js';
import {
  HarnessCore,
  type HarnessOptions,
  type HarnessTarget,
  type PendingTimer,
  type RestoreOptions,
  stateOf,
  timersOf,
} from './harness-core.js';
import { HarnessSnapshot } from './harness-snapshot.js';

/** Where and when a record is sent. */
export interface SendOptions {
  /** Event time, epoch ms; left out: none. */
  readonly at?: number;
  /** Which of the input's channels; default 0. */
  readonly channel?: number;
}

/** Promises in a row that asynchronous work may wait for. */
const SETTLING_TURNS = 128;

/** What both harnesses can do. */
abstract class Harness {
  /** @internal */
  protected readonly core: HarnessCore;

  /** @internal */
  constructor(core: HarnessCore) {
    this.core = core;
  }

  /** Processing time, epoch ms. */
  get now(): number {
    return this.core.clock.now;
  }

  /** Moves processing time on; timers that come due fire. */
  advance(by: Duration): this {
    this.core.moveTo(this.core.clock.now + durationMs(by, 'advance'));
    return this;
  }

  /** Moves processing time to `time`, epoch ms. */
  processingTime(time: number): this {
    this.core.moveTo(time);
    return this;
  }

  /** Lets asynchronous work (offloaded functions, agents) come to an end: `turns` is how many promises in a row are waited for. */
  async settled(turns = SETTLING_TURNS): Promise<this> {
    for (let turn = 0; turn < turns; turn += 1) {
      await null;
      this.core.settle();
    }
    return this;
  }

  /** State of a key: values, arrays and maps by name. With several operators, say which. */
  state(key: unknown, operator?: string): Record<string, unknown> {
    return stateOf(this.core.rows(operator), key);
  }

  /** Timers that are set, in order of time. */
  timers(operator?: string): PendingTimer[] {
    return timersOf(this.core.rows(operator));
  }

  /** All keyed state, row by row. */
  rows(operator?: string): StateRow[] {
    return this.core.rows(operator);
  }

  /**
   * Cuts the job here, as a checkpoint does: state, timers, windows, watermarks. What it puts out from now on, and is
   * not taken before a restore, is taken back by it.
   */
  snapshot(): Promise<HarnessSnapshot> {
    return this.core.snapshot();
  }

  /**
   * Ends the job as a crash does. What it kept in memory is gone; what it has put out since the newest snapshot is taken
   * back by `restore`, unless it has been taken. Send again what came after that snapshot, as a source would.
   *
   * @example await h.kill().restore({ parallelism: 3 })
   */
  kill(): this {
    this.core.kill();
    return this;
  }

  /**
   * Starts the job anew from a snapshot, its own or that of another harness, with any number of subtasks. By default
   * from its own newest one; if there is none, from the beginning. The clock does not go back.
   */
  restore(snapshot: HarnessSnapshot, options?: RestoreOptions): Promise<this>;
  restore(options?: RestoreOptions): Promise<this>;
  async restore(first: HarnessSnapshot | RestoreOptions = {}, second: RestoreOptions = {}): Promise<this> {
    if (first instanceof HarnessSnapshot) await this.core.restore(first, second);
    else await this.core.restore(undefined, first);
    return this;
  }

  /** Goes on from here with another number of subtasks. */
  async rescale(parallelism: number): Promise<this> {
    return this.restore(await this.snapshot(), { parallelism });
  }

  /** Closes the operators. */
  close(): Promise<void> {
    return this.core.close();
  }

  /** @internal */
  protected controlAll(sources: readonly string[], control: Control, target: HarnessTarget): this {
    for (const source of sources) this.core.control(source, control, target);
    return this;
  }
}

/** Which input something is sent to (1 or 2), and which of its channels; left out: all of them. */
export interface InputTarget extends HarnessTarget {
  readonly input?: 1 | 2;
}

const OUTPUT = 'output';
const INPUTS = ['input-1', 'input-2'] as const;

/** An operator, or a piece of a pipeline, with one or two inputs. Made by `harness`. */
export class OperatorHarness<A, B, O> extends Harness {
  /** A record to input 1. */
  send(record: A, options?: SendOptions & { readonly input?: 1 }): this;
  /** A record to input 2. */
  send(record: B, options: SendOptions & { readonly input: 2 }): this;
  send(record: A | B, options: SendOptions & { readonly input?: 1 | 2 } = {}): this {
    this.core.record(INPUTS[(options.input ?? 1) - 1] as string, record, options.at ?? TIME_MIN, options.channel ?? 0);
    return this;
  }

  /** A watermark: no record with a timestamp up to `time` will come. */
  watermark(time: number, target: InputTarget = {}): this {
    return this.controlAll(this.#sources(target), { kind: 'watermark', time }, target);
  }

  /** From here on this channel does not hold event time back. */
  idle(target: InputTarget = {}): this {
    return this.controlAll(this.#sources(target), IDLE, target);
  }

  /** The channel holds event time back again. */
  active(target: InputTarget = {}): this {
    return this.controlAll(this.#sources(target), ACTIVE, target);
  }

  /** The input ends: the last watermark, then the end itself. */
  end(target: InputTarget = {}): this {
    this.controlAll(this.#sources(target), { kind: 'watermark', time: TIME_MAX }, target);
    return this.controlAll(this.#sources(target), END, target);
  }

  /** Records put out since the last call. */
  take(): O[] {
    return this.emitted().map(({ record }) => record);
  }

  /** The same with their timestamps. */
  emitted(): Emitted<O>[] {
    return this.core.capture(OUTPUT).take() as Emitted<O>[];
  }

  /** Records put out on a side output since the last call. */
  takeSide(name: string): unknown[] {
    return this.core
      .capture(name)
      .take()
      .map(({ record }) => record);
  }

  /** Watermarks put out since the last call. */
  takeWatermarks(): number[] {
    return this.core.capture(OUTPUT).takeWatermarks();
  }

  /** Whether the end has come out. */
  get ended(): boolean {
    return this.core.capture(OUTPUT).ended;
  }

  #sources({ input }: InputTarget): readonly string[] {
    return input === undefined ? this.core.sources : [INPUTS[input - 1] as string];
  }
}

/**
 * Drives what `build` makes of one or two input streams.
 *
 * @example
 * const h = await harness((clicks: Stream<Click>) =>
 *   clicks.keyBy((c) => c.user).window(tumbling('1m')).aggregate('clicks', (a) => ({ n: a.count() })))
 * h.send({ user: 'ann' }, { at: 1_000 }).send({ user: 'ann' }, { at: 2_000 }).watermark(60_000)
 * h.take()  // [{ key: 'ann', window: { start: 0, end: 60000 }, n: 2 }]
 */
export async function harness<A, B, O>(
  build: (first: Stream<A>, second: Stream<B>) => Stream<O>,
  options: HarnessOptions = {},
): Promise<OperatorHarness<A, B, O>> {
  const graph = new GraphBuilder();
  const inputs = INPUTS.slice(0, Math.max(1, build.length)).map((name) => inputStream(graph, name));
  const output = build(inputs[0] as Stream<A>, inputs[1] as Stream<B>);
  output.to(OUTPUT, collect());
  for (const [name, side] of sidesOf(output)) side.to(name, collect());
  const core = new HarnessCore(closePlan('harness', graph.nodes, LIMITS.maxParallelism), options);
  await core.open();
  return new OperatorHarness<A, B, O>(core);
}

function inputStream(graph: GraphBuilder, name: string): Stream<unknown> {
  const source: Source<unknown> = {
    kind: 'input',
    description: '',
    bounded: false,
    enumerator: () => ({ discover: async () => [], snapshot: () => null, restore: () => {} }),
    reader: () => {
      throw new TypeError('the harness writes its inputs itself');
    },
  };
  const sourceNode = {
    kind: 'source',
    type: 'input',
    description: '',
    inputs: [],
    sides: [],
    onError: 'fail',
    source,
  } as const;
  return new Stream(graph, [{ node: graph.add(name, sourceNode), side: undefined }]);
}

/** Side outputs as streams have them: in `side`, or as properties such as `late`, or `late.left`. */
function sidesOf(output: object): [string, Stream<unknown>][] {
  return Object.entries(output).flatMap(([name, value]) => {
    if (value instanceof Stream) return [[name, value]];
    if (name !== 'side' && name !== 'late') return [];
    const sides = Object.entries(value as Record<string, Stream<unknown>>);
    return sides.map(([each, stream]): [string, Stream<unknown>] => [
      name === 'side' ? each : `${name}.${each}`,
      stream,
    ]);
  });
}

/** A whole job, its sources and sinks in the hands of the test. Made by `jobHarness`. */
export class JobHarness extends Harness {
  /** A record to the source of that name. The job's own `eventTime` stamps it. */
  send(source: string, record: unknown, options: SendOptions = {}): this {
    this.core.record(source, record, options.at ?? TIME_MIN, options.channel ?? 0);
    return this;
  }

  /** A watermark from that source, for jobs without `eventTime`. */
  watermark(source: string, time: number, target: HarnessTarget = {}): this {
    return this.controlAll([source], { kind: 'watermark', time }, target);
  }

  /** From here on that source does not hold event time back. */
  idle(source: string, target: HarnessTarget = {}): this {
    return this.controlAll([source], IDLE, target);
  }

  /** That source holds event time back again. */
  active(source: string, target: HarnessTarget = {}): this {
    return this.controlAll([source], ACTIVE, target);
  }

  /** The input ends: that source's, or all. */
  end(source?: string): this {
    const sources = source === undefined ? this.core.sources : [source];
    this.controlAll(sources, { kind: 'watermark', time: TIME_MAX }, {});
    return this.controlAll(sources, END, {});
  }

  /** Records that the sink of that name has got since the last call. */
  take(sink: string): unknown[] {
    return this.emitted(sink).map(({ record }) => record);
  }

  /** The same, with their timestamps. */
  emitted(sink: string): Emitted<unknown>[] {
    return this.core.capture(sink).take();
  }

  /** Watermarks that have reached that sink since the last call. */
  takeWatermarks(sink: string): number[] {
    return this.core.capture(sink).takeWatermarks();
  }

  /** Whether the end of the input has reached that sink. */
  ended(sink: string): boolean {
    return this.core.capture(sink).ended;
  }
}

/**
 * Drives a whole job: records are sent to its sources by name, and taken from its sinks by name.
 *
 * @example
 * const h = await jobHarness(orders)
 * h.send('orders', { user: 'ann', cents: 5, at: 1_000 }).end()
 * h.take('out')
 */
export async function jobHarness<R, P>(
  job: JobDefinition<R, P>,
  options: HarnessOptions & { readonly params?: Partial<P> } = {},
): Promise<JobHarness> {
  const core = new HarnessCore(job.plan(options.params), options);
  await core.open();
  return new JobHarness(core);
}
