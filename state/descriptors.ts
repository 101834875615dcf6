/**
 * What a process operator declares it keeps per key. Descriptors are frozen plain objects: they name the kind of a
 * state and carry the user's functions, nothing else; state/handles.ts binds them to tables.
 */
import { describeValue, MillraceError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import type { Duration } from '../core/time.js';
import type { Aggregator } from './aggregator.js';
import type { Versioned } from './migrating-tables.js';
import { type Ttl, type TtlOptions, ttlOf } from './ttl.js';

/** What every kind of state takes. */
export interface StateOptions {
  /**
   * How long each value, element or entry is kept after it was last written; left out: until it is cleared. What is over is
   * not shown any more, and leaves memory, disk and checkpoints soon after.
   */
  readonly ttl?: Duration | TtlOptions;
}

/** What a state whose schema has changed takes. Values are those of `value`, elements, those of entries, accumulators. */
export interface VersionOptions<T> {
  /** 1 (the default) for the first schema, one more for each change. */
  readonly version?: number;
  /** Gives a value of an older version as one of the present; called when its key is first met. */
  readonly migrate?: (value: unknown, version: number) => T;
}

interface Expires {
  readonly ttl: Ttl | undefined;
  readonly versioned?: Versioned | undefined;
}

/** One value a key. `Read` is what `get` returns: `T`, or `T | undefined` where there is no initial value. */
export interface ValueDescriptor<T, Read = T | undefined> extends Expires {
  readonly kind: 'value';
  readonly initial: T | undefined;
  /** Phantom: what `get` returns. */
  readonly read?: Read;
}

export interface ListDescriptor<T> extends Expires {
  readonly kind: 'list';
  /** Phantom: the type of its elements. */
  readonly element?: T;
}

export interface MapDescriptor<K extends Key, V> extends Expires {
  readonly kind: 'map';
  /** Phantom: the type of its entries. */
  readonly entry?: readonly [K, V];
}

export interface ReducingDescriptor<T> extends Expires {
  readonly kind: 'reducing';
  readonly reduce: (a: T, b: T) => T;
}

export interface AggregatingDescriptor<In, Acc, Out> extends Expires {
  readonly kind: 'aggregating';
  readonly aggregator: Aggregator<In, Acc, Out>;
}

export interface DequeDescriptor<T> extends Expires {
  readonly kind: 'deque';
  /** Phantom: the type of its elements. */
  readonly element?: T;
}

/** Any descriptor: `any` because the types below are read by inference alone. */
export type StateDescriptor =
  // biome-ignore lint/suspicious/noExplicitAny: see above
  | ValueDescriptor<any, any>
  // biome-ignore lint/suspicious/noExplicitAny: see above
  | ListDescriptor<any>
  // biome-ignore lint/suspicious/noExplicitAny: see above
  | MapDescriptor<any, any>
  // biome-ignore lint/suspicious/noExplicitAny: see above
  | ReducingDescriptor<any>
  // biome-ignore lint/suspicious/noExplicitAny: see above
  | AggregatingDescriptor<any, any, any>
  // biome-ignore lint/suspicious/noExplicitAny: see above
  | DequeDescriptor<any>;

/** What a process operator gives as `state`: descriptors by name. The names are part of the job's state. */
export type StateDescriptors = Readonly<Record<string, StateDescriptor>>;

function value<T>(options?: StateOptions & VersionOptions<T>): ValueDescriptor<T>;
function value<T>(options: StateOptions & VersionOptions<T> & { readonly initial: T }): ValueDescriptor<T, T>;
function value<T>(options: StateOptions & VersionOptions<T> & { readonly initial?: T } = {}): ValueDescriptor<T> {
  return Object.freeze({ kind: 'value', initial: options.initial, ...keeping(options) });
}

function list<T>(options: StateOptions & VersionOptions<T> = {}): ListDescriptor<T> {
  return Object.freeze({ kind: 'list', ...keeping(options) });
}

function map<K extends Key, V>(options: StateOptions & VersionOptions<V> = {}): MapDescriptor<K, V> {
  return Object.freeze({ kind: 'map', ...keeping(options) });
}

function reducing<T>(reduce: (a: T, b: T) => T, options: StateOptions & VersionOptions<T> = {}): ReducingDescriptor<T> {
  return Object.freeze({ kind: 'reducing', reduce, ...keeping(options) });
}

function aggregating<In, Acc, Out>(
  aggregator: Aggregator<In, Acc, Out>,
  options: StateOptions & VersionOptions<Acc> = {},
): AggregatingDescriptor<In, Acc, Out> {
  return Object.freeze({ kind: 'aggregating', aggregator, ...keeping(options) });
}

function deque<T>(): DequeDescriptor<T> {
  return Object.freeze({ kind: 'deque', ttl: undefined });
}

function keeping<T>({ ttl, version = 1, migrate }: StateOptions & VersionOptions<T>): Expires {
  if (!Number.isSafeInteger(version) || version < 1) throw invalid(`version is ${describeValue(version)}`);
  if (version === 1) return { ttl: ttlOf(ttl) };
  if (typeof migrate !== 'function') throw invalid(`version is ${version}, and there is no function migrate`);
  if (ttl !== undefined) throw invalid('a state with a time to live has no versions: older values run out');
  return { ttl: undefined, versioned: { version, migrate } };
}

function invalid(text: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', text);
}

/**
 * Declares keyed state. What is kept is plain data; a change of an object that was read counts only once it is `set`.
 *
 * @example
 * flights.keyBy((flight) => flight.tail).process('turnarounds', {
 *   state: {
 *     last: state.value<Flight>(),
 *     landings: state.value({ initial: 0 }),
 *     pending: state.list<Flight>(),
 *     byDay: state.map<string, number>(),
 *     longest: state.reducing<number>((a, b) => Math.max(a, b)),
 *     seen: state.value<boolean>({ ttl: '1h' }),
 *   },
 *   *onRecord(flight, ctx) {
 *     const last = ctx.state.last.get()
 *     ctx.state.last.set(flight)
 *     ctx.state.landings.set(ctx.state.landings.get() + 1)
 *     if (last) yield { tail: flight.tail, groundMs: flight.departure - last.arrival }
 *   },
 * })
 */
export const state = Object.freeze({
  /**
   * One value a key. Without `initial`, `get` returns undefined until something is set; with it, `initial`
   * (an object: a fresh copy each time).
   */
  value,
  /** A list a key, in order of insertion; appending costs the same at any length. */
  list,
  /** A map a key; its own keys are compared by value and iterated in ascending order. */
  map,
  /** The values added for a key, combined into one by `reduce`, which must not change its arguments. */
  reducing,
  /** The records added for a key, folded by an aggregator. */
  aggregating,
  /** A list a key that grows and shrinks at both ends. */
  deque,
});
