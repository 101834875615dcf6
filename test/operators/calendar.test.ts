/** Windows of the calendar: days, weeks, months, quarters and years of time zones, also where their clocks change. */
import fc from 'fast-check';
import t from 'tap';
import { type CalendarUnit, calendar } from '../../operators/window/assigners.js';
import { CalendarSlicing } from '../../operators/window/calendar-slicing.js';

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Sao_Paulo',
  'America/St_Johns',
  'America/Havana',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Africa/Cairo',
];

interface Wall {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: string;
}

const FORMATS = new Map(
  ZONES.map((timeZone) => [
    timeZone,
    new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', month: 'numeric', day: 'numeric', weekday: 'short' }),
  ]),
);

/** What the calendar on the wall says: asked of the platform, not of what computes the windows. */
function wall(time: number, zone: string): Wall {
  const parts = (FORMATS.get(zone) as Intl.DateTimeFormat).formatToParts(time);
  const part = (wanted: string): string => parts.find(({ type }) => type === wanted)?.value ?? '';
  return { year: +part('year'), month: +part('month'), day: +part('day'), weekday: part('weekday') };
}

/** What all moments of a window have in common. */
function nameOf(time: number, unit: CalendarUnit, zone: string): string {
  const { year, month, day } = wall(time, zone);
  if (unit === 'year') return `${year}`;
  if (unit === 'quarter') return `${year} Q${Math.ceil(month / 3)}`;
  return unit === 'month' ? `${year}-${month}` : `${year}-${month}-${day}`;
}

const unit = fc.constantFrom<CalendarUnit>('day', 'week', 'month', 'quarter', 'year');
/** 1940 to 2060. */
const time = fc.integer({ min: -946_771_200_000, max: 2_840_140_800_000 });

/** Loads what all of them need. */
t.before(() => new CalendarSlicing(calendar('day')).open());

t.test('windows of the calendar', (t) => {
  const property = fc.property(
    unit,
    fc.constantFrom(...ZONES),
    time,
    fc.double({ min: 0, max: 1, noNaN: true }),
    (unit, zone, time, share) => {
      const slicing = new CalendarSlicing(calendar(unit, { zone }));
      const start = slicing.sliceOf(time);
      const end = slicing.endOf(start);
      const text = `${unit} in ${zone} at ${time}: ${start} to ${end}`;
      if (!(start <= time && time < end)) throw new Error(`not inside: ${text}`);
      if (end - start > slicing.size) throw new Error(`too long: ${text}`);
      const inside = Math.min(end - 1, start + Math.floor(share * (end - start)));
      if (slicing.sliceOf(inside) !== start || slicing.sliceOf(end - 1) !== start) throw new Error(`torn: ${text}`);
      if (slicing.sliceOf(end) !== end || slicing.startOf(end) !== start) throw new Error(`not next: ${text}`);
      if (slicing.endAfter(end) !== slicing.endOf(end)) throw new Error(`no end after: ${text}`);
      if (unit === 'week') {
        if (wall(start, zone).weekday !== 'Mon') throw new Error(`not a Monday: ${text}`);
        return;
      }
      const name = nameOf(start, unit, zone);
      if (nameOf(start - 1, unit, zone) === name) throw new Error(`begins before: ${text}`);
      if (nameOf(end, unit, zone) === name) throw new Error(`goes on: ${text}`);
    },
  );
  const { failed, numRuns, seed } = fc.check(property, { numRuns: 1_500 });
  if (failed) fc.assert(property, { numRuns: 1_500, seed });
  t.equal(numRuns, 1_500, `seed ${seed}`);
  t.end();
});

function dayOf(zone: string, moment: string): readonly [string, number] {
  const slicing = new CalendarSlicing(calendar('day', { zone }));
  const start = slicing.sliceOf(Date.parse(moment));
  return [new Date(start).toISOString(), (slicing.endOf(start) - start) / 3_600_000];
}

t.test('days on which clocks change', (t) => {
  t.same(dayOf('Europe/Berlin', '2026-03-29T12:00Z'), ['2026-03-28T23:00:00.000Z', 23]);
  t.same(dayOf('Europe/Berlin', '2026-10-25T12:00Z'), ['2026-10-24T22:00:00.000Z', 25]);
  t.same(dayOf('America/Sao_Paulo', '2018-11-04T12:00Z'), ['2018-11-04T03:00:00.000Z', 23], 'no midnight');
  t.same(dayOf('Pacific/Apia', '2011-12-29T20:00Z'), ['2011-12-29T10:00:00.000Z', 24], 'no 30 December');
  t.same(dayOf('Pacific/Apia', '2011-12-30T10:00Z'), ['2011-12-30T10:00:00.000Z', 24], 'the 31st comes next');
  t.same(dayOf('Australia/Lord_Howe', '2026-04-04T18:00Z'), ['2026-04-04T13:00:00.000Z', 24.5], 'half an hour');
  t.end();
});

t.test("clocks that are set back over midnight: the minutes that come again are the new day's", (t) => {
  // 29 October 2006, 00:01 becomes 28 October, 23:01.
  const midnight = Date.parse('2006-10-29T02:30Z');
  const slicing = new CalendarSlicing(calendar('day', { zone: 'America/St_Johns' }));
  t.equal(slicing.sliceOf(midnight + 30_000), midnight);
  t.equal(slicing.sliceOf(midnight + 30 * 60_000), midnight, 'when it is 23:30 again');
  t.equal(slicing.endOf(midnight), midnight + 25 * 3_600_000);
  t.end();
});

t.test('beyond the calendar, and options', (t) => {
  const slicing = new CalendarSlicing(calendar('month'));
  for (const time of [8.64e15, -8.64e15, 1e300])
    t.throws(() => slicing.sliceOf(time), { code: 'MILL_TIMESTAMP_INVALID' });
  t.throws(() => calendar('hour' as 'day'), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => calendar('day', { zone: 'Mars/Olympus' }), { code: 'MILL_OPTION_INVALID' });
  t.same(calendar('day'), { kind: 'calendar', unit: 'day', zone: 'UTC' });
  t.end();
});

t.test('many windows, one after another and all over', (t) => {
  const slicing = new CalendarSlicing(calendar('day', { zone: 'Europe/Berlin' }));
  let slice = slicing.sliceOf(0);
  const starts: number[] = [];
  for (let day = 0; day < 3_000; day += 1) {
    starts.push(slice);
    slice = slicing.endOf(slice);
  }
  t.same(
    starts.map((start) => slicing.endOf(start)),
    [...starts.slice(1), slice],
  );
  t.end();
});
