/**
 * Aggregates as users name them: `(a) => ({ flights: a.count(), delay: a.sum((f) => f.delay) })`.
 *
 * The builder makes frozen plain descriptors; compose-aggregates.ts makes one aggregator of a record of them.
 */
import type { Key } from '../core/key.js';
import type { AggregateKindName } from './aggregate-kinds.js';

export type { Aggregator } from '../state/aggregator.js';

/** One aggregate of records `T` with the result `R`. Made by an `AggregateBuilder`. */
export interface Aggregate<T, R> {
  readonly kind: AggregateKindName;
  /** What to take from each record; null: the record itself. */
  readonly accessor: ((record: T) => unknown) | null;
  /** Phantom: the type of its result. */
  readonly result?: R;
}

/** What an aggregate function returns: aggregates by the name of their result's field. */
// biome-ignore lint/suspicious/noExplicitAny: aggregates of every result
export type AggregateParts<T> = Readonly<Record<string, Aggregate<T, any>>>;

/** The fields of a result: each aggregate's own, under its name. */
export type AggregateResults<P> = {
  // biome-ignore lint/suspicious/noExplicitAny: read by inference alone
  readonly [N in keyof P]: P[N] extends Aggregate<any, infer R> ? R : never;
};

/** The records that all of the aggregates take. */
// biome-ignore lint/suspicious/noExplicitAny: read by inference alone
export type AggregateInput<P> = P extends Readonly<Record<string, Aggregate<infer T, any>>> ? T : never;

type NumberOf<T> = (record: T) => number | null | undefined;

/**
 * The aggregates there are. Null and undefined are left out, as in SQL. Numbers follow IEEE 754: one NaN makes a sum,
 * average, minimum or maximum NaN; it is not left out, because it mostly means a mistake. An accessor that returns
 * something other than a number where one is wanted (a text, a bigint, a Date) fails with `MILL_FUNCTION_FAILED`.
 *
 * The order of `first`, `last` and `collect` is the order of arrival; where partial results are combined (sliding
 * windows, sessions that merge), those of the earlier part of event time come first.
 *
 * @example
 * flights.keyBy((f) => f.origin).window(tumbling('1h')).aggregate('hourly', (a) => ({
 *   flights: a.count(),
 *   late: a.count((f) => f.delay > 15),
 *   meanDelay: a.avg((f) => f.delay),
 *   worst: a.max((f) => f.delay),
 *   carriers: a.distinct((f) => f.carrier),
 * }))
 */
export interface AggregateBuilder<T> {
  /** Without an accessor: all records. With one: those for which it returns neither null, undefined nor false. */
  count(accessor?: (record: T) => unknown): Aggregate<T, number>;
  /** The sum; 0 of nothing. */
  sum(accessor: NumberOf<T>): Aggregate<T, number>;
  /** The least number; null of nothing. */
  min(accessor: NumberOf<T>): Aggregate<T, number | null>;
  /** The greatest number; null of nothing. */
  max(accessor: NumberOf<T>): Aggregate<T, number | null>;
  /** The arithmetic mean; null of nothing. */
  avg(accessor: NumberOf<T>): Aggregate<T, number | null>;
  /** The first value, or record; null of nothing. */
  first(): Aggregate<T, T | null>;
  first<V>(accessor: (record: T) => V): Aggregate<T, NonNullable<V> | null>;
  /** The last value, or record; null of nothing. */
  last(): Aggregate<T, T | null>;
  last<V>(accessor: (record: T) => V): Aggregate<T, NonNullable<V> | null>;
  /** All values, or records, in an array. Memory: as many as there are. */
  collect(): Aggregate<T, T[]>;
  collect<V>(accessor: (record: T) => V): Aggregate<T, NonNullable<V>[]>;
  /** How many different values there are, compared by value as keys are. Exact: memory for each different one. */
  distinct(accessor: (record: T) => Key | null | undefined): Aggregate<T, number>;
}

type Accessor = ((record: unknown) => unknown) | undefined;

function aggregate(kind: AggregateKindName, accessor: Accessor): Aggregate<unknown, never> {
  return Object.freeze({ kind, accessor: accessor ?? null });
}

const BUILDER = Object.freeze({
  count: (accessor?: Accessor) => aggregate(accessor === undefined ? 'count' : 'countIf', accessor),
  sum: (accessor: Accessor) => aggregate('sum', accessor),
  min: (accessor: Accessor) => aggregate('min', accessor),
  max: (accessor: Accessor) => aggregate('max', accessor),
  avg: (accessor: Accessor) => aggregate('avg', accessor),
  first: (accessor?: Accessor) => aggregate('first', accessor),
  last: (accessor?: Accessor) => aggregate('last', accessor),
  collect: (accessor?: Accessor) => aggregate('collect', accessor),
  distinct: (accessor: Accessor) => aggregate('distinct', accessor),
});

/** What an aggregate function is called with. */
export function aggregateBuilder<T>(): AggregateBuilder<T> {
  return BUILDER as unknown as AggregateBuilder<T>;
}
