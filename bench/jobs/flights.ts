/**
 * The engine's part of the flights job, without end: both logs are parsed once and merged by time, then read year
 * after year, and rows are thrown away.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { generate, job } from 'millrace';
import { blame, hourly, knockOn } from '../../examples/flights/job.js';
import { Flight, hasDeparted, Weather } from '../../examples/flights/records.js';
import { blackhole } from './blackhole.js';

const DATA = 'examples/flights/data';
const YEAR_MS = 365 * 86_400_000;

type Entry =
  | { readonly kind: 'flight'; readonly flight: Flight }
  | { readonly kind: 'weather'; readonly weather: Weather };

function readCsv<T>(path: string, parse: (row: Record<string, string>) => T): T[] {
  const [header = '', ...rows] = gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
  const names = header.split(',');
  return rows.map((row) => {
    const fields = row.split(',');
    return parse(Object.fromEntries(names.map((name, at) => [name, fields[at] ?? ''])));
  });
}

function readLog(): Entry[] {
  const flights = readCsv(`${DATA}/departures-2013.csv.gz`, (row) => Flight.parse(row));
  const hours = readCsv(`${DATA}/weather-2013.csv.gz`, (row) => Weather.parse(row));
  const log: Entry[] = [];
  let at = 0;
  for (const flight of flights) {
    const now = flight.departed ?? flight.scheduled;
    for (; at < hours.length && (hours[at] as Weather).time <= now; at += 1)
      log.push({ kind: 'weather', weather: hours[at] as Weather });
    log.push({ kind: 'flight', flight });
  }
  return log;
}

let log: Entry[] | undefined;

/** The n-th entry of an endless log. */
function entryAt(n: number): Entry {
  log ??= readLog();
  const entry = log[n % log.length] as Entry;
  const shift = Math.floor(n / log.length) * YEAR_MS;
  if (entry.kind === 'weather')
    return { kind: 'weather', weather: { ...entry.weather, time: entry.weather.time + shift } };
  return { kind: 'flight', flight: { ...entry.flight, scheduled: entry.flight.scheduled + shift } };
}

export default job('flights-engine', (j) => {
  const { weather, rest } = j
    .from('log', generate({ splits: 1, make: entryAt }))
    .eventTime((entry) => (entry.kind === 'flight' ? entry.flight.scheduled : entry.weather.time), {
      outOfOrder: '22h',
    })
    .split({ weather: (entry) => entry.kind === 'weather' });
  const flights = rest.flatMap((entry) => (entry.kind === 'flight' ? [entry.flight] : []));
  const hours = weather.flatMap((entry) => (entry.kind === 'weather' ? [entry.weather] : []));
  const departed = flights.filter(hasDeparted);
  flights.apply(hourly).to('hourly', blackhole());
  departed.apply(knockOn).to('knock-on', blackhole());
  departed
    .filter((flight) => flight.dep_delay >= 60)
    .apply((late) => blame(late, hours))
    .to('weather-delays', blackhole());
});
