/**
 * What a record does to event time: its timestamp, and how far it brings its split's watermark.
 *
 * Invariants: both are finite and whole, as "no record up to W" and "up to its end - 1" agree on whole milliseconds alone;
 * no record's time is beyond `RECORD_TIME_MAX`. What user functions return is checked here and nowhere else.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import { RECORD_TIME_MAX, TIME_MIN } from '../../core/time.js';
import type { EventTime, WatermarkGenerator } from '../graph/nodes.js';

/** Throws `MILL_TIMESTAMP_INVALID`. */
export function timestampOf({ timestamp }: EventTime, record: unknown): number {
  const time = timestamp(record as never);
  if (typeof time === 'number' && Math.abs(time) <= RECORD_TIME_MAX) return Math.floor(time);
  throw invalid(time, 'eventTime');
}

/** The watermark behind a record, as far as that alone says; TIME_MIN: it says nothing. Throws `MILL_TIMESTAMP_INVALID`. */
export type WatermarkBehind = (record: unknown, timestamp: number) => number;

/** Makes watermarks for one split or subtask. */
export interface Watermarks {
  readonly behind: WatermarkBehind;
  /** What time alone says; undefined: nothing, ever. */
  readonly periodic: ((now: number) => number) | undefined;
}

export function watermarksOf({ generator, outOfOrderMs }: EventTime): Watermarks {
  if (!generator) return { behind: (_, timestamp) => timestamp - outOfOrderMs - 1, periodic: undefined };
  const made = generator() as WatermarkGenerator<unknown>;
  return {
    behind: (record, timestamp) => said(made.onRecord(record, timestamp)),
    periodic: made.onPeriodic && ((now) => said(made.onPeriodic?.(now))),
  };
}

function said(watermark: unknown): number {
  if (watermark === undefined) return TIME_MIN;
  if (typeof watermark === 'number' && Number.isFinite(watermark)) return Math.floor(watermark);
  throw invalid(watermark, 'what makes watermarks');
}

function invalid(time: unknown, by: string): MillraceError {
  const hint = Number.isFinite(time)
    ? 'Return milliseconds since 1970, neither microseconds nor nanoseconds.'
    : undefined;
  return new MillraceError('MILL_TIMESTAMP_INVALID', `${by} returned ${describeValue(time)}`, { hint });
}
