/**
 * The main job on the real logs: the counts that are known, an independent model's rows exactly, and the same rows
 * however many threads make them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'millrace';
import t from 'tap';
import flights from '../../examples/flights/job.js';
import { ROOT } from '../tidy/source-files.js';
import { type Answers, flightsModel } from './flights-model.js';

const MODULE = { url: new URL('../../examples/flights/job.js', import.meta.url).href };
const DATA = join(ROOT, 'examples/flights/data');
const departures = join(DATA, 'departures-2013.csv.gz');
const weather = join(DATA, 'weather-2013.csv.gz');

function readLines(directory: string): string[] {
  return readdirSync(directory)
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').trimEnd().split('\n'))
    .sort();
}

function readAnswers(out: string): Answers {
  return {
    hourly: readLines(join(out, 'hourly')),
    'knock-on': readLines(join(out, 'knock-on')),
    weather: readLines(join(out, 'weather')),
  };
}

type Row = Readonly<Record<string, unknown>>;

const parse = (lines: readonly string[]): Row[] => lines.map((line) => JSON.parse(line) as Row);
const sumOf = (rows: readonly Row[], field: string): number => rows.reduce((sum, row) => sum + Number(row[field]), 0);

function counts(answers: Answers): object {
  const [hourly, knockOn, delays] = [parse(answers.hourly), parse(answers['knock-on']), parse(answers.weather)];
  const withCause = (wanted: string): number => delays.filter(({ cause }) => cause === wanted).length;
  return {
    hours: hourly.length,
    flights: sumOf(hourly, 'flights'),
    cancelled: sumOf(hourly, 'cancelled'),
    knockOns: knockOn.length,
    anHourOrMore: knockOn.filter((row) => Number(row.dep_delay) >= 60).length,
    delays: delays.length,
    weather: withCause('weather'),
    other: withCause('other'),
    none: withCause('none'),
  };
}

const expected = flightsModel(departures, weather);

t.test('the model counts what is known of the logs', async (t) => {
  t.same(counts(expected), {
    hours: 19_486,
    flights: 336_776,
    cancelled: 8_255,
    knockOns: 6_868,
    anHourOrMore: 3_671,
    delays: 27_059,
    weather: 3_106,
    other: 23_819,
    none: 134,
  });
});

/** The first line in which two sorted lists differ: a difference of megabytes helps nobody. */
function firstDifference(expected: readonly string[], actual: readonly string[]): string | undefined {
  const at = Array.from({ length: Math.max(expected.length, actual.length) }).findIndex(
    (_, index) => expected[index] !== actual[index],
  );
  return at < 0 ? undefined : `line ${at}: expected ${expected[at]}, got ${actual[at]}`;
}

for (const how of [{ inline: true }, { workers: 1 }, { workers: 2 }, { workers: 3 }]) {
  t.test(`the job's rows are the model's: ${JSON.stringify(how)}`, async (t) => {
    const out = t.testdir({});
    const { status, metrics } = await run(MODULE, flights, {
      ...how,
      state: false,
      params: { departures, weather, out },
    });
    t.equal(status, 'finished');
    t.equal(metrics.events, 336_776 + 26_115);
    const actual = readAnswers(out);
    for (const name of ['hourly', 'knock-on', 'weather'] as const) {
      t.equal(firstDifference(expected[name], actual[name]), undefined, name);
    }
  });
}
