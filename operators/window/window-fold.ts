/**
 * What a window keeps of its records per key, and what it puts out when it fires.
 *
 * An incremental fold keeps one accumulator and gives one record. A fold of elements keeps them all and gives any
 * number of records, pulled one by one as there is room.
 */
import type { AggregateInput, AggregateParts, AggregateResults } from '../aggregate/aggregates.js';
import { type CompositeAccumulator, composeAggregates } from '../aggregate/compose-aggregates.js';
import type { Window } from './assigners.js';

export type WindowFold<T, Acc, Out> = IncrementalFold<T, Acc, Out> | ElementsFold<T, Acc, Out>;

/** As of `Aggregator`: `add` may change `acc`, `merge` may change `a`; neither changes anything else. */
interface Folding<T, Acc> {
  create(): Acc;
  add(acc: Acc, record: T): Acc;
  merge(a: Acc, b: Acc): Acc;
  /** What goes to the late side in place of a record, if it is not the record itself. */
  late?(record: T): unknown;
}

/** Why a window fires: before its end, when the watermark has come to it, or for a record that came later. */
export type Firing = 'early' | 'on-time' | 'late';

/** What a window function may ask beside its window. */
export interface WindowContext {
  /** Windows of records by number fire on time, always. */
  readonly firing: Firing;
  readonly watermark: number;
  /** Processing time, epoch ms. */
  now(): number;
}

export interface IncrementalFold<T, Acc, Out> extends Folding<T, Acc> {
  readonly kind: 'incremental';
  /** The output record: fresh, so that later records do not change it. */
  result(acc: Acc, key: unknown, window: Window): Out;
}

export interface ElementsFold<T, Acc, Out> extends Folding<T, Acc> {
  readonly kind: 'elements';
  /** The output records. */
  results(acc: Acc, key: unknown, window: Window, context: WindowContext): Iterable<Out>;
}

/** `.aggregate(name, build)`: gives `{ key, window, ...results }`. */
export function aggregateFold<P extends AggregateParts<never>>(
  parts: P,
): IncrementalFold<AggregateInput<P>, CompositeAccumulator, { key: unknown; window: Window } & AggregateResults<P>> {
  const { create, add, merge, windowResult } = composeAggregates(parts);
  return Object.freeze({ kind: 'incremental', create, add, merge, result: windowResult });
}

/** `.reduce(name, f)`: gives `{ key, window, value }`. `f` must be associative, and must not change its arguments. */
export function reduceFold<T>(
  reduce: (a: T, b: T) => T,
): IncrementalFold<T, T | undefined, { key: unknown; window: Window; value: T }> {
  const both = (a: T | undefined, b: T | undefined): T | undefined =>
    a === undefined ? b : b === undefined ? a : reduce(a, b);
  return Object.freeze({
    kind: 'incremental',
    create: () => undefined,
    add: both,
    merge: both,
    result: (value: T | undefined, key: unknown, window: Window) => ({ key, window, value: value as T }),
  });
}

/**
 * `.process(name, f)`: gives what `f(key, window, records)` gives. The records come in order of arrival; those of a
 * sliding window slice by slice, those of merged sessions session by session.
 */
export function elementsFold<T, Out>(
  process: (key: unknown, window: Window, records: readonly T[], context: WindowContext) => Iterable<Out>,
): ElementsFold<T, T[], Out> {
  return Object.freeze({
    kind: 'elements',
    create: () => [],
    add: (acc: T[], record: T) => {
      acc.push(record);
      return acc;
    },
    merge: (a: T[], b: T[]) => {
      for (let at = 0; at < b.length; at += 1) a.push(b[at] as T);
      return a;
    },
    // A copy: the window may get more records while `f` still holds these.
    results: (acc: T[], key: unknown, window: Window, context: WindowContext) =>
      process(key, window, acc.slice(), context),
  });
}

/** The same without `key` in its results: of windows over all records. */
export function withoutKey<T, Acc, Out extends { readonly key: unknown }>(
  fold: IncrementalFold<T, Acc, Out>,
): IncrementalFold<T, Acc, Omit<Out, 'key'>> {
  const result = (acc: Acc, key: unknown, window: Window): Omit<Out, 'key'> => {
    const { key: _, ...rest } = fold.result(acc, key, window);
    return rest;
  };
  return Object.freeze({ ...fold, result });
}
