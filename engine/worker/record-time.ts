/**
 * What a record does to event time: its timestamp, and how far it brings its split's watermark.
 *
 * Invariant: both are finite; what user functions return is checked here and nowhere else.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import { TIME_MIN } from '../../core/time.js';
import type { EventTime } from '../graph/nodes.js';

/** Throws `MILL_TIMESTAMP_INVALID`. */
export function timestampOf({ timestamp }: EventTime, record: unknown): number {
  return checkTime(timestamp(record as never), 'eventTime');
}

/** The watermark behind a record, as far as that alone says; TIME_MIN: it says nothing. Throws `MILL_TIMESTAMP_INVALID`. */
export function watermarkBehind({ punctuated, outOfOrderMs }: EventTime, record: unknown, timestamp: number): number {
  if (!punctuated) return timestamp - outOfOrderMs - 1;
  const watermark = punctuated(record as never, timestamp);
  return watermark === undefined ? TIME_MIN : checkTime(watermark, 'punctuated');
}

function checkTime(time: unknown, by: string): number {
  if (typeof time === 'number' && Number.isFinite(time)) return time;
  throw new MillraceError('MILL_TIMESTAMP_INVALID', `${by} returned ${describeValue(time)}`);
}
