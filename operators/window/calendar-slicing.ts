/**
 * Slices of calendar windows: the days, weeks, months, quarters or years of a time zone, each of them a window and a slice.
 *
 * A window begins at the first moment that has the date of its first day, and ends where the next one begins: a day has 23
 * or 25 hours where clocks change, a day that a zone has skipped is in none, and where clocks are set back over midnight the
 * minutes that come again are the new day's.
 *
 * The library is loaded when it is first needed: it would be a tenth of every job's time to start.
 */
import type { Temporal } from 'temporal-polyfill';
import { MillraceError } from '../../core/errors.js';
import type { CalendarUnit, CalendarWindows } from './assigners.js';
import type { Slicing } from './slicing.js';

const DAY_MS = 86_400_000;

interface Unit {
  readonly length: Temporal.DurationLike;
  /** No such window is longer, even if a zone goes back over the date line in it. */
  readonly longestMs: number;
  firstDay(day: Temporal.PlainDate): Temporal.PlainDate;
}

const UNITS: Readonly<Record<CalendarUnit, Unit>> = {
  day: { length: { days: 1 }, longestMs: 3 * DAY_MS, firstDay: (day) => day },
  week: {
    length: { weeks: 1 },
    longestMs: 9 * DAY_MS,
    firstDay: (day) => day.subtract({ days: day.dayOfWeek - 1 }),
  },
  month: { length: { months: 1 }, longestMs: 33 * DAY_MS, firstDay: (day) => day.with({ day: 1 }) },
  quarter: {
    length: { months: 3 },
    longestMs: 94 * DAY_MS,
    firstDay: (day) => day.with({ day: 1, month: day.month - ((day.month - 1) % 3) }),
  },
  year: { length: { years: 1 }, longestMs: 368 * DAY_MS, firstDay: (day) => day.with({ day: 1, month: 1 }) },
};

/** Ends of windows that are remembered, at most. */
const REMEMBERED = 1_024;
/** Where the calendar ends, on both sides of 1970: that of dates, less a year. */
const LAST_MS = 8.64e15 - 368 * DAY_MS;

let temporal: typeof Temporal | undefined;

export class CalendarSlicing implements Slicing {
  readonly size: number;
  readonly slicesPerWindow = 1;
  private readonly zone: string;
  private readonly unit: Unit;
  /** By the windows' starts. */
  private readonly ends = new Map<number, number>();
  /** The window that was asked for last. */
  private start = 0;
  private end = 0;

  constructor({ unit, zone }: CalendarWindows) {
    this.zone = zone;
    this.unit = UNITS[unit];
    this.size = this.unit.longestMs;
  }

  async open(): Promise<void> {
    temporal ??= (await import('temporal-polyfill')).Temporal;
  }

  sliceOf(time: number): number {
    if (time < this.start || time >= this.end) this.find(time);
    return this.start;
  }

  isGap(): boolean {
    return false;
  }

  endOf(slice: number): number {
    const known = this.ends.get(slice);
    if (known !== undefined) return known;
    this.find(slice);
    return this.end;
  }

  firstWindowEnd(slice: number): number {
    return this.endOf(slice);
  }

  lastWindowEnd(slice: number): number {
    return this.endOf(slice);
  }

  windowEndAfter(slice: number, time: number): number {
    const first = this.endOf(slice);
    return first > time ? first : this.endOf(this.sliceOf(time));
  }

  startOf(end: number): number {
    return this.sliceOf(end - 1);
  }

  endAfter(end: number): number {
    return this.endOf(end);
  }

  private find(time: number): void {
    if (Math.abs(time) > LAST_MS) throw beyondCalendar(time);
    const { Instant } = temporal as typeof Temporal;
    const moment = Instant.fromEpochMilliseconds(Math.floor(time)).toZonedDateTimeISO(this.zone);
    let first = this.unit.firstDay(moment.toPlainDate());
    let next = first.add(this.unit.length);
    for (; this.beginningOf(next) <= time; next = next.add(this.unit.length)) first = next;
    this.start = this.beginningOf(first);
    this.end = this.beginningOf(next);
    if (this.ends.size >= REMEMBERED) this.ends.clear();
    this.ends.set(this.start, this.end);
  }

  private beginningOf(day: Temporal.PlainDate): number {
    return day.toZonedDateTime(this.zone).epochMilliseconds;
  }
}

function beyondCalendar(time: number): MillraceError {
  return new MillraceError('MILL_TIMESTAMP_INVALID', `a record of time ${time} is beyond the calendar`, {
    hint: 'Give records epoch milliseconds; the calendar ends 270,000 years from 1970.',
  });
}
