/**
 * Which windows a record belongs to: frozen plain descriptors, with Flink's meaning.
 *
 * A window holds the timestamps from its start (inclusive) to its end (exclusive). Aligned windows start at whole
 * multiples of their size or slide from the epoch, plus an offset; timestamps before 1970 are treated alike.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import { type Duration, durationMs } from '../../core/time.js';

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

export interface SessionWindows {
  readonly kind: 'session';
  readonly gapMs: number;
}

/** Which windows a record belongs to: made by `tumbling`, `sliding` or `session`. */
export type WindowAssigner = TumblingWindows | SlidingWindows | SessionWindows;

/**
 * Windows of one size, side by side: each record is in exactly one. Throws `MILL_OPTION_INVALID` unless `size` is a
 * whole number of milliseconds above 0 and `offset` one below `size`.
 *
 * @example
 * tumbling('1d', { offset: '22h' }) // days of UTC+2
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
 * Windows of activity: a key's records with at most `gap` between neighbours are in one, which ends `gap` after the
 * last of them. Throws `MILL_OPTION_INVALID` unless `gap` is a whole number of milliseconds above 0.
 *
 * @example
 * session('30m')
 */
export function session(gap: Duration): SessionWindows {
  return Object.freeze({ kind: 'session', gapMs: lengthMs(gap, 'gap of the session') });
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
  const ms = durationMs(offset, 'offset of the window');
  if (!Number.isSafeInteger(ms) || ms >= period) {
    throw invalid(`offset of the window is ${describeValue(offset)}, expected whole milliseconds, below ${period}`);
  }
  return ms;
}

function invalid(message: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', message);
}
