/**
 * Aggregates as users name them: `(a) => ({ flights: a.count(), delay: a.sum((f) => f.delay) })`.
 *
 * The builder makes frozen plain descriptors; compose-aggregates.ts makes one aggregator of a record of them.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import type { Key } from '../../core/key.js';
import type { Aggregator } from '../../state/aggregator.js';
import type { Parameters } from './called-kinds.js';
import type { PlainKindName } from './plain-kinds.js';

export type { Aggregator } from '../../state/aggregator.js';

/** One aggregate of records `T` with the result `R`. Made by an `AggregateBuilder`. */
export interface Aggregate<T, R> {
  readonly kind: PlainKindName | keyof Parameters;
  /** What to take from each record; null: the record itself. */
  readonly accessor: ((record: T) => unknown) | null;
  /** What the kind is made for, if it has parameters. */
  readonly parameter?: unknown;
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
  /**
   * As `distinct`, but approximately, in at most 2^precision bytes: HyperLogLog (Flajolet et al. 2007; estimator: Ertl
   * 2017). Exact while there are few; then the standard error is 1.04 / sqrt(2^precision), 0.8 % at the default precision
   * 14; from 4 to 18.
   */
  distinctApprox(
    accessor: (record: T) => Key | null | undefined,
    options?: { readonly precision?: number },
  ): Aggregate<T, number>;
  /** The variance of a sample; null of fewer than two numbers. `population`: of all there are; null of nothing. */
  variance(accessor: NumberOf<T>, options?: SpreadOptions): Aggregate<T, number | null>;
  /** The standard deviation of a sample, or a population; null as of `variance`. */
  stddev(accessor: NumberOf<T>, options?: SpreadOptions): Aggregate<T, number | null>;
  /** The record, or value, with the least number; the first of equal ones; null of nothing. */
  argMin(by: NumberOf<T>): Aggregate<T, T | null>;
  argMin<V>(by: NumberOf<T>, value: (record: T) => V): Aggregate<T, V | null>;
  /** The record, or value, with the greatest number; the first of equal ones; null of nothing. */
  argMax(by: NumberOf<T>): Aggregate<T, T | null>;
  argMax<V>(by: NumberOf<T>, value: (record: T) => V): Aggregate<T, V | null>;
  /**
   * The `k` records, or values, with the greatest numbers, descending; of equal ones those that came first. NaN counts as
   * greater than every other. Memory: as many.
   */
  topK(k: number, by: NumberOf<T>): Aggregate<T, T[]>;
  topK<V>(k: number, by: NumberOf<T>, value: (record: T) => V): Aggregate<T, V[]>;
  /**
   * The number below which a share of all numbers lies: 0.5 is the median, 0 and 1 are the least and the greatest number.
   * Approximately: within `accuracy` (default 0.01, 1 %) of the number that stands at that rank. Null of nothing. Memory:
   * some bytes for each 2 % by which numbers differ (DDSketch; Masson, Rim, Lee 2019).
   */
  quantile(accessor: NumberOf<T>, share: number, options?: QuantileOptions): Aggregate<T, number | null>;
  /** As `quantile`, for several shares, of which they share the memory. */
  quantiles(
    accessor: NumberOf<T>,
    shares: readonly number[],
    options?: QuantileOptions,
  ): Aggregate<T, (number | null)[]>;
  /**
   * How many numbers there are below the first bound, from each bound to the next (the bound itself included), and from the
   * last on: one count more than bounds. NaN counts as greater than every bound.
   */
  histogram(accessor: NumberOf<T>, bounds: readonly number[]): Aggregate<T, number[]>;
  /**
   * An aggregator of your own as one among others. Its accumulators are plain data. It gets a record before the built-in
   * ones: if its `add` throws, they have not counted it. Throw before changing the accumulator.
   */
  custom<Acc, R>(aggregator: Aggregator<T, Acc, R>): Aggregate<T, R>;
}

interface SpreadOptions {
  /** The numbers are all that there are, not a sample of them. */
  readonly population?: boolean;
}

interface QuantileOptions {
  /** From 0.000001 to less than 1. 2,048 buckets are kept of each sign: less room for small numbers if they are finer. */
  readonly accuracy?: number;
}

type Accessor = ((record: unknown) => unknown) | undefined;

function aggregate(kind: PlainKindName, accessor: Accessor): Aggregate<unknown, never> {
  return Object.freeze({ kind, accessor: accessor ?? null });
}

function called<N extends keyof Parameters>(
  kind: N,
  accessor: Accessor,
  parameter: Parameters[N],
): Aggregate<unknown, never> {
  return Object.freeze({ kind, accessor: accessor ?? null, parameter });
}

/** As JavaScript may call without it, or with something else. */
function required(kind: string, accessor: unknown): (record: unknown) => unknown {
  if (typeof accessor === 'function') return accessor as (record: unknown) => unknown;
  throw invalid(`${kind} was given ${describeValue(accessor)}, expected a function of the record`);
}

function optional(kind: string, accessor: unknown): Accessor {
  return accessor === undefined ? undefined : required(kind, accessor);
}

function isNumber(value: unknown, within: (value: number) => boolean): boolean {
  return typeof value === 'number' && within(value);
}

