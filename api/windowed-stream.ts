/**
 * Keyed streams grouped by event time.
 */
import type { Key } from '../core/key.js';
import { type Duration, durationMs } from '../core/time.js';
import {
  type AggregateBuilder,
  type AggregateParts,
  type AggregateResults,
  aggregateBuilder,
} from '../operators/aggregates.js';
import type { Window, WindowAssigner } from '../operators/window/assigners.js';
import type { Evictor } from '../operators/window/evictors.js';
import type { Trigger } from '../operators/window/trigger.js';
import {
  type AnyWindowFold,
  checkWindows,
  LATE,
  type WindowsSpec,
  windowFactory,
} from '../operators/window/window-factory.js';
import { aggregateFold, elementsFold, reduceFold, type WindowContext } from '../operators/window/window-fold.js';
import type { Flat } from './flat.js';
import type { GraphBuilder, Input } from './graph-builder.js';
import type { OnError } from './on-error.js';
import { Stream } from './stream.js';

/** Options of `window`. */
export interface WindowOptions<T = unknown> {
  /** How long after its end a window still takes records; default 0. */
  readonly lateness?: Duration;
  /**
   * `'processing'`: records belong to the windows of the time at which they come. Such windows fire by the clock, and those
   * that are open when the input ends come out in no result. Default: event time.
   */
  readonly time?: 'event' | 'processing';
  /**
   * When windows fire, if not at their end (and then for every late record). Costs more than windows without: each record is
   * added to each of its windows on its own.
   */
  readonly trigger?: Trigger<T>;
  /** Which records leave a window when it fires. State: every record. */
  readonly evictor?: Evictor<T>;
}

/** What windows give, and the records that came too late for all of theirs. */
export type WindowResults<T, Late> = Stream<T> & { readonly late: Stream<Late> };

interface WindowedOptions<T> {
  readonly onError?: OnError<T>;
  /** The name that it has in older checkpoints, so that its windows are found again. */
  readonly renamedFrom?: string;
}

/**
 * A keyed stream in windows. A window fires once the watermark has passed its end; its results carry the timestamp
 * `end - 1`.
 */
export class WindowedStream<K extends Key, T> {
  readonly #graph: GraphBuilder;
  readonly #input: Input;
  readonly #windows: WindowsSpec;
  /** Phantom: the types of key and record. */
  declare readonly types?: readonly [K, T];

  /** @internal */
  constructor(graph: GraphBuilder, input: Input, assigner: WindowAssigner<T>, options: WindowOptions<T>) {
    this.#graph = graph;
    this.#input = input;
    this.#windows = windowsSpec(assigner, options);
  }

  /**
   * Aggregates per key and window, folded as records come: state is one accumulator for each.
   *
   * @example windowed.aggregate('hourly', (a) => ({ flights: a.count(), worst: a.max((f) => f.delay) }))
   */
  aggregate<P extends AggregateParts<T>>(
    name: string,
    build: (a: AggregateBuilder<T>) => P,
    options: WindowedOptions<T> = {},
  ): WindowResults<Flat<{ readonly key: K; readonly window: Window } & AggregateResults<P>>, T> {
    return this.#add('window-aggregate', name, aggregateFold(build(aggregateBuilder<T>())), options);
  }

  /** Combines the records of each key and window two by two. State: one record for each. */
  reduce(
    name: string,
    reduce: (a: T, b: T) => T,
    options: WindowedOptions<T> = {},
  ): WindowResults<{ readonly key: K; readonly window: Window; readonly value: T }, T> {
    return this.#add('window-reduce', name, reduceFold(reduce), options);
  }

  /**
   * Calls `process` with all records of a key and window when it fires; what it returns goes out, pulled as there is
   * room. `context` says why it fires, and what time it is. State: every record, so prefer `aggregate` where it will do.
   *
   * @example windowed.process('median', (key, window, records) => [{ key, median: medianOf(records) }])
   */
  process<O>(
    name: string,
    process: (key: K, window: Window, records: readonly T[], context: WindowContext) => Iterable<O>,
    options: WindowedOptions<T> = {},
  ): WindowResults<O, T> {
    return this.#add(
      'window-process',
      name,
      elementsFold(process as Parameters<typeof elementsFold<T, O>>[0]),
      options,
    );
  }

  #add<O>(type: string, name: string, fold: AnyWindowFold, options: WindowedOptions<T>): WindowResults<O, T> {
    const node = this.#graph.operator({
      type,
      name,
      renamedFrom: options.renamedFrom,
      description: describeWindows(this.#windows),
      inputs: [this.#input],
      sides: [LATE],
      keyed: true,
      onError: options.onError as OnError<never> | undefined,
      factory: windowFactory({ ...this.#windows, fold }),
    });
    const late = new Stream<T>(this.#graph, [{ node, side: LATE }]);
    return Object.assign(new Stream<O>(this.#graph, [{ node, side: undefined }]), { late });
  }
}

/** Throws `MILL_OPTION_INVALID` for options that do not go together. */
export function windowsSpec<T>(
  assigner: WindowAssigner<T>,
  { lateness = 0, time, trigger, evictor }: WindowOptions<T>,
): WindowsSpec {
  const spec = { assigner, latenessMs: durationMs(lateness, 'lateness'), time, trigger, evictor } as WindowsSpec;
  checkWindows(spec);
  return spec;
}

/** For plans. */
export function describeWindows({ assigner, latenessMs, time, trigger, evictor }: WindowsSpec): string {
  const { kind, ...sizes } = assigner;
  const parts = Object.entries(sizes).flatMap(([name, size]) => describeSize(name, size));
  if (time === 'processing') parts.push('processing time');
  if (latenessMs > 0) parts.push(`lateness ${latenessMs} ms`);
  if (trigger) parts.push(`trigger: ${trigger.name}`);
  if (evictor) parts.push(`evictor: ${evictor.name}`);
  return [kind, ...parts].join(', ');
}

function describeSize(name: string, size: unknown): readonly string[] {
  if (size === 0) return [];
  const what = name.replace(/Ms$/, '');
  if (typeof size === 'function') return [`${what} of each record`];
  return [name === what ? `${what} ${size}` : `${what} ${size} ms`];
}
