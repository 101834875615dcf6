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
  readonly positive: Buckets;
  /** Of the absolute values. */
  readonly negative: Buckets;
}

interface Buckets {
  /** By the bucket's index; infinite for infinity. */
  readonly counts: Map<number, number>;
  /** What is below goes into this bucket, as buckets were joined there; -Infinity: none were. */
  floor: number;
}

export const BUCKETS_MAX = 2_048;

export function newSketch(): QuantileSketch {
  const [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return { count: 0, nan: 0, zero: 0, least, greatest, positive: newBuckets(), negative: newBuckets() };
}

function newBuckets(): Buckets {
  return { counts: new Map(), floor: Number.NEGATIVE_INFINITY };
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
    else addNumber(value > 0 ? sketch.positive : sketch.negative, this.#indexOf(Math.abs(value)));
    if (value < sketch.least) sketch.least = value;
    if (value > sketch.greatest) sketch.greatest = value;
  }

  merge(into: QuantileSketch, other: QuantileSketch): void {
    into.count += other.count;
    into.nan += other.nan;
    into.zero += other.zero;
    into.least = Math.min(into.least, other.least);
    into.greatest = Math.max(into.greatest, other.greatest);
    addBuckets(into.positive, other.positive);
    addBuckets(into.negative, other.negative);
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
    const below = [...negative.counts].sort(([a], [b]) => (a > b ? -1 : 1));
    const above = [...positive.counts].sort(([a], [b]) => (a < b ? -1 : 1));
    return [
      ...below.map(([index, count]) => [-this.#middleOf(index), count] as const),
      [0, zero],
      ...above.map(([index, count]) => [this.#middleOf(index), count] as const),
    ];
  }
}

function addNumber(buckets: Buckets, index: number): void {
  increase(buckets, index, 1);
  if (buckets.counts.size > BUCKETS_MAX) collapse(buckets);
}

function addBuckets(into: Buckets, other: Buckets): void {
  into.floor = Math.max(into.floor, other.floor);
  for (const [index, count] of other.counts) increase(into, index, count);
  // Those of its own that are below the other's floor go there, too: as many buckets are above it as there may be.
  if (into.counts.size > BUCKETS_MAX) collapse(into);
}

function increase({ counts, floor }: Buckets, index: number, by: number): void {
  const at = index < floor ? floor : index;
  counts.set(at, (counts.get(at) ?? 0) + by);
}

/** Joins the lowest buckets, until there are as many as there may be: the same ones in whatever order numbers came. */
function collapse(buckets: Buckets): void {
  const { counts } = buckets;
  // Nearly sorted where numbers rise, which is when this is called often.
  const indexes = [...counts.keys()].sort((a, b) => a - b);
  buckets.floor = indexes.at(-BUCKETS_MAX) as number;
  for (const index of indexes.slice(0, -BUCKETS_MAX)) {
    increase(buckets, buckets.floor, counts.get(index) as number);
    counts.delete(index);
  }
}
