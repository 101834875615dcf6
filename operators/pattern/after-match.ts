/**
 * What becomes of other matches once one has been found: Flink's after-match skip strategies.
 */

/** Which matches a match rules out. */
export type AfterMatch<N extends string = string> =
  | { readonly skip: 'none' }
  | { readonly skip: 'to-next' }
  | { readonly skip: 'past-last-event' }
  | { readonly skip: 'to-first' | 'to-last'; readonly step: N; readonly throwOnMiss: boolean };

/** Options of `skipToFirst` and `skipToLast`. */
export interface SkipOptions {
  /**
   * Fail, instead of skipping nothing, where a match has no record of that step, or begins with it. Default: false.
   */
  readonly throwOnMiss?: boolean;
}

/** Every match counts: the default. */
export const noSkip: AfterMatch<never> = Object.freeze({ skip: 'none' });

/** A match rules out all others that begin with the same record. */
export const skipToNext: AfterMatch<never> = Object.freeze({ skip: 'to-next' });

/** A match rules out all others that begin before it has ended. */
export const skipPastLastEvent: AfterMatch<never> = Object.freeze({ skip: 'past-last-event' });

/**
 * A match rules out all others that begin before its first record of that step.
 *
 * @example clicks.keyBy((c) => c.user).match('visits', visit, { afterMatch: skipToFirst('pay') })
 */
export function skipToFirst<const N extends string>(step: N, options: SkipOptions = {}): AfterMatch<N> {
  return Object.freeze({ skip: 'to-first', step, throwOnMiss: options.throwOnMiss ?? false });
}

/** A match rules out all others that begin before its last record of that step. */
export function skipToLast<const N extends string>(step: N, options: SkipOptions = {}): AfterMatch<N> {
  return Object.freeze({ skip: 'to-last', step, throwOnMiss: options.throwOnMiss ?? false });
}
