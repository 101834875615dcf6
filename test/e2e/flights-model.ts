/**
 * The answers of the flights job, worked out in the plainest way: whole logs in memory, a Map, a sort. It shares no
 * code with millrace or with the job, only the wording of the task. Rows are lines of JSON, sorted.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const HOUR_MS = 3_600_000;

type Fields = Readonly<Record<string, string>>;

/** What the job writes, by the name of its directory. */
export interface Answers {
  readonly hourly: readonly string[];
  readonly 'knock-on': readonly string[];
  readonly weather: readonly string[];
}

interface Flight {
  readonly scheduled: number;
  readonly departed: number | null;
  readonly dep_delay: number | null;
  readonly arr_delay: number | null;
  readonly carrier: string;
  readonly flight: number;
  readonly tail: string;
  readonly origin: string;
  readonly dest: string;
  readonly air_time: number | null;
  readonly distance: number;
}

export function flightsModel(departures: string, weather: string): Answers {
  const flights = readRows(departures).map(flightOf);
  const departed = flights.filter((flight) => flight.departed !== null);
  return {
    hourly: linesOf(hours(flights)),
    'knock-on': linesOf(knockOns(departed)),
    weather: linesOf(causes(departed, readRows(weather))),
  };
}

function readRows(path: string): Fields[] {
  const [header, ...rows] = gunzipSync(readFileSync(path)).toString().trimEnd().split('\n');
  const names = (header as string).split(',');
  return rows.map((row) => {
    const values = row.split(',');
    return Object.fromEntries(names.map((name, at) => [name, values[at] as string]));
  });
}

const number = (text: string | undefined): number | null => (text ? Number(text) : null);
const time = (text: string | undefined): number | null => (text ? Date.parse(text) : null);

function flightOf(row: Fields): Flight {
  return {
    scheduled: time(row.scheduled) as number,
    departed: time(row.departed),
    dep_delay: number(row.dep_delay),
    arr_delay: number(row.arr_delay),
    carrier: row.carrier as string,
    flight: Number(row.flight),
    tail: row.tail as string,
    origin: row.origin as string,
    dest: row.dest as string,
    air_time: number(row.air_time),
    distance: Number(row.distance),
  };
}

const linesOf = (rows: readonly object[]): string[] => rows.map((row) => JSON.stringify(row)).sort();
const hourOf = (at: number): number => Math.floor(at / HOUR_MS) * HOUR_MS;

function groups<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const group = found.get(keyOf(item));
    if (group) group.push(item);
    else found.set(keyOf(item), [item]);
  }
  return found;
}

function hours(flights: readonly Flight[]): object[] {
  return [...groups(flights, ({ origin, scheduled }) => `${origin} ${hourOf(scheduled)}`).values()].map((group) => {
    const [{ origin, scheduled }] = group as [Flight];
    const delays = group.flatMap(({ departed, dep_delay }) => (departed === null ? [] : [dep_delay ?? 0]));
    return {
      origin,
      windowStart: hourOf(scheduled),
      flights: group.length,
      cancelled: group.length - delays.length,
      departed: delays.length,
      delay: delays.reduce((sum, delay) => sum + delay, 0),
      max: delays.length === 0 ? null : Math.max(...delays),
    };
  });
}

function knockOns(departed: readonly Flight[]): object[] {
  const aircraft = groups(
    departed.filter(({ tail }) => tail !== ''),
    ({ tail }) => tail,
  );
  // A sort is stable: ties stay in order of the log.
  return [...aircraft.values()].flatMap((flights) => {
    const ordered = [...flights].sort((a, b) => a.scheduled - b.scheduled);
    return ordered.slice(1).flatMap((second, at) => {
      const first = ordered[at] as Flight;
      const lateBoth = (first.arr_delay ?? 0) >= 30 && (second.dep_delay ?? 0) >= 15;
      if (!lateBoth || second.scheduled - first.scheduled > 12 * HOUR_MS) return [];
      const { tail, scheduled, dep_delay } = second;
      return [{ tail, first: first.scheduled, second: scheduled, arr_delay: first.arr_delay, dep_delay }];
    });
  });
}

function causes(departed: readonly Flight[], weather: readonly Fields[]): object[] {
  const causeAt = new Map<string, string>();
  for (const row of weather) {
    const bad = (number(row.visib) ?? 10) < 2 || (number(row.wind_gust) ?? 0) > 30 || (number(row.precip) ?? 0) > 0.1;
    causeAt.set(`${row.origin} ${time(row.time)}`, bad ? 'weather' : 'other');
  }
  return departed
    .filter(({ dep_delay }) => (dep_delay ?? 0) >= 60)
    .map((flight) => ({ ...flight, cause: causeAt.get(`${flight.origin} ${hourOf(flight.scheduled)}`) ?? 'none' }));
}
