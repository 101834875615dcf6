/**
 * Which windows a record belongs to: frozen plain descriptors, with Flink's meaning.
 *
 * A window holds the timestamps from its start (inclusive) to its end (exclusive). Aligned windows start at whole
 * multiples of their size or slide from the epoch, plus an offset; timestamps before 1970 are treated alike.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import { type Duration, durationMs, signedDurationMs } from '../../core/time.js';

/** The start (inclusive) and end (exclusive) of a window, in epoch milliseconds. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

export interface TumblingWindows {
  readonly kind: 'tumbling';
  readonly sizeMs: number;
  readonly offsetMs: number;
}

export interface SlidingWindows {
  readonly kind: 'sliding';
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
}

export interface CumulatingWindows {
  readonly kind: 'cumulate';
  readonly sizeMs: number;
  readonly stepMs: number;
  readonly offsetMs: number;
}

/** What a calendar window is: weeks begin on Monday. */
export type CalendarUnit = 'day' | 'week' | 'month' | 'quarter' | 'year';

export interface CalendarWindows {
  readonly kind: 'calendar';
  readonly unit: CalendarUnit;
  /** IANA name. */
  readonly zone: string;
}

/** Windows that are the same for every key. */
export type AlignedWindows = TumblingWindows | SlidingWindows | CumulatingWindows | CalendarWindows;

export interface SessionWindows<T = unknown> {
  readonly kind: 'session';
  readonly gapMs: number | ((record: T) => Duration);
}

/** Windows of time. */
export type TimeWindows<T = unknown> = AlignedWindows | SessionWindows<T>;

export interface CountWindows {
  readonly kind: 'count';
  readonly size: number;
  readonly slide: number;
}

export interface GlobalWindows {
  readonly kind: 'global';
}

/** Which windows a record belongs to: made by `tumbling`, `sliding`, `session` and their like. */
export type WindowAssigner<T = unknown> = TimeWindows<T> | CountWindows | GlobalWindows;

/**
 * Windows of one size, side by side: each record is in exactly one. `offset` moves their borders, by less than `size`, to
 * later or, below 0, to earlier. Throws `MILL_OPTION_INVALID` unless `size` is a whole number of milliseconds above 0 and
 * `offset` one.
 *
 * @example
 * tumbling('1d', { offset: '-2h' }) // days of UTC+2
 */
export function tumbling(size: Duration, options: { readonly offset?: Duration } = {}): TumblingWindows {
  const sizeMs = lengthMs(size, 'size of the window');
  return Object.freeze({ kind: 'tumbling', sizeMs, offsetMs: offsetOf(options.offset, sizeMs) });
}

/**
 * Windows of one size that start every `slide`: each record is in `size / slide` of them. With a slide longer than
 * the size there are gaps, and records in a gap are in no window. Throws `MILL_OPTION_INVALID` as `tumbling` does.
 *
 * @example
 * sliding('1h', '5m') // every five minutes, over the last hour
 */
export function sliding(size: Duration, slide: Duration, options: { readonly offset?: Duration } = {}): SlidingWindows {
  const sizeMs = lengthMs(size, 'size of the window');
  const slideMs = lengthMs(slide, 'slide of the window');
  return Object.freeze({ kind: 'sliding', sizeMs, slideMs, offsetMs: offsetOf(options.offset, slideMs) });
}

/**
 * Windows that grow: those of one period of `size` start together, and end one `step` after another. Each record is in all
 * that end after it: running totals of a day, hour by hour (Flink's CUMULATE). Throws `MILL_OPTION_INVALID` as `tumbling`
 * does, and unless `size` is a multiple of `step`.
 *
 * @example
 * cumulate('1d', '1h') // since midnight, every hour
 */
export function cumulate(
  size: Duration,
  step: Duration,
  options: { readonly offset?: Duration } = {},
): CumulatingWindows {
  const sizeMs = lengthMs(size, 'size of the window');
  const stepMs = lengthMs(step, 'step of the window');
  if (sizeMs % stepMs !== 0) throw invalid(`size of the window is ${sizeMs} ms, not a multiple of its step, ${stepMs}`);
  return Object.freeze({ kind: 'cumulate', sizeMs, stepMs, offsetMs: offsetOf(options.offset, sizeMs) });
}

const UNITS: readonly string[] = ['day', 'week', 'month', 'quarter', 'year'] satisfies CalendarUnit[];