/** The number of a record, and what it ranks. */
function ranked(kind: string, of: Accessor, ranks: Accessor): Accessor {
  const by = required(kind, of);
  const value = optional(kind, ranks);
  return value === undefined ? (record) => [by(record), record] : (record) => [by(record), value(record)];
}

function topK(k: number, by: (record: unknown) => unknown, value?: Accessor): Aggregate<unknown, never> {
  if (!Number.isSafeInteger(k) || k < 1)
    throw invalid(`k of topK is ${describeValue(k)}, expected a whole number, at least 1`);
  return called('topK', ranked('topK', by, value), k);
}

function quantiles(
  accessor: Accessor,
  shares: readonly number[],
  accuracy: number,
  single: boolean,
): Aggregate<unknown, never> {
  if (!Array.isArray(shares)) throw invalid(`the shares of quantiles are ${describeValue(shares)}, expected an array`);
  const isShare = (share: unknown): boolean => isNumber(share, (n) => n >= 0 && n <= 1);
  const wrong = shares.findIndex((share) => !isShare(share));
  if (wrong >= 0) throw invalid(`the share of a quantile is ${describeValue(shares[wrong])}, expected 0 to 1`);
  if (!isNumber(accuracy, (n) => n >= ACCURACY_LEAST && n < 1))
    throw invalid(`accuracy of a quantile is ${describeValue(accuracy)}, expected ${ACCURACY_LEAST} to less than 1`);
  const parameter = Object.freeze({ shares: Object.freeze([...shares]), accuracy, single });
  return called('quantiles', required('quantiles', accessor), parameter);
}

function distinctApprox(accessor: Accessor, precision: number): Aggregate<unknown, never> {
  if (!Number.isSafeInteger(precision) || precision < 4 || precision > 18)
    throw invalid(`precision of distinctApprox is ${describeValue(precision)}, expected 4 to 18`);
  return called('distinctApprox', required('distinctApprox', accessor), precision);
}

function histogram(accessor: Accessor, bounds: readonly number[]): Aggregate<unknown, never> {
  const given: readonly unknown[] = Array.isArray(bounds) ? [...bounds] : [];
  const isAscending = (bound: unknown, at: number): boolean =>
    Number.isFinite(bound) && (at === 0 || (bound as number) > (given[at - 1] as number));
  if (given.length === 0 || !given.every(isAscending)) {
    const shown = Array.isArray(bounds) ? `[${given.map(describeValue).join(', ')}]` : describeValue(bounds);
    throw invalid(`bounds of a histogram are ${shown}, expected finite numbers, ascending`);
  }
  return called('histogram', required('histogram', accessor), Object.freeze(given as number[]));
}

function custom(aggregator: Parameters['custom']): Aggregate<unknown, never> {
  for (const name of ['create', 'add', 'merge', 'result'] as const)
    if (typeof aggregator?.[name] !== 'function') throw invalid(`an aggregator of one's own has no function ${name}`);
  optional('retract of an aggregator', aggregator.retract);
  return called('custom', undefined, aggregator);
}

function invalid(message: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', message);
}

const ACCURACY = 0.01;
/** The logarithms of bounds are then exact enough to tell buckets apart. */
const ACCURACY_LEAST = 1e-6;
const PRECISION = 14;

const BUILDER = Object.freeze({
  count: (accessor?: Accessor) => aggregate(accessor === undefined ? 'count' : 'countIf', optional('count', accessor)),
  sum: (accessor: Accessor) => aggregate('sum', required('sum', accessor)),
  min: (accessor: Accessor) => aggregate('min', required('min', accessor)),
  max: (accessor: Accessor) => aggregate('max', required('max', accessor)),
  avg: (accessor: Accessor) => aggregate('avg', required('avg', accessor)),
  first: (accessor?: Accessor) => aggregate('first', optional('first', accessor)),
  last: (accessor?: Accessor) => aggregate('last', optional('last', accessor)),
  collect: (accessor?: Accessor) => aggregate('collect', optional('collect', accessor)),
  distinct: (accessor: Accessor) => aggregate('distinct', required('distinct', accessor)),
  distinctApprox: (accessor: Accessor, { precision = PRECISION }: { precision?: number } = {}) =>
    distinctApprox(accessor, precision),
  variance: (accessor: Accessor, { population = false }: SpreadOptions = {}) =>
    aggregate(population ? 'variancePopulation' : 'variance', required('variance', accessor)),
  stddev: (accessor: Accessor, { population = false }: SpreadOptions = {}) =>
    aggregate(population ? 'stddevPopulation' : 'stddev', required('stddev', accessor)),
  argMin: (by: (record: unknown) => unknown, value?: Accessor) => aggregate('argMin', ranked('argMin', by, value)),
  argMax: (by: (record: unknown) => unknown, value?: Accessor) => aggregate('argMax', ranked('argMax', by, value)),
  topK,
  quantile: (accessor: Accessor, share: number, { accuracy = ACCURACY }: QuantileOptions = {}) =>
    quantiles(accessor, [share], accuracy, true),
  quantiles: (accessor: Accessor, shares: readonly number[], { accuracy = ACCURACY }: QuantileOptions = {}) =>
    quantiles(accessor, shares, accuracy, false),
  histogram,
  custom,
});

/** What an aggregate function is called with. */
export function aggregateBuilder<T>(): AggregateBuilder<T> {
  return BUILDER as unknown as AggregateBuilder<T>;
}
