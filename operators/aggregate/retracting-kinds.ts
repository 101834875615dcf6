/**
 * Aggregates from which values can be taken back: what they keep is more than of plain ones, as the least value has to be
 * found again once it is gone. Accumulators are plain data, changed in place.
 */
import type { Aggregator } from '../../state/aggregator.js';
import { sameValue } from '../same-value.js';
import type { Aggregate } from './aggregates.js';

// biome-ignore lint/suspicious/noExplicitAny: kinds of every accumulator
export interface RetractingKind<Acc = any> {
  create(): Acc;
  add(acc: Acc, value: unknown): void;
  /** Takes back a value that was added. */
  retract(acc: Acc, value: unknown): void;
  result(acc: Acc): unknown;
  /** Whether it calls the user's code. */
  readonly mayThrow?: true;
}

/** Finite numbers as a sum; what is none is counted, as it could not be subtracted. */
interface Sum {
  count: number;
  sum: number;
  nan: number;
  infinite: number;
  negative: number;
}

function change(acc: Sum, value: number, by: 1 | -1): void {
  acc.count += by;
  if (Number.isFinite(value)) acc.sum += by * value;
  else if (value !== value) acc.nan += by;
  else if (value > 0) acc.infinite += by;
  else acc.negative += by;
}

function total({ sum, nan, infinite, negative }: Sum): number {
  if (nan > 0 || (infinite > 0 && negative > 0)) return Number.NaN;
  if (infinite > 0) return Number.POSITIVE_INFINITY;
  return negative > 0 ? Number.NEGATIVE_INFINITY : sum;
}

function summing(result: (acc: Sum) => unknown): RetractingKind<Sum> {
  return {
    create: () => ({ count: 0, sum: 0, nan: 0, infinite: 0, negative: 0 }),
    add: (acc, value) => change(acc, value as number, 1),
    retract(acc, value) {
      change(acc, value as number, -1);
      // Of nothing nothing is left over from rounding.
      if (acc.count === 0) acc.sum = 0;
    },
    result,
  };
}

function counting(counts: (value: unknown) => boolean): RetractingKind<{ n: number }> {
  return {
    create: () => ({ n: 0 }),
    add: (acc, value) => {
      if (counts(value)) acc.n += 1;
    },
    retract: (acc, value) => {
      if (counts(value)) acc.n -= 1;
    },
    result: ({ n }) => n,
  };
}

/** How many, mean, sum of squared distances; as in plain-kinds.ts, and back. */
interface Spread {
  n: number;
  mean: number;
  squares: number;
  /** Values that are not finite: there is no variance with one. */
  others: number;
}

function spread(least: number, root: boolean): RetractingKind<Spread> {
  const fresh = (): Spread => ({ n: 0, mean: 0, squares: 0, others: 0 });
  return {
    create: fresh,
    add(acc, value) {
      if (!Number.isFinite(value)) {
        acc.others += 1;
        return;
      }
      acc.n += 1;
      const distance = (value as number) - acc.mean;
      acc.mean += distance / acc.n;
      acc.squares += distance * ((value as number) - acc.mean);
    },
    retract(acc, value) {
      if (!Number.isFinite(value)) acc.others -= 1;
      else if (acc.n === 1) Object.assign(acc, { n: 0, mean: 0, squares: 0 });
      else {
        acc.n -= 1;
        const distance = (value as number) - acc.mean;
        acc.mean -= distance / acc.n;
        acc.squares = Math.max(0, acc.squares - distance * ((value as number) - acc.mean));
      }
    },
    result({ n, squares, others }) {
      if (n + others < least) return null;
      if (others > 0) return Number.NaN;
      const variance = squares / (n - least + 1);
      return root ? Math.sqrt(variance) : variance;
    },
  };
}

/** A number, and what it ranks. */
type Ranked = readonly [rank: number, value: unknown];

