/**
 * How near vectors are to one another, and the nearest of many.
 */
import { describeValue, MillraceError } from '../../core/errors.js';

/** A vector: plain data. Float32Array takes the least room. */
export type Vector = Float32Array | Float64Array | readonly number[];

/**
 * How nearness is measured: `'cosine'`, by direction, 1 for the same; `'dot'`, the inner product; `'euclidean'`, the distance, 0 for
 * the same. Of vectors of length 1, as most models give them, all three order alike, and `'dot'` is the cheapest.
 */
export type Metric = 'cosine' | 'dot' | 'euclidean';

/** One of the nearest. */
export interface Near<T> {
  readonly item: T;
  /** By the metric: of `euclidean` less is nearer, of the others more. */
  readonly score: number;
}

/** What is looked for. */
export interface NearestOptions<T> {
  /** Where an item's vector is; an item without one is left out. */
  readonly vector: (item: T) => Vector | null | undefined;
  /** How many; default 10. */
  readonly k?: number;
  /** Default `'cosine'`. */
  readonly metric?: Metric;
}

const METRICS: ReadonlySet<string> = new Set(['cosine', 'dot', 'euclidean']);
export const NEAREST = 10;

/**
 * The `k` nearest of some items to `query`, nearest first, by comparing with each: for what a key has in its state. Costs a
 * multiplication for each number of each vector. Throws `MILL_RECORD_REJECTED` for vectors of different lengths, and
 * `MILL_OPTION_INVALID`.
 *
 * @example nearest(question.vector, ctx.state.notes.values(), { vector: (note) => note.vector, k: 3 })
 */
export function nearest<T>(
  query: Vector,
  items: Iterable<T>,
  { vector, k = NEAREST, metric = 'cosine' }: NearestOptions<T>,
): readonly Near<T>[] {
  checkSearch(k, metric);
  const top = new Top<T>(k, () => 0);
  for (const item of items) {
    const own = vector(item);
    if (own) top.offer(item, nearness(metric, query, own));
  }
  return top.near(metric);
}

/** Throws `MILL_OPTION_INVALID`. */
export function checkSearch(k: number, metric: Metric): void {
  if (!Number.isSafeInteger(k) || k < 1) throw new MillraceError('MILL_OPTION_INVALID', `k is ${describeValue(k)}`);
  if (!METRICS.has(metric)) throw new MillraceError('MILL_OPTION_INVALID', `metric is ${describeValue(metric)}`);
}

/** More is nearer, whatever the metric. */
export function nearness(metric: Metric, a: Vector, b: Vector): number {
  if (a.length !== b.length) throw lengths(a.length, b.length);
  if (metric === 'dot') return dot(a, b);
  if (metric === 'euclidean') return -distance(a, b);
  const sizes = Math.sqrt(dot(a, a) * dot(b, b));
  return sizes === 0 ? 0 : dot(a, b) / sizes;
}

export function scoreOf(metric: Metric, near: number): number {
  return metric === 'euclidean' ? -near : near;
}

export function lengths(one: number, other: number): MillraceError {
  return new MillraceError('MILL_RECORD_REJECTED', `a vector of ${one} numbers is compared with one of ${other}`, {
    hint: 'Vectors of one model, and of one length, can be compared.',
  });
}

function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += (a[at] as number) * (b[at] as number);
  return sum;
}

function distance(a: Vector, b: Vector): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += ((a[at] as number) - (b[at] as number)) ** 2;
  return Math.sqrt(sum);
}

/** The nearest so far, in order. Of equals the one that `compare` puts first, or else that came first. */
export class Top<T> {
  readonly #k: number;
  readonly #compare: (a: T, b: T) => number;
  readonly #items: T[] = [];
  readonly #nearness: number[] = [];

  constructor(k: number, compare: (a: T, b: T) => number) {
    this.#k = k;
    this.#compare = compare;
  }

  offer(item: T, near: number): void {
    let at = this.#items.length;
    while (at > 0 && this.#isBefore(item, near, at - 1)) at -= 1;
    if (at >= this.#k) return;
    this.#items.splice(at, 0, item);
    this.#nearness.splice(at, 0, near);
    if (this.#items.length > this.#k) {
      this.#items.pop();
      this.#nearness.pop();
    }
  }

  near(metric: Metric): readonly Near<T>[] {
    return this.#items.map((item, at) => ({ item, score: scoreOf(metric, this.#nearness[at] as number) }));
  }

  #isBefore(item: T, near: number, at: number): boolean {
    const other = this.#nearness[at] as number;
    return near > other || (near === other && this.#compare(item, this.#items[at] as T) < 0);
  }
}
