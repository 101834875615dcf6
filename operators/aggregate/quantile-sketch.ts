/**
 * Quantiles of very many numbers in little memory: DDSketch (Masson, Rim, Lee 2019). Numbers are counted in buckets whose
 * bounds grow by a constant factor, so that a quantile is within a fixed share of the number that stands at its rank, and
 * two sketches are merged by adding up their buckets.
 *
 * Beyond `BUCKETS_MAX` buckets of one sign those nearest to 0 are joined: with the usual accuracy that takes numbers over 17
 * orders of magnitude. Plain data.
 */
export interface QuantileSketch {
  /** How many numbers, NaN included. */
  count: number;
  nan: number;
  zero: number;
  least: number;
  greatest: number;
  /** By the bucket's index; infinite for infinity. */
  readonly positive: Map<number, number>;
  /** Of the absolute values. */
  readonly negative: Map<number, number>;
}

export const BUCKETS_MAX = 2_048;

export function newSketch(): QuantileSketch {
  const [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return { count: 0, nan: 0, zero: 0, least, greatest, positive: new Map(), negative: new Map() };
}

/** Adds to sketches, and asks them, at an accuracy: 0.01 is 1 %. */
export class QuantileSketches {
  readonly #logGamma: number;
  readonly #logMiddle: number;

  constructor(accuracy: number) {
    const gamma = (1 + accuracy) / (1 - accuracy);
    this.#logGamma = Math.log(gamma);
    this.#logMiddle = Math.log((gamma + 1) / 2);
  }

  add(sketch: QuantileSketch, value: number): void {
    sketch.count += 1;
    if (value !== value) sketch.nan += 1;
    else if (value === 0) sketch.zero += 1;
    else increase(value > 0 ? sketch.positive : sketch.negative, this.#indexOf(Math.abs(value)), 1);
    if (value < sketch.least) sketch.least = value;
    if (value > sketch.greatest) sketch.greatest = value;
  }

  merge(into: QuantileSketch, other: QuantileSketch): void {
    into.count += other.count;
    into.nan += other.nan;
    into.zero += other.zero;
    into.least = Math.min(into.least, other.least);
    into.greatest = Math.max(into.greatest, other.greatest);
    for (const [index, count] of other.positive) increase(into.positive, index, count);
    for (const [index, count] of other.negative) increase(into.negative, index, count);
  }

  /** Each of `shares`, from 0 (the least number) to 1; null of nothing, NaN if there is one. */
  quantiles(sketch: QuantileSketch, shares: readonly number[]): (number | null)[] {
    const { count, nan } = sketch;
    if (count === 0 || nan > 0) return shares.map(() => (nan > 0 ? Number.NaN : null));
    const buckets = this.#ascending(sketch);
    return shares.map((share) => {
      if (share === 0) return sketch.least;
      if (share === 1) return sketch.greatest;
      let left = Math.floor(share * (count - 1));
      const found = buckets.find(([, size]) => {
        left -= size;
        return left < 0;
      }) as readonly [number, number];
      return Math.min(sketch.greatest, Math.max(sketch.least, found[0]));
    });
  }

  #indexOf(value: number): number {
    return Math.ceil(Math.log(value) / this.#logGamma);
  }

  #middleOf(index: number): number {
    return Math.exp(index * this.#logGamma - this.#logMiddle);
  }

  /** What stands for each bucket, and how many numbers are in it. */
  #ascending({ positive, negative, zero }: QuantileSketch): (readonly [number, number])[] {
    const below = [...negative].sort(([a], [b]) => (a > b ? -1 : 1));
    const above = [...positive].sort(([a], [b]) => (a < b ? -1 : 1));
    return [
      ...below.map(([index, count]) => [-this.#middleOf(index), count] as const),
      [0, zero],
      ...above.map(([index, count]) => [this.#middleOf(index), count] as const),
    ];
  }
}

function increase(buckets: Map<number, number>, index: number, by: number): void {
  buckets.set(index, (buckets.get(index) ?? 0) + by);
  if (buckets.size <= BUCKETS_MAX) return;
  const [first, second] = [...buckets.keys()].sort((a, b) => a - b) as [number, number];
  const joined = (buckets.get(first) as number) + (buckets.get(second) as number);
  buckets.delete(first);
  buckets.set(second, joined);
}