/** Where a rank is to stand: before those that are equal to it, or after them. */
function place(rows: readonly Ranked[], rank: number, after: boolean): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = compare((rows[middle] as Ranked)[0], rank);
    if (order < 0 || (after && order === 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A number, and how often it is there. */
type Counted = [number: number, count: number];

/** Ascending, NaN last; NaN is the extreme one once there is one. */
function extreme(result: (numbers: readonly Counted[]) => Counted | undefined): RetractingKind<Counted[]> {
  const change = (numbers: Counted[], value: number, by: 1 | -1): void => {
    const at = place(numbers, value, false);
    const found = numbers[at];
    if (found === undefined || compare(found[0], value) !== 0) {
      if (by === 1) numbers.splice(at, 0, [value, 1]);
      return;
    }
    found[1] += by;
    if (found[1] === 0) numbers.splice(at, 1);
  };
  return {
    create: () => [],
    add: (numbers, value) => change(numbers, value as number, 1),
    retract: (numbers, value) => change(numbers, value as number, -1),
    result: (numbers) => result(numbers)?.[0] ?? null,
  };
}

/** Ascending, NaN last; of equal ones those that came first stand first. */
function ranking(result: (rows: readonly Ranked[]) => unknown): RetractingKind<Ranked[]> {
  return {
    create: () => [],
    add(rows, value) {
      const ranked = value as Ranked;
      rows.splice(place(rows, ranked[0], true), 0, ranked);
    },
    retract(rows, value) {
      const [rank, record] = value as Ranked;
      for (
        let at = place(rows, rank, false);
        at < rows.length && compare((rows[at] as Ranked)[0], rank) === 0;
        at += 1
      ) {
        if (!sameValue((rows[at] as Ranked)[1], record)) continue;
        rows.splice(at, 1);
        return;
      }
    },
    result,
  };
}

function compare(a: number, b: number): number {
  if (a !== a || b !== b) return (a !== a ? 1 : 0) - (b !== b ? 1 : 0);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Those with the greatest numbers, descending; of equal ones those that came first. */
function greatest(rows: readonly Ranked[], k: number): unknown[] {
  const found: unknown[] = [];
  for (let end = rows.length; end > 0 && found.length < k; ) {
    let start = end - 1;
    while (start > 0 && compare((rows[start - 1] as Ranked)[0], (rows[end - 1] as Ranked)[0]) === 0) start -= 1;
    for (let at = start; at < end && found.length < k; at += 1) found.push((rows[at] as Ranked)[1]);
    end = start;
  }
  return found;
}

/** NaN is the least, too, once there is one. */
function least(rows: readonly Ranked[]): unknown {
  const last = rows.at(-1);
  if (!last) return null;
  const row = last[0] !== last[0] ? rows.find(([rank]) => rank !== rank) : rows[0];
  return (row as Ranked)[1];
}

/** Values in order of arrival. */
function listing(result: (values: readonly unknown[]) => unknown): RetractingKind<unknown[]> {
  return {
    create: () => [],
    add: (values, value) => {
      values.push(value);
    },
    retract(values, value) {
      const at = values.findIndex((each) => sameValue(each, value));
      if (at >= 0) values.splice(at, 1);
    },
    result,
  };
}

const distinct: RetractingKind<Map<unknown, number>> = {
  create: () => new Map(),
  add: (counts, mark) => {
    counts.set(mark, (counts.get(mark) ?? 0) + 1);
  },
  retract(counts, mark) {
    const left = (counts.get(mark) ?? 0) - 1;
    if (left > 0) counts.set(mark, left);
    else counts.delete(mark);
  },
  result: (counts) => counts.size,
};

function histogram(bounds: readonly number[]): RetractingKind<number[]> {
  const bucketOf = (value: unknown): number => {
    const at = bounds.findIndex((bound) => (value as number) < bound);
    return at < 0 ? bounds.length : at;
  };
  const change = (counts: number[], value: unknown, by: number): void => {
    const bucket = bucketOf(value);
    counts[bucket] = (counts[bucket] as number) + by;
  };
  return {
    create: () => new Array(bounds.length + 1).fill(0),
    add: (counts, value) => change(counts, value, 1),
    retract: (counts, value) => change(counts, value, -1),
    result: (counts) => [...counts],
  };
}

// biome-ignore lint/suspicious/noExplicitAny: aggregators of every record and accumulator
type AnyAggregator = Aggregator<any, any, unknown>;

function custom(aggregator: AnyAggregator): RetractingKind<{ acc: unknown }> | undefined {
  const { retract } = aggregator;
  if (!retract) return undefined;
  return {
    mayThrow: true,
    create: () => ({ acc: aggregator.create() }),
    add: (own, record) => {
      own.acc = aggregator.add(own.acc, record);
    },
    retract: (own, record) => {
      own.acc = aggregator.retract?.(own.acc, record);
    },
    result: ({ acc }) => aggregator.result(acc),
  };
}

type Makers = Readonly<Record<string, (parameter: never) => RetractingKind | undefined>>;

const MAKERS: Makers = {
  count: () => counting(() => true),
  countIf: () => counting((value) => value !== false),
  sum: () => summing(total),
  avg: () => summing((acc) => (acc.count === 0 ? null : total(acc) / acc.count)),
  min: () => extreme((numbers) => (Number.isNaN(numbers.at(-1)?.[0]) ? numbers.at(-1) : numbers[0])),
  max: () => extreme((numbers) => numbers.at(-1)),
  first: () => listing((values) => values[0] ?? null),
  last: () => listing((values) => values.at(-1) ?? null),
  collect: () => listing((values) => [...values]),
  distinct: () => distinct,
  variance: () => spread(2, false),
  variancePopulation: () => spread(1, false),
  stddev: () => spread(2, true),
  stddevPopulation: () => spread(1, true),
  argMin: () => ranking(least),
  argMax: () => ranking((rows) => greatest(rows, 1)[0] ?? null),
  topK: (k) => ranking((rows) => greatest(rows, k)),
  histogram: (bounds) => histogram(bounds),
  custom: (aggregator) => custom(aggregator),
};

/** Undefined: from such an aggregate nothing can be taken back. */
export function retractingKind({ kind, parameter }: Aggregate<never, unknown>): RetractingKind | undefined {
  return MAKERS[kind]?.(parameter as never);
}
