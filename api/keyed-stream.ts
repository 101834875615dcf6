/**
 * Streams whose records are dealt by key: here state begins.
 */
import type { Key } from '../core/key.js';
import { foldFactory, reduceFold } from '../operators/fold.js';
import type { OperatorFactory } from '../operators/operator.js';
import { processFactory } from '../operators/process.js';
import type { StateDescriptors } from '../state/descriptors.js';
import type { GraphBuilder, Input } from './graph-builder.js';
import type { OnError } from './on-error.js';
import {
  type ConnectedFunctions,
  type ProcessFunctions,
  processSpec,
  type SideDescriptor,
  type SideDescriptors,
} from './process.js';
import { Stream } from './stream.js';

export interface KeyedOptions<T> {
  readonly onError?: OnError<T>;
}

/** The side outputs that a process operator declares, as streams. */
export type SideStreams<S extends SideDescriptors> = {
  readonly [N in keyof S]: Stream<S[N] extends SideDescriptor<infer T> ? T : never>;
};

/** A stream with side outputs, by name in `side`. */
export type ProcessedStream<T, S extends SideDescriptors> = Stream<T> & { readonly side: SideStreams<S> };

function processedStream<T, S extends SideDescriptors>(
  graph: GraphBuilder,
  node: number,
  sides: readonly string[],
): ProcessedStream<T, S> {
  const streams = sides.map((side) => [side, new Stream(graph, [{ node, side }])]);
  return Object.assign(new Stream<T>(graph, [{ node, side: undefined }]), { side: Object.fromEntries(streams) as SideStreams<S> });
}

/**
 * A stream dealt by key `K`. All records of a key meet in one subtask, in order of arrival.
 */
export class KeyedStream<K extends Key, T> {
  /** @internal */
  readonly graph: GraphBuilder;
  /** @internal */
  readonly input: Input;
  /** Phantom: the types of key and record. */
  declare readonly types?: readonly [K, T];

  /** @internal */
  constructor(graph: GraphBuilder, input: Input) {
    this.graph = graph;
    this.input = input;
  }

  /**
   * Combines the records of a key, two by two; puts out the combination so far for every record.
   * State: one record a key.
   *
   * @example bids.keyBy((bid) => bid.auction).reduce('best', (a, b) => (b.price > a.price ? b : a))
   */
  reduce(name: string, reduce: (a: T, b: T) => T, options: KeyedOptions<T> = {}): Stream<T> {
    return this.#add<T>('reduce', name, foldFactory(reduceFold(reduce)), options);
  }

  /**
   * A keyed operator of your own: state, timers in both times, side outputs. What its functions return goes out.
   *
   * @example
   * clicks.keyBy((click) => click.user).process('first-of-day', {
   *   state: { day: state.value<number>() },
   *   *onRecord(click, ctx) {
   *     const day = Math.floor(click.at / 86_400_000)
   *     if (ctx.state.day.get() !== day) yield click
   *     ctx.state.day.set(day)
   *   },
   * })
   */
  process<
    D extends StateDescriptors = Record<never, never>,
    S extends SideDescriptors = Record<never, never>,
    O = never,
    OT = never,
    OP = never,
  >(name: string, functions: ProcessFunctions<K, T, D, S, O, OT, OP>): ProcessedStream<O | OT | OP, S> {
    const spec = processSpec(functions, [(record, ctx) => functions.onRecord(record, ctx)]);
    const node = this.graph.operator({
      type: 'process',
      name,
      inputs: [this.input],
      sides: spec.sides,
      keyed: true,
      onError: functions.onError as OnError<never> | undefined,
      factory: processFactory(spec),
    });
    return processedStream(this.graph, node, spec.sides);
  }

  /**
   * Brings two keyed streams together, so that records of equal keys share state.
   *
   * @example flights.keyBy((f) => f.origin).connect(weather.keyBy((w) => w.origin)).process('delays', { … })
   */
  connect<U>(other: KeyedStream<K, U>): ConnectedStreams<K, T, U> {
    return new ConnectedStreams(this.graph, [this.input, other.input]);
  }

  #add<U>(type: string, name: string, factory: OperatorFactory, options: KeyedOptions<T>): Stream<U> {
    const onError = options.onError as OnError<never> | undefined;
    const node = this.graph.operator({ type, name, inputs: [this.input], keyed: true, onError, factory });
    return new Stream<U>(this.graph, [{ node, side: undefined }]);
  }
}

/** Two streams keyed alike. */
export class ConnectedStreams<K extends Key, A, B> {
  readonly #graph: GraphBuilder;
  readonly #inputs: readonly [Input, Input];
  /** Phantom: the types of key and records. */
  declare readonly types?: readonly [K, A, B];

  /** @internal */
  constructor(graph: GraphBuilder, inputs: readonly [Input, Input]) {
    this.#graph = graph;
    this.#inputs = inputs;
  }

  /**
   * A keyed operator of your own over both streams, with shared state and timers. Event time is the lesser of both
   * inputs'.
   */
  process<
    D extends StateDescriptors = Record<never, never>,
    S extends SideDescriptors = Record<never, never>,
    OA = never,
    OB = never,
    OT = never,
    OP = never,
  >(name: string, functions: ConnectedFunctions<K, A, B, D, S, OA, OB, OT, OP>): ProcessedStream<OA | OB | OT | OP, S> {
    const spec = processSpec(functions, [
      (record, ctx) => functions.onFirst(record, ctx),
      (record, ctx) => functions.onSecond(record, ctx),
    ]);
    const node = this.#graph.operator({
      type: 'connect',
      name,
      inputs: this.#inputs,
      sides: spec.sides,
      keyed: true,
      onError: functions.onError as OnError<never> | undefined,
      factory: processFactory(spec),
    });
    return processedStream(this.#graph, node, spec.sides);
  }
}

