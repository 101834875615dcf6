/**
 * Runs the flights job on two workers, shows how it gets on, and says what came out of it. Stopped by Ctrl-C or killed,
 * the next run goes on from the last checkpoint; after one that has finished it starts over.
 *
 *   node dist/examples/flights/main.js [--workers 2]
 */
import { once } from 'node:events';
import { createReadStream, existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type JobHandle, type JobResult, run, showProgress } from 'millrace';
import flights from './job.js';

const { values } = parseArgs({ options: { workers: { type: 'string', default: '2' }, inline: { type: 'boolean' } } });
const STATE = 'examples/flights/.millrace';
const MODULE = { url: new URL('./job.js', import.meta.url).href };

let startedAt = performance.now();
// Without a checkpoint to go on from, what lies there is of runs long ago.
let handle = start(!existsSync(`${STATE}/checkpoints`));
process.on('SIGINT', () => void handle.stop());
try {
  let result = await watch(handle);
  if (result.alreadyFinished) {
    startedAt = performance.now();
    handle = start(true);
    result = await watch(handle);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  if (result.status === 'stopped') console.log('\nStopped. Run it again: it goes on from here.');
  else console.log(await summary(flights.params.out, result.metrics.events, seconds));
  if (result.status === 'stopped') process.exitCode = 130;
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}

function start(fresh: boolean): JobHandle<unknown> {
  return run(MODULE, flights, {
    workers: Number(values.workers),
    inline: values.inline ?? false,
    state: STATE,
    checkpointEvery: '500ms',
    fresh,
  });
}

/** Shows how it gets on, to its end. */
async function watch(running: JobHandle<unknown>): Promise<JobResult<unknown>> {
  const progress = showProgress(running);
  try {
    const result = await running;
    progress.stop(result.alreadyFinished ? undefined : result.metrics);
    return result;
  } finally {
    progress.stop();
  }
}

type Row = Record<string, number | string | null>;

/** Counted from the files themselves. */
async function summary(out: string, events: number, seconds: number): Promise<string> {
  const hours = { rows: 0, flights: 0, cancelled: 0 };
  await eachRow(join(out, 'hourly'), (row) => {
    hours.rows += 1;
    hours.flights += Number(row.flights);
    hours.cancelled += Number(row.cancelled);
  });
  const knockOn = { rows: 0, hour: 0 };
  await eachRow(join(out, 'knock-on'), (row) => {
    knockOn.rows += 1;
    if (Number(row.dep_delay) >= 60) knockOn.hour += 1;
  });
  const causes: Record<string, number> = { weather: 0, other: 0, none: 0 };
  await eachRow(join(out, 'weather'), (row) => {
    causes[String(row.cause)] = (causes[String(row.cause)] ?? 0) + 1;
  });
  const delays = Object.values(causes).reduce((sum, rows) => sum + rows, 0);
  const n = (value: number): string => value.toLocaleString('en-US').padStart(9);
  return `
${n(events)} events in ${seconds.toFixed(1)} s

hourly    ${n(hours.rows)} hours at an airport: ${n(hours.flights).trim()} flights, ${n(hours.cancelled).trim()} cancelled
knock-on  ${n(knockOn.rows)} late departures after a late arrival, ${n(knockOn.hour).trim()} of them by an hour or more
weather   ${n(delays)} departures an hour late or more: ${n(causes.weather ?? 0).trim()} in bad weather, ${n(causes.other ?? 0).trim()} not, ${n(causes.none ?? 0).trim()} unknown

The rows are in ${out}/{hourly,knock-on,weather}/*.ndjson`;
}

async function eachRow(directory: string, use: (row: Row) => void): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.endsWith('.ndjson')) continue;
    const reader = createInterface({ input: createReadStream(join(directory, name)) });
    reader.on('line', (line) => use(JSON.parse(line) as Row));
    await once(reader, 'close');
  }
}
