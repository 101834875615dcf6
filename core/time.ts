/**
 * Time as the engine counts it: epoch milliseconds, and durations written as users write them.
 *
 * Watermark W says: no further record with a timestamp <= W is expected (Flink's meaning).
 */
import { MillraceError } from './errors.js';

/** A time before every other: the watermark before any record, and the timestamp of a record that has none. */
export const TIME_MIN = Number.NEGATIVE_INFINITY;

/** A time after every other: the watermark once a bounded input has ended. */
export const TIME_MAX = Number.POSITIVE_INFINITY;

/**
 * The latest time that a record may have, and with a minus the earliest: those of a `Date`. Below 2^53 by more than any
 * window is long, so that sums are exact. Nanoseconds taken for milliseconds are beyond it.
 */
export const RECORD_TIME_MAX = 8.64e15;

/**
 * A length of time: milliseconds as a number, or a text such as `'500ms'`, `'30s'`, `'5m'`, `'22h'`, `'7d'`.
 * Mistakes such as `'1 hour'` do not compile.
 */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration in milliseconds. Throws `MILL_OPTION_INVALID` for anything but a finite, non-negative length. */
export function durationMs(duration: Duration, option: string): number {
  const ms = parse(duration);
  if (!Number.isFinite(ms) || ms < 0) throw invalid(duration, option, "a duration such as '30s'");
  return ms;
}

/** A distance in time, which may be negative: `'-5s'`. Throws `MILL_OPTION_INVALID` for anything that is not finite. */
export function signedDurationMs(duration: Duration, option: string): number {
  const ms = parse(duration);
  if (!Number.isFinite(ms)) throw invalid(duration, option, "a duration such as '30s' or '-5s'");
  return ms;
}

/** NaN for what is none. */
function parse(duration: Duration): number {
  const match = typeof duration === 'string' ? /^(-?\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration) : null;
  const ms = match ? Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS] : duration;
  return typeof ms === 'number' ? ms + 0 : Number.NaN;
}

function invalid(duration: Duration, option: string, expected: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', `${option} is ${JSON.stringify(duration)}, expected ${expected}`);
}
