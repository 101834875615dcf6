/**
 * Keyed streams in windows.
 */
import type { Key } from '../core/key.js';
import {
  type AggregateBuilder,
  type AggregateParts,
  type AggregateResults,
  aggregateBuilder,
} from '../operators/aggregate/aggregates.js';
import type { Window, WindowAssigner } from '../operators/window/assigners.js';
import type { AnyWindowFold, WindowsSpec } from '../operators/window/window-factory.js';
import { aggregateFold, elementsFold, reduceFold, type WindowContext } from '../operators/window/window-fold.js';
import type { Flat } from './flat.js';
import type { GraphBuilder, Input } from './graph-builder.js';
import {
  addWindows,
  type KeyedWindowOptions,
  type WindowedOptions,
  type WindowResults,
  windowsSpec,
} from './windows.js';

/**
 * A keyed stream in windows. A window fires once the watermark has passed its end; its results carry the timestamp
 * `end - 1`.
 */
export class WindowedStream<K extends Key, T> {
  readonly #graph: GraphBuilder;
  readonly #input: Input;
  readonly #windows: WindowsSpec;
  readonly #inParts: 'no' | 'yes';
  /** Phantom: the types of key and record. */
  declare readonly types?: readonly [K, T];

  /** @internal */
  constructor(graph: GraphBuilder, input: Input, assigner: WindowAssigner<T>, options: KeyedWindowOptions<T>) {
    this.#graph = graph;
    this.#input = input;
    this.#windows = windowsSpec(assigner, options);
    this.#inParts = options.preAggregate ? 'yes' : 'no';
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
    const call = { graph: this.#graph, input: this.#input, windows: this.#windows, inParts: this.#inParts };
    return addWindows<O, T>({ ...call, type, name, fold, options });
  }
}
