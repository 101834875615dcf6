/**
 * The engine's part of the flights job: events are parsed beforehand, rows are thrown away. Inline, so that CPU time
 * is the engine's and nothing else's.
 */

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { fromIterable, job, run } from 'millrace';
import { blame, hourly, knockOn } from '../examples/flights/job.js';
import { Flight, hasDeparted, Weather } from '../examples/flights/records.js';
import { blackhole } from './jobs/blackhole.js';
import { type Measurement, median } from './steady.js';

const DATA = 'examples/flights/data';

function readCsv<T>(path: string, parse: (row: Record<string, string>) => T): T[] {
  const [header = '', ...rows] = gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
  const names = header.split(',');
  return rows.map((row) => {
    const fields = row.split(',');
    return parse(Object.fromEntries(names.map((name, at) => [name, fields[at] ?? ''])));
  });
}

export async function flightsEngine(runs = 5): Promise<Measurement> {
  const flights = readCsv(`${DATA}/departures-2013.csv.gz`, (row) => Flight.parse(row));
  const hours = readCsv(`${DATA}/weather-2013.csv.gz`, (row) => Weather.parse(row));
  const engine = job('flights-engine', (j) => {
    const stream = j.from('departures', fromIterable(flights)).eventTime((f) => f.scheduled, { outOfOrder: '22h' });
    const weather = j.from('weather', fromIterable(hours)).eventTime((hour) => hour.time);
    const departed = stream.filter(hasDeparted);
    stream.apply(hourly).to('hourly', blackhole());
    departed.apply(knockOn).to('knock-on', blackhole());
    departed
      .filter((f) => f.dep_delay >= 60)
      .apply((late) => blame(late, weather))
      .to('weather-delays', blackhole());
  });
  const events = flights.length + hours.length;
  const wall: number[] = [];
  const cpu: number[] = [];
  // The first runs warm up.
  for (let at = -2; at < runs; at += 1) {
    const cpuBefore = process.cpuUsage();
    const before = performance.now();
    await run(engine);
    const used = process.cpuUsage(cpuBefore);
    if (at < 0) continue;
    wall.push((events * 1_000) / (performance.now() - before));
    cpu.push((events * 1e6) / (used.user + used.system));
  }
  const middle = median(cpu);
  const spread = Math.max(...cpu.map((rate) => Math.abs(rate - middle) / middle));
  return { perSecond: median(wall), perCpuSecond: middle, spread };
}
