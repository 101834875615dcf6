/**
 * Options of `eventTime`, checked.
 */
import { describeValue, MillraceError } from '../core/errors.js';
import { type Duration, durationMs } from '../core/time.js';
import type { EventTime, WatermarkGenerator } from '../engine/graph/nodes.js';
import { declaredAt } from './declared-at.js';
import type { OnError } from './on-error.js';

export type { WatermarkGenerator };

/** How disordered a stream is, and what that means for event time. */
export interface EventTimeOptions<T> {
  /** How much later than a newer one a record may come; default 0. Later ones are late. */
  readonly outOfOrder?: Duration;
  /**
   * A split (file, partition) that gives nothing for this long stops holding event time back. Default: never. Works
   * where event time is followed per split: see `eventTime`.
   */
  readonly idleAfter?: Duration;
  /**
   * When watermarks leave the source. `'interval'` (default): every few milliseconds. `'each'`: after every record
   * that advances event time, so that what is late depends on the input alone; several times the cost.
   */
  readonly emit?: 'interval' | 'each';
  /**
   * Where the data says how far time has come (Flink's punctuated watermarks): the watermark behind a record, epoch
   * milliseconds, or undefined. No record at or below it is expected any more. Lower ones than before change nothing.
   * Timestamps then make no watermarks, so it does not go with `outOfOrder`.
   */
  readonly punctuated?: (record: T, timestamp: number) => number | undefined;
  /**
   * Watermarks of your own making: called once for each split, it returns what makes that split's, with what memory it
   * needs. After a restart it starts afresh, from the watermark that was reached. Does not go with `outOfOrder` or
   * `punctuated`.
   *
   * @example
   * // Half of what the last record was late by, at least a second.
   * readings.eventTime((r) => r.at, { watermarks: () => adaptive() })
   */
  readonly watermarks?: () => WatermarkGenerator<T>;
  /**
   * Sources (and their splits) of the same `group` wait for one another (Flink's watermark alignment): none is read on that is
   * more than `maxDrift` ahead of the slowest, so that what joins them need not keep much of the faster one. It may be ahead by
   * a batch more. One that gives nothing holds the others back, unless it is idle: see `idleAfter`. Splits of files are then
   * read at once, not one after another. Only directly after a source, as `idleAfter`.
   */
  readonly align?: { readonly group: string; readonly maxDrift: Duration };
  readonly onError?: OnError<T>;
}

/** Throws `MILL_OPTION_INVALID`. */
export function eventTimeOf<T>(timestamp: (record: T) => number, options: EventTimeOptions<T>): EventTime {
  const { outOfOrder, idleAfter, punctuated, watermarks, align } = options;
  const given = Object.entries({ outOfOrder, punctuated, watermarks }).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    const names = given.map(([name]) => name).join(' and ');
    throw new MillraceError('MILL_OPTION_INVALID', `${names} all say what watermarks are`, {
      declaredAt: declaredAt(),
    });
  }
  return {
    timestamp,
    outOfOrderMs: durationMs(outOfOrder ?? 0, 'outOfOrder'),
    generator: watermarks ?? (punctuated && (() => ({ onRecord: punctuated }))),
    idleAfterMs: idleAfter === undefined ? undefined : durationMs(idleAfter, 'idleAfter'),
    emit: options.emit ?? 'interval',
    align: align && { group: checkGroup(align.group), maxDriftMs: durationMs(align.maxDrift, 'align.maxDrift') },
  };
}

function checkGroup(group: unknown): string {
  if (typeof group === 'string' && group !== '') return group;
  throw new MillraceError('MILL_OPTION_INVALID', `align.group is ${describeValue(group)}, expected a name`, {
    declaredAt: declaredAt(),
  });
}
