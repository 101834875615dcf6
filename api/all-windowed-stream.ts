/**
 * Whole streams in windows, whatever the key.
 */
import {
  type AggregateBuilder,
  type AggregateParts,
  type AggregateResults,
  aggregateBuilder,
} from '../operators/aggregate/aggregates.js';
import type { Window, WindowAssigner } from '../operators/window/assigners.js';
import type { AnyWindowFold, WindowsSpec } from '../operators/window/window-factory.js';
import {
  aggregateFold,
  elementsFold,
  reduceFold,
  type WindowContext,
  withoutKey,
} from '../operators/window/window-fold.js';
import type { Flat } from './flat.js';
import type { GraphBuilder, Input } from './graph-builder.js';
import { addWindows, type WindowedOptions, type WindowOptions, type WindowResults, windowsSpec } from './windows.js';

/**
 * A stream in windows over all of its records. Aggregates and reductions of aligned windows of event time are made in two
 * stages, in each subtask and then in one; everything else happens in one subtask, which all records go to.
 */
export class AllWindowedStream<T> {
  readonly #graph: GraphBuilder;
  readonly #input: Input;
  readonly #windows: WindowsSpec;
  /** Phantom: the type of its records. */
  declare readonly types?: readonly [T];

  /** @internal */
  constructor(graph: GraphBuilder, origins: Input['origins'], assigner: WindowAssigner<T>, options: WindowOptions<T>) {
    this.#graph = graph;
    this.#input = { origins, partition: { kind: 'hash', selector: () => null } };
    this.#windows = windowsSpec(assigner, options);
  }

  /**
   * Aggregates per window. State: one accumulator for each.
   *
   * @example windowed.aggregate('hourly', (a) => ({ flights: a.count(), worst: a.max((f) => f.delay) }))
   */
  aggregate<P extends AggregateParts<T>>(
    name: string,
    build: (a: AggregateBuilder<T>) => P,
    options: WindowedOptions<T> = {},
  ): WindowResults<Flat<{ readonly window: Window } & AggregateResults<P>>, T> {
    return this.#add('window-all-aggregate', name, withoutKey(aggregateFold(build(aggregateBuilder<T>()))), options);
  }

  /** Combines the records of each window two by two; in any order, so `reduce` must be commutative. State: one record. */
  reduce(
    name: string,
    reduce: (a: T, b: T) => T,
    options: WindowedOptions<T> = {},
  ): WindowResults<{ readonly window: Window; readonly value: T }, T> {
    return this.#add('window-all-reduce', name, withoutKey(reduceFold(reduce)), options);
  }

  /** Calls `process` with all records of a window when it fires, in one subtask. State: every record. */
  process<O>(
    name: string,
    process: (window: Window, records: readonly T[], context: WindowContext) => Iterable<O>,
    options: WindowedOptions<T> = {},
  ): WindowResults<O, T> {
    const fold = elementsFold<T, O>((_key, window, records, context) => process(window, records, context));
    return this.#add('window-all-process', name, fold, options);
  }

  #add<O>(type: string, name: string, fold: AnyWindowFold, options: WindowedOptions<T>): WindowResults<O, T> {
    const call = { graph: this.#graph, input: this.#input, windows: this.#windows, inParts: 'if-possible' } as const;
    return addWindows<O, T>({ ...call, type, name, fold, options });
  }
}
