/** What is made of repeated measurements: middles, spreads, and whether one side is slower beyond what chance gives. */

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}

/** The upper one of two middles. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

/** Largest relative distance of a value from the median. */
export function deviation({ median, least, most }: Spread): number {
  return Math.max(most - median, median - least) / median;
}

export type Verdict = 'slower' | 'faster' | 'no difference' | 'too few pairs';

/** A difference smaller than this does not matter. */
export const NOTICED = 0.02;
/** How often chance alone may look like a difference. */
const CHANCE_MAX = 0.1;

/**
 * What pairs of neighbouring runs say, by the rates of one divided by those of the other: a sign test, which asks nothing of
 * how noise is distributed. Fewer than five pairs can show nothing: all of four fall on one side once in eight times by chance.
 */
export function verdictOf(ratios: readonly number[]): Verdict {
  if (chanceOf(ratios.length, ratios.length) > CHANCE_MAX) return 'too few pairs';
  const below = ratios.filter((ratio) => ratio < 1).length;
  const above = ratios.filter((ratio) => ratio > 1).length;
  const middle = middleOf(ratios);
  if (Math.abs(middle - 1) <= NOTICED) return 'no difference';
  if (chanceOf(Math.max(below, above), ratios.length) > CHANCE_MAX) return 'no difference';
  return middle < 1 ? 'slower' : 'faster';
}

/** Between the two middle ones of an even number. */
export function middleOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] as number) + (sorted[sorted.length >> 1] as number)) / 2;
}

/** How likely it is that `count` fair coins or more of `of` fall on one side, whichever it is. */
export function chanceOf(count: number, of: number): number {
  let ways = 0;
  for (let heads = count; heads <= of; heads += 1) ways += choose(of, heads);
  return Math.min(1, (2 * ways) / 2 ** of);
}

function choose(n: number, k: number): number {
  let ways = 1;
  for (let at = 1; at <= k; at += 1) ways = (ways * (n - k + at)) / at;
  return ways;
}
