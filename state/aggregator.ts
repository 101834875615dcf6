/**
 * How records are folded into an accumulator, and that into a result. Stands with the state because accumulators do.
 */

/**
 * An incremental aggregation. `Acc` is kept in state, so it is plain data.
 *
 * @example
 * const mean: Aggregator<number, { count: number; sum: number }, number> = {
 *   create: () => ({ count: 0, sum: 0 }),
 *   add: (acc, value) => {
 *     acc.count += 1
 *     acc.sum += value
 *     return acc
 *   },
 *   result: (acc) => acc.sum / acc.count,
 *   merge: (a, b) => ({ count: a.count + b.count, sum: a.sum + b.sum }),
 * }
 */
export interface Aggregator<In, Acc, Out> {
  /** An accumulator of nothing. A new one at each call. */
  create(): Acc;
  /** The accumulator with one record more: a new one, or `acc` itself, changed. */
  add(acc: Acc, record: In): Acc;
  /** What it amounts to: plain data that later calls of `add` do not change. May be called many times. */
  result(acc: Acc): Out;
  /** Both in one; `a` comes first where order matters. May change `a`, must leave `b` alone. */
  merge(a: Acc, b: Acc): Acc;
  /** The accumulator without a record that was added; only where changelogs are aggregated. May change `acc`. */
  retract?(acc: Acc, record: In): Acc;
}
