/**
 * What a record does to event time: its timestamp, and how far it brings its split's watermark.
 *
 * Invariant: both are finite; what user functions return is checked here and nowhere else.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import { TIME_MIN } from '../../core/time.js';
import type { EventTime, WatermarkGenerator } from '../graph/nodes.js';

/** Throws `MILL_TIMESTAMP_INVALID`. */
export function timestampOf({ timestamp }: EventTime, record: unknown): number {
  return checkTime(timestamp(record as never), 'eventTime');
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
  return watermark === undefined ? TIME_MIN : checkTime(watermark, 'what makes watermarks');
}

function checkTime(time: unknown, by: string): number {
  if (typeof time === 'number' && Number.isFinite(time)) return time;
  throw new MillraceError('MILL_TIMESTAMP_INVALID', `${by} returned ${describeValue(time)}`);
}
