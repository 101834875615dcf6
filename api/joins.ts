/**
 * Makes the nodes of joins. The methods that users call are in keyed-stream.ts.
 */
import { MillraceError } from '../core/errors.js';
import { durationMs, signedDurationMs } from '../core/time.js';
import { intervalJoinFactory } from '../operators/join/interval-join-operator.js';
import { type Combine, LATE_SIDES } from '../operators/join/join-type.js';
import { type TemporalJoinSpec, temporalJoinFactory } from '../operators/join/temporal-join-operator.js';
import { type CoGroupSpec, coGroupFactory, windowJoinFactory } from '../operators/join/window-join.js';
import { checkTimeWindows, LATE } from '../operators/window/window-factory.js';
import type { GraphBuilder, OperatorSpec } from './graph-builder.js';
import type {
  CoGroupWindows,
  IntervalJoin,
  JoinedStream,
  JoinOptions,
  TemporalJoinOptions,
  WindowJoin,
} from './join-types.js';
import { Stream } from './stream.js';
import { describeWindows, type WindowResults } from './windows.js';

/** A join as a user has asked for it, but for what its kind is about. */
export interface JoinCall extends Pick<OperatorSpec, 'inputs'> {
  readonly graph: GraphBuilder;
  readonly name: string;
  readonly combine: unknown;
  readonly options: JoinOptions<never>;
}

type JoinNode = Pick<OperatorSpec, 'type' | 'description' | 'sides' | 'factory'>;

function addJoin({ graph, name, inputs, options }: JoinCall, spec: JoinNode): number {
  const { onError, renamedFrom } = options;
  return graph.operator({ ...spec, name, inputs, onError, renamedFrom, keyed: true });
}

/** A join whose late records leave by input. */
function addWithLateSides<O, A, B>(call: JoinCall, spec: JoinNode): JoinedStream<O, A, B> {
  const { graph } = call;
  const node = addJoin(call, { ...spec, sides: LATE_SIDES });
  const [left, right] = LATE_SIDES.map((side) => new Stream(graph, [{ node, side }])) as [Stream<A>, Stream<B>];
  return Object.assign(new Stream<O>(graph, [{ node, side: undefined }]), { late: { left, right } });
}

export function intervalJoin<O, A, B>(call: JoinCall, how: IntervalJoin): JoinedStream<O, A, B> {
  const { type = 'inner' } = how;
  const [lowerMs, upperMs] = boundsOf(how);
  const factory = intervalJoinFactory({ type, lowerMs, upperMs, combine: call.combine as Combine });
  const description = `${type}, within ${lowerMs} to ${upperMs} ms`;
  return addWithLateSides(call, { type: 'interval-join', description, factory });
}

/** Inclusive ones. */
function boundsOf({ within: [lower, upper], exclusive }: IntervalJoin): [number, number] {
  const bounds: [number, number] = [
    signedDurationMs(lower, 'lower bound of the join') + (exclusive === 'lower' || exclusive === 'both' ? 1 : 0),
    signedDurationMs(upper, 'upper bound of the join') - (exclusive === 'upper' || exclusive === 'both' ? 1 : 0),
  ];
  if (bounds.every(Number.isSafeInteger) && bounds[0] <= bounds[1]) return bounds;
  const text = `within is ${JSON.stringify([lower, upper])}, which is no range of whole milliseconds`;
  throw new MillraceError('MILL_OPTION_INVALID', text);
}

export function windowJoin<O, A, B>(call: JoinCall, how: WindowJoin): JoinedStream<O, A, B> {
  const { window: assigner, lateness = 0, type = 'inner' } = how;
  checkTimeWindows({ assigner });
  const latenessMs = durationMs(lateness, 'lateness');
  const factory = windowJoinFactory({ assigner, latenessMs, type, combine: call.combine as Combine });
  const description = `${type}, ${describeWindows({ assigner, latenessMs })}`;
  return addWithLateSides(call, { type: 'window-join', description, factory });
}

export function coGroup<O, A, B>(call: JoinCall, windows: CoGroupWindows): JoinedStream<O, A, B> {
  const { window: assigner, lateness = 0 } = windows;
  checkTimeWindows({ assigner });
  const latenessMs = durationMs(lateness, 'lateness');
  const factory = coGroupFactory({ assigner, latenessMs, process: call.combine as CoGroupSpec['process'] });
  return addWithLateSides(call, { type: 'co-group', description: describeWindows({ assigner, latenessMs }), factory });
}

export function temporalJoin<O, A>(call: JoinCall, options: TemporalJoinOptions<never, never>): WindowResults<O, A> {
  const { graph, combine } = call;
  const { type = 'inner', versionTime, isDelete } = options;
  const factory = temporalJoinFactory({ type, combine, versionTime, isDelete } as TemporalJoinSpec);
  const node = addJoin(call, { type: 'temporal-join', description: type, sides: [LATE], factory });
  const late = new Stream<A>(graph, [{ node, side: LATE }]);
  return Object.assign(new Stream<O>(graph, [{ node, side: undefined }]), { late });
}
