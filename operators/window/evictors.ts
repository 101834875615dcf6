/**
 * Which records leave a window when it fires (Flink's evictors). A window with one keeps all its records, whatever its
 * function: what has been evicted is gone for good.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import { type Duration, durationMs } from '../../core/time.js';
import type { Window } from './assigners.js';

/** A record in a window, with its event time. */
export interface TimedRecord<T> {
  readonly record: T;
  readonly timestamp: number;
}

/** Chooses the records that stay. Made by `evictor.…`, or an object of your own. */
export interface Evictor<T> {
  /** For plans. */
  readonly name: string;
  /** Before the window's function sees them: those that stay, in order. */
  before?(records: readonly TimedRecord<T>[], window: Window): readonly TimedRecord<T>[];
  /** After it has: likewise. */
  after?(records: readonly TimedRecord<T>[], window: Window): readonly TimedRecord<T>[];
}

/** Options of the built-in evictors. */
export interface EvictorOptions {
  /** When: before the window's function (default), so that it does not see them, or after it. */
  readonly when?: 'before' | 'after';
}

type Keep<T> = (records: readonly TimedRecord<T>[]) => readonly TimedRecord<T>[];

function evictorOf<T>(name: string, keep: Keep<T>, { when = 'before' }: EvictorOptions): Evictor<T> {
  if (when !== 'before' && when !== 'after')
    throw new MillraceError('MILL_OPTION_INVALID', `when is ${describeValue(when)}, neither 'before' nor 'after'`);
  return Object.freeze(when === 'before' ? { name, before: keep } : { name: `${name} afterwards`, after: keep });
}

/** The built-in evictors. */
export const evictor = Object.freeze({
  /**
   * Keeps the last `size` records.
   *
   * @example evictor.count(100)
   */
  count<T>(size: number, options: EvictorOptions = {}): Evictor<T> {
    if (!Number.isSafeInteger(size) || size < 0)
      throw new MillraceError('MILL_OPTION_INVALID', `${describeValue(size)} records to keep, expected a whole number`);
    return evictorOf(
      `last ${size}`,
      (records) => (records.length > size ? records.slice(records.length - size) : records),
      options,
    );
  },

  /**
   * Keeps the records that are less than `size` older than the newest, by event time.
   *
   * @example evictor.time('5m')
   */
  time<T>(size: Duration, options: EvictorOptions = {}): Evictor<T> {
    const sizeMs = durationMs(size, 'size of the evictor');
    const keep: Keep<T> = (records) => {
      let newest = Number.NEGATIVE_INFINITY;
      for (const { timestamp } of records) newest = Math.max(newest, timestamp);
      if (newest === Number.NEGATIVE_INFINITY) return records;
      return records.filter(({ timestamp }) => timestamp > newest - sizeMs);
    };
    return evictorOf(`last ${sizeMs} ms`, keep, options);
  },

  /**
   * Keeps the records whose distance to the last is below `threshold`.
   *
   * @example evictor.delta(10, (position: Position, last) => last.km - position.km)
   */
  delta<T>(threshold: number, distance: (record: T, last: T) => number, options: EvictorOptions = {}): Evictor<T> {
    const keep: Keep<T> = (records) => {
      const last = records.at(-1);
      return last ? records.filter(({ record }) => !(distance(record, last.record) >= threshold)) : records;
    };
    return evictorOf(`within ${threshold} of the last`, keep, options);
  },
});