/**
 * Days, weeks (from Monday on), months, quarters or years, as they are in a time zone (an IANA name; default UTC): where
 * clocks change a day has 23 or 25 hours. Throws `MILL_OPTION_INVALID` for an unknown unit or zone.
 *
 * @example
 * calendar('day', { zone: 'Europe/Berlin' })
 */
export function calendar(unit: CalendarUnit, options: { readonly zone?: string } = {}): CalendarWindows {
  const { zone = 'UTC' } = options;
  if (!UNITS.includes(unit)) throw invalid(`unit of the window is ${describeValue(unit)}, none of ${UNITS.join(', ')}`);
  if (!isZone(zone)) throw invalid(`zone of the window is ${describeValue(zone)}, not the IANA name of a time zone`);
  return Object.freeze({ kind: 'calendar', unit, zone });
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }) !== null;
  } catch {
    return false;
  }
}

/**
 * Windows of activity: a key's records with at most `gap` between neighbours are in one, which ends `gap` after the
 * last of them. With a function, each record says how long a gap it bears after it: the session ends when the longest is
 * over; a function that does not return a whole number of milliseconds above 0 fails with `MILL_FUNCTION_FAILED`. Throws
 * `MILL_OPTION_INVALID` unless `gap` is such a number.
 *
 * @example
 * session('30m')
 * session((visit: Visit) => (visit.paying ? '2h' : '30m'))
 */
export function session<T = unknown>(gap: Duration | ((record: T) => Duration)): SessionWindows<T> {
  return Object.freeze({
    kind: 'session',
    gapMs: typeof gap === 'function' ? gap : lengthMs(gap, 'gap of the session'),
  });
}

/**
 * Windows of `size` records of a key. With a `slide`, one every `slide` records, of the last `size`; the first ones have
 * fewer. What is left over at the end comes out in none (Flink's countWindow). `window` in results are the positions of
 * the records among those of their key: from `start` (the first is 0), to `end`, exclusively. Results carry the timestamp of
 * the record that completes them. What a key keeps, the last `size` records folded, is kept for good. Throws
 * `MILL_OPTION_INVALID` unless both are whole numbers above 0.
 *
 * @example
 * countWindow(100)
 * countWindow(100, 10) // every ten records, over the last hundred
 */
export function countWindow(size: number, slide = size): CountWindows {
  for (const number of [size, slide])
    if (!Number.isSafeInteger(number) || number < 1)
      throw invalid(`a window of ${describeValue(number)} records, expected a whole number, at least 1`);
  return Object.freeze({ kind: 'count', size, slide });
}

/**
 * One window for all records of a key. It fires when its trigger says so; without one, at the end of a bounded input. Its
 * state is kept for good, but for what the trigger purges. Results carry the greatest timestamp of the key's records so far.
 *
 * @example
 * orders.keyBy((o) => o.user).window(globalWindow(), { trigger: trigger.purging(trigger.count(100)) })
 */
export function globalWindow(): GlobalWindows {
  return GLOBAL;
}

const GLOBAL: GlobalWindows = Object.freeze({ kind: 'global' });

/** The gap after a record, in milliseconds. */
export function gapOf<T>({ gapMs }: SessionWindows<T>): (record: T) => number {
  if (typeof gapMs === 'number') return () => gapMs;
  return (record) => {
    const gap = gapMs(record);
    try {
      return lengthMs(gap, 'gap of the session');
    } catch {
      const message = `the gap of a session was given as ${describeValue(gap)}, not as a whole number of ms, at least 1`;
      throw new MillraceError('MILL_FUNCTION_FAILED', message);
    }
  };
}

function lengthMs(duration: Duration, option: string): number {
  const ms = durationMs(duration, option);
  if (!Number.isSafeInteger(ms) || ms < 1) {
    throw invalid(`${option} is ${describeValue(duration)}, expected a whole number of milliseconds, at least 1`);
  }
  return ms;
}

function offsetOf(offset: Duration | undefined, period: number): number {
  if (offset === undefined) return 0;
  const ms = signedDurationMs(offset, 'offset of the window');
  if (!Number.isSafeInteger(ms) || Math.abs(ms) >= period) {
    const expected = `expected whole milliseconds, between -${period} and ${period}`;
    throw invalid(`offset of the window is ${describeValue(offset)}, ${expected}`);
  }
  return ms < 0 ? ms + period : ms;
}

function invalid(message: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', message);
}
