/**
 * Two keyed streams that share state.
 */
import type { Key } from '../core/key.js';
import type { StateDescriptors } from '../state/descriptors.js';
import type { GraphBuilder, Input } from './graph-builder.js';
import { type ConnectedFunctions, processSpec, type SideDescriptors } from './process.js';
import { addProcess, type ProcessedStream } from './processed-stream.js';

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
    return addProcess(this.#graph, { type: 'connect', name, inputs: this.#inputs, spec, functions });
  }
}
