/**
 * The types of `process`: a keyed operator of the user's own.
 */
import { checkName } from '../engine/graph/plan.js';
import type { Results } from '../operators/lazy-output.js';
import type { ProcessSpec, Timers } from '../operators/process.js';
import type { StateDescriptors } from '../state/descriptors.js';
import type { Handles } from '../state/handles.js';
import { declaredAt } from './declared-at.js';
import type { OnError } from './on-error.js';

declare const RECORD: unique symbol;

/** Declares a side output of `process`: its name, and the type of its records. */
export interface SideDescriptor<T> {
  readonly kind: 'side';
  readonly [RECORD]?: T;
}

export type SideDescriptors = Readonly<Record<string, SideDescriptor<unknown>>>;

/**
 * Declares a side output.
 *
 * @example
 * const flights = departures.keyBy((f) => f.tail).process('turnaround', {
 *   sides: { lost: side<Departure>() },
 *   onRecord(flight, ctx) { if (!flight.tail) ctx.side.lost(flight) },
 * })
 * flights.side.lost.to('lost', print())
 */
export function side<T>(): SideDescriptor<T> {
  return Object.freeze({ kind: 'side' });
}

type RecordOf<D> = D extends SideDescriptor<infer T> ? T : never;

/** What a process function may use. Everything refers to the key of the record or timer at hand. */
export interface ProcessContext<K, D extends StateDescriptors, S extends SideDescriptors> {
  readonly key: K;
  /** Event time of the record or timer at hand, epoch ms; undefined if it has none. Outputs get it too. */
  readonly timestamp: number | undefined;
  /** No record with a timestamp up to this one is expected any more; -Infinity before the first. */
  readonly watermark: number;
  /** The state declared in `state`. */
  readonly state: Handles<D>;
  /** Puts a record out on a side output. */
  readonly side: { readonly [N in keyof S]: (record: RecordOf<S[N]>) => void };
  /** Call `onTimer` when the watermark reaches `time`. A time already reached fires at the next advance. */
  readonly eventTimers: Timers;
  /** Call `onProcessingTimer` when the clock reaches `time`. */
  readonly processingTimers: Timers;
  /** Processing time, epoch ms. Use it instead of `Date.now()`: tests and replays move it. */
  now(): number;
  /** Random number in [0, 1). Use it instead of `Math.random()`: its generator is part of the job's state. */
  random(): number;
}

interface Common<K, D extends StateDescriptors, S extends SideDescriptors, OT, OP> {
  /** What it keeps per key. Write it first: the types of the functions below come from it. */
  readonly state?: D;
  readonly sides?: S;
  /** The name that it has in older checkpoints, so that its state is found again. */
  readonly renamedFrom?: string;
  /** An event-time timer: `time` is the one it was set for. */
  onTimer?(time: number, ctx: ProcessContext<K, D, S>): Results<OT>;
  /** A processing-time timer. */
  onProcessingTimer?(time: number, ctx: ProcessContext<K, D, S>): Results<OP>;
}

/**
 * The functions of `keyed.process`. Each returns the records to put out (an array, or a generator, which is pulled
 * as there is room), or nothing.
 */
export interface ProcessFunctions<K, T, D extends StateDescriptors, S extends SideDescriptors, O, OT, OP>
  extends Common<K, D, S, OT, OP> {
  /** Called for each record, in order of arrival within its key. */
  onRecord(record: T, ctx: ProcessContext<K, D, S>): Results<O>;
  readonly onError?: OnError<T>;
}

/** The functions of `keyed.connect(other).process`: state, timers and outputs are shared by both inputs. */
export interface ConnectedFunctions<K, A, B, D extends StateDescriptors, S extends SideDescriptors, OA, OB, OT, OP>
  extends Common<K, D, S, OT, OP> {
  /** Called for each record of the first stream. */
  onFirst(record: A, ctx: ProcessContext<K, D, S>): Results<OA>;
  /** Called for each record of the second stream. */
  onSecond(record: B, ctx: ProcessContext<K, D, S>): Results<OB>;
  readonly onError?: OnError<A | B>;
}

type AnyCommon = Common<never, StateDescriptors, SideDescriptors, unknown, unknown>;

/** The functions as the engine takes them; methods stay bound to the object they were written in. */
export function processSpec(
  functions: object,
  onRecord: readonly ((record: never, ctx: never) => Results<unknown>)[],
): ProcessSpec {
  const common = functions as AnyCommon;
  for (const name of Object.keys(common.state ?? {})) checkName(name, 'a state', declaredAt());
  return {
    state: common.state ?? {},
    sides: Object.keys(common.sides ?? {}),
    onRecord,
    onEventTimer: common.onTimer && ((time, ctx) => common.onTimer?.(time, ctx)),
    onProcessingTimer: common.onProcessingTimer && ((time, ctx) => common.onProcessingTimer?.(time, ctx)),
  };
}
