/**
 * Built-in aggregates that have parameters, and work enough to do that a call costs nothing beside it: generated code calls
 * them. Each is made for its parameter; the invariants are those of plain-kinds.ts.
 */
import type { Aggregator } from '../../state/aggregator.js';
import { DistinctSketches } from './distinct-sketch.js';
import type { AggregateKind } from './plain-kinds.js';
import { newSketch, type QuantileSketch, QuantileSketches } from './quantile-sketch.js';

/** What each of them is made for. */
export interface Parameters {
  readonly topK: number;
  readonly quantiles: { readonly shares: readonly number[]; readonly accuracy: number; readonly single: boolean };
  readonly distinctApprox: number;
  /** Bounds, ascending. */
  readonly histogram: readonly number[];
  // biome-ignore lint/suspicious/noExplicitAny: aggregators of every record and accumulator
  readonly custom: Aggregator<any, any, unknown>;
}

type Makers = { readonly [N in keyof Parameters]: (parameter: Parameters[N]) => AggregateKind };

const missing = (value: unknown): boolean => value === null || value === undefined;

/** A number, and what it ranks. */
type Ranked = readonly [rank: number, value: unknown];

/** NaN is greater than every other number. */
function isGreater(a: number, b: number): boolean {
  return a > b || (a !== a && b === b);
}

/** The cell: the greatest so far, descending; of equal ones those that came first. */
function topK(k: number): AggregateKind {
  const insert = (ranking: Ranked[], ranked: Ranked): void => {
    const last = ranking.at(-1);
    if (ranking.length === k && last && !isGreater(ranked[0], last[0])) return;
    let [low, high] = [0, ranking.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isGreater(ranked[0], (ranking[middle] as Ranked)[0])) high = middle;
      else low = middle + 1;
    }
    ranking.splice(low, 0, ranked);
    if (ranking.length > k) ranking.pop();
  };
  return {
    takes: 'ranked',
    create: () => [[]],
    add(a, at, value) {
      if (!missing((value as Ranked)[0])) insert(a[at] as Ranked[], value as Ranked);
    },
    merge(a, b, at) {
      for (const ranked of b[at] as Ranked[]) insert(a[at] as Ranked[], ranked);
    },
    result: (a, at) => (a[at] as Ranked[]).map(([, value]) => value),
  };
}

function quantiles({ shares, accuracy, single }: Parameters['quantiles']): AggregateKind {
  const sketches = new QuantileSketches(accuracy);
  return {
    takes: 'numbers',
    create: () => [newSketch()],
    add(a, at, value) {
      if (!missing(value)) sketches.add(a[at] as QuantileSketch, value as number);
    },
    merge: (a, b, at) => sketches.merge(a[at] as QuantileSketch, b[at] as QuantileSketch),
    result(a, at) {
      const found = sketches.quantiles(a[at] as QuantileSketch, shares);
      return single ? found[0] : found;
    },
  };
}

function distinctApprox(precision: number): AggregateKind {
  const sketches = new DistinctSketches(precision);
  return {
    takes: 'keys',
    create: () => [new Set()],
    add(a, at, value) {
      if (!missing(value)) a[at] = sketches.add(a[at] as Set<number>, value);
    },
    merge(a, b, at) {
      a[at] = sketches.merge(a[at] as Set<number>, b[at] as Set<number>);
    },
    result: (a, at) => sketches.count(a[at] as Set<number>),
  };
}

/** The cell: a count for each bucket. */
function histogram(bounds: readonly number[]): AggregateKind {
  const bucketOf = (value: number): number => {
    let [low, high] = [0, bounds.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value < (bounds[middle] as number)) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  return {
    takes: 'numbers',
    create: () => [new Array(bounds.length + 1).fill(0)],
    add(a, at, value) {
      if (missing(value)) return;
      const counts = a[at] as number[];
      const bucket = bucketOf(value as number);
      counts[bucket] = (counts[bucket] as number) + 1;
    },
    merge(a, b, at) {
      const counts = a[at] as number[];
      for (const [bucket, count] of (b[at] as number[]).entries()) counts[bucket] = (counts[bucket] as number) + count;
    },
    result: (a, at) => [...(a[at] as number[])],
  };
}

function custom(aggregator: Parameters['custom']): AggregateKind {
  return {
    takes: 'anything',
    mayThrow: true,
    create: () => [aggregator.create()],
    add(a, at, value) {
      a[at] = aggregator.add(a[at], value);
    },
    merge(a, b, at) {
      a[at] = aggregator.merge(a[at], b[at]);
    },
    result: (a, at) => aggregator.result(a[at]),
  };
}

export const CALLED_KINDS: Makers = Object.freeze({ topK, quantiles, distinctApprox, histogram, custom });
