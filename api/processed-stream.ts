/**
 * What process operators give: a stream, and one for each side output.
 */
import { type ProcessSpec, processFactory } from '../operators/process.js';
import type { GraphBuilder, Input } from './graph-builder.js';
import type { OnError } from './on-error.js';
import type { SideDescriptor, SideDescriptors } from './process.js';
import { Stream } from './stream.js';

/** The side outputs that a process operator declares, as streams. */
export type SideStreams<S extends SideDescriptors> = {
  readonly [N in keyof S]: Stream<S[N] extends SideDescriptor<infer T> ? T : never>;
};

/** A stream with side outputs, by name in `side`. */
export type ProcessedStream<T, S extends SideDescriptors> = Stream<T> & { readonly side: SideStreams<S> };

interface ProcessNode {
  readonly type: 'process' | 'connect';
  readonly name: string;
  readonly inputs: readonly Input[];
  readonly spec: ProcessSpec;
  readonly functions: { readonly renamedFrom?: string; readonly onError?: unknown };
}

export function addProcess<T, S extends SideDescriptors>(
  graph: GraphBuilder,
  { type, name, inputs, spec, functions }: ProcessNode,
): ProcessedStream<T, S> {
  const { sides } = spec;
  const { renamedFrom } = functions;
  const onError = functions.onError as OnError<never> | undefined;
  const factory = processFactory(spec);
  const node = graph.operator({ type, name, renamedFrom, inputs, sides, keyed: true, onError, factory });
  return Object.assign(new Stream<T>(graph, [{ node, side: undefined }]), { side: sideStreams<S>(graph, node, sides) });
}

export function sideStreams<S extends SideDescriptors>(
  graph: GraphBuilder,
  node: number,
  sides: readonly string[],
): SideStreams<S> {
  return Object.fromEntries(sides.map((side) => [side, new Stream(graph, [{ node, side }])])) as SideStreams<S>;
}
