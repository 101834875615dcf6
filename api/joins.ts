/**
 * Joins of two keyed streams. The methods that users call are in keyed-stream.ts.
 */
import { MillraceError } from '../core/errors.js';
import { type Duration, durationMs, signedDurationMs } from '../core/time.js';
import { intervalJoinFactory } from '../operators/join/interval-join-operator.js';
import { type Combine, type JoinType, LATE_SIDES } from '../operators/join/join-type.js';
import { type CoGroupSpec, coGroupFactory, windowJoinFactory } from '../operators/join/window-join.js';
import type { OperatorFactory } from '../operators/operator.js';
import type { WindowAssigner } from '../operators/window/assigners.js';
import type { GraphBuilder, Input } from './graph-builder.js';
import type { OnError } from './on-error.js';
import { Stream } from './stream.js';
import { describeWindows } from './windowed-stream.js';

export type { JoinType };

/**
 * Pairs by the distance of their times: `left.time + lower <= right.time <= left.time + upper`.
 *
 * @example { within: ['-5m', '15m'], exclusive: 'upper', type: 'left' }
 */
export interface IntervalJoin<J extends JoinType = JoinType> {
  /** How much later than the left record the right one may be, at least and at most; negative: earlier. */
  readonly within: readonly [lower: Duration, upper: Duration];
  /** Bounds that are not part of the interval; default: none. A bound moves by one millisecond, as Flink's do. */
  readonly exclusive?: 'lower' | 'upper' | 'both';
  /** Default `'inner'`. */
  readonly type?: J;
}

/** Both streams in windows. */
export interface CoGroupWindows {
  /** `tumbling`, `sliding` or `session`; a session is made of the records of both streams. */
  readonly window: WindowAssigner;
  /** How long after its end a window still takes records, and fires again for each; default 0. */
  readonly lateness?: Duration;
}

/**
 * Pairs by window: records of one key that are in the same window.
 *
 * @example { window: tumbling('1h'), type: 'left' }
 */
export interface WindowJoin<J extends JoinType = JoinType> extends CoGroupWindows {
  /** Default `'inner'`. */
  readonly type?: J;
}

/** What a join's function gets of the left side: undefined where a record of the right side has no match. */
export type LeftOf<A, J extends JoinType> = J extends 'right' | 'full' ? A | undefined : A;

/** What a join's function gets of the right side. */
export type RightOf<B, J extends JoinType> = J extends 'left' | 'full' ? B | undefined : B;

/** Options of every join. */
export interface JoinOptions<T> {
  /** What happens to a record on which the join's function throws. */
  readonly onError?: OnError<T>;
  /** The name that the join has in older checkpoints, so that its state is found again. */
  readonly renamedFrom?: string;
}

/** Results of a join, and the records that came too late for it. */
export type JoinedStream<O, A, B> = Stream<O> & {
  readonly late: { readonly left: Stream<A>; readonly right: Stream<B> };
};

interface JoinNode {
  readonly type: string;
  readonly name: string;
  readonly description: string;
  readonly inputs: readonly [Input, Input];
  readonly factory: OperatorFactory;
  readonly options: JoinOptions<never>;
}

/** Adds a join whose late records have side outputs. */
function addJoin<O, A, B>(graph: GraphBuilder, { options, ...spec }: JoinNode): JoinedStream<O, A, B> {
  const node = graph.operator({ ...spec, ...options, sides: LATE_SIDES, keyed: true });
  const [left, right] = LATE_SIDES.map((side) => new Stream(graph, [{ node, side }])) as [Stream<A>, Stream<B>];
  return Object.assign(new Stream<O>(graph, [{ node, side: undefined }]), { late: { left, right } });
}

export interface JoinCall {
  readonly graph: GraphBuilder;
  readonly name: string;
  readonly inputs: readonly [Input, Input];
  readonly combine: unknown;
  readonly options: JoinOptions<never>;
}

export function intervalJoin<O, A, B>(
  { graph, name, inputs, combine, options }: JoinCall,
  how: IntervalJoin,
): JoinedStream<O, A, B> {
  const { type = 'inner' } = how;
  const [lowerMs, upperMs] = boundsOf(how);
  const factory = intervalJoinFactory({ type, lowerMs, upperMs, combine: combine as Combine });
  const description = `${type}, within ${lowerMs} to ${upperMs} ms`;
  return addJoin(graph, { type: 'interval-join', name, description, inputs, factory, options });
}

export function windowJoin<O, A, B>(
  { graph, name, inputs, combine, options }: JoinCall,
  { window: assigner, lateness = 0, type = 'inner' }: WindowJoin,
): JoinedStream<O, A, B> {
  const latenessMs = durationMs(lateness, 'lateness');
  const factory = windowJoinFactory({ assigner, latenessMs, type, combine: combine as Combine });
  const description = `${type}, ${describeWindows(assigner, latenessMs)}`;
  return addJoin(graph, { type: 'window-join', name, description, inputs, factory, options });
}

export function coGroup<O, A, B>(
  { graph, name, inputs, combine, options }: JoinCall,
  { window: assigner, lateness = 0 }: CoGroupWindows,
): JoinedStream<O, A, B> {
  const latenessMs = durationMs(lateness, 'lateness');
  const factory = coGroupFactory({ assigner, latenessMs, process: combine as CoGroupSpec['process'] });
  const description = describeWindows(assigner, latenessMs);
  return addJoin(graph, { type: 'co-group', name, description, inputs, factory, options });
}

/** Inclusive ones. */
function boundsOf({ within: [lower, upper], exclusive }: IntervalJoin): [number, number] {
  const bounds: [number, number] = [
    signedDurationMs(lower, 'lower bound of the join') + (exclusive === 'lower' || exclusive === 'both' ? 1 : 0),
    signedDurationMs(upper, 'upper bound of the join') - (exclusive === 'upper' || exclusive === 'both' ? 1 : 0),
  ];
  if (bounds.every(Number.isSafeInteger) && bounds[0] <= bounds[1]) return bounds;
  const text = `within is ${JSON.stringify([lower, upper])}, which has no whole milliseconds between its bounds`;
  throw new MillraceError('MILL_OPTION_INVALID', text);
}
