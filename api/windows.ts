/**
 * Makes the nodes of windows. The methods that users call are in windowed-stream.ts and all-windowed-stream.ts.
 */
import { MillraceError } from '../core/errors.js';
import { type Duration, durationMs } from '../core/time.js';
import type { WindowAssigner } from '../operators/window/assigners.js';
import type { Evictor } from '../operators/window/evictors.js';
import { partFactory, partsFold, type WindowPart } from '../operators/window/part-operator.js';
import type { Trigger } from '../operators/window/trigger.js';
import {
  type AnyWindowFold,
  checkWindows,
  LATE,
  type WindowsSpec,
  windowFactory,
} from '../operators/window/window-factory.js';
import { declaredAt } from './declared-at.js';
import { FORWARD, type GraphBuilder, type Input } from './graph-builder.js';
import type { OnError } from './on-error.js';
import { Stream } from './stream.js';

/** Options of `window`. */
export interface WindowOptions<T = unknown> {
  /** How long after its end a window still takes records, each of which fires it again at once; default 0. */
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

/** Options of `window` on a keyed stream. */
export interface KeyedWindowOptions<T = unknown> extends WindowOptions<T> {
  /**
   * Aggregates and reductions are made in two stages: where the records are, and then, of what that gives, in the subtask of
   * their key. Worth it where few keys have most of the records, so that the subtask of one would be overrun. Only for
   * `tumbling`, `sliding`, `cumulate` and `calendar` windows of event time, without trigger, evictor or `onError`. Default:
   * false.
   */
  readonly preAggregate?: boolean;
}

/** What windows give, and the records that came too late for all of theirs. */
export type WindowResults<T, Late> = Stream<T> & { readonly late: Stream<Late> };

/** Options of what is made of windows. */
export interface WindowedOptions<T> {
  readonly onError?: OnError<T>;
  /** The name that it has in older checkpoints, so that its windows are found again. */
  readonly renamedFrom?: string;
}

/** Windows as a user has asked for them, and what is to be made of each. */
export interface WindowCall<T> {
  readonly graph: GraphBuilder;
  /** Dealt by key. */
  readonly input: Input;
  readonly windows: WindowsSpec;
  /** Whether results are made where the records are, and then of what that gives. */
  readonly inParts: 'no' | 'if-possible' | 'yes';
  readonly type: string;
  readonly name: string;
  readonly fold: AnyWindowFold;
  readonly options: WindowedOptions<T>;
}

export function addWindows<O, T>(call: WindowCall<T>): WindowResults<O, T> {
  const parts = call.inParts === 'no' ? undefined : partsOf(call);
  if (!parts && call.inParts === 'yes') throw notInParts();
  return addNode({ ...call, ...parts });
}

function notInParts(): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', 'preAggregate is set for windows that are not made in two stages', {
    hint: 'Leave it out, or use aggregate or reduce over aligned windows of event time, without trigger, evictor or onError.',
    declaredAt: declaredAt(),
  });
}

/** Adds the first stage; the second one's input and fold. */
function partsOf<T>({
  graph,
  input,
  windows,
  name,
  fold,
  options,
}: WindowCall<T>): Pick<WindowCall<T>, 'input' | 'fold'> | undefined {
  const { assigner, time, trigger, evictor } = windows;
  const { kind } = assigner;
  if (kind === 'session' || kind === 'count' || kind === 'global' || time === 'processing') return undefined;
  if (trigger || evictor || fold.kind !== 'incremental' || options.onError) return undefined;
  const keyOf =
    input.partition.kind === 'hash' ? (input.partition.selector as (record: unknown) => unknown) : () => null;
  const node = graph.operator({
    type: 'window-parts',
    inputs: [{ origins: input.origins, partition: FORWARD }],
    factory: partFactory({ assigner, fold, keyOf, reader: name }),
  });
  const selector = (part: WindowPart<unknown>): unknown => part.key;
  return {
    input: { origins: [{ node, side: undefined }], partition: { kind: 'hash', selector } },
    fold: partsFold(fold),
  };
}

function addNode<O, T>({ graph, input, windows, type, name, fold, options }: WindowCall<T>): WindowResults<O, T> {
  const node = graph.operator({
    type,
    name,
    renamedFrom: options.renamedFrom,
    description: describeWindows(windows),
    inputs: [input],
    sides: [LATE],
    keyed: true,
    onError: options.onError as OnError<never> | undefined,
    factory: windowFactory({ ...windows, fold }),
  });
  const late = new Stream<T>(graph, [{ node, side: LATE }]);
  return Object.assign(new Stream<O>(graph, [{ node, side: undefined }]), { late });
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
