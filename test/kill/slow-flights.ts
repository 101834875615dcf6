/**
 * The flights job, slowed down, as a process to be killed:
 *
 *   node slow-flights.js --out <directory> --state <directory> --workers <n> --backend level
 */
import { parseArgs } from 'node:util';
import { csv, fileSink, files, job, ndjson, run } from 'millrace';
import { blame, hourly, knockOn } from '../../examples/flights/job.js';
import { Flight, hasDeparted, Weather } from '../../examples/flights/records.js';
import { paced } from './paced-source.js';

const DATA = 'examples/flights/data';
const ROLL = { roll: { every: '150ms' } } as const;

export const slowFlights = job(
  'slow-flights',
  { params: { out: 'out', perSecond: 60_000 } },
  (j, { out, perSecond }) => {
    const flights = j
      .from('departures', paced(files(`${DATA}/departures-2013.csv.gz`, csv({ schema: Flight })), perSecond))
      .eventTime((flight) => flight.scheduled, { outOfOrder: '22h' });
    const weather = j
      .from('weather', paced(files(`${DATA}/weather-2013.csv.gz`, csv({ schema: Weather })), perSecond / 10))
      .eventTime((hour) => hour.time);
    const departed = flights.filter(hasDeparted);
    flights.apply(hourly).to('hourly', fileSink(`${out}/hourly`, ndjson(), ROLL));
    departed.apply(knockOn).to('knock-on', fileSink(`${out}/knock-on`, ndjson(), ROLL));
    departed
      .filter((flight) => flight.dep_delay >= 60)
      .apply((late) => blame(late, weather))
      .to('weather-delays', fileSink(`${out}/weather`, ndjson(), ROLL));
  },
);

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    state: { type: 'string' },
    workers: { type: 'string' },
    rate: { type: 'string' },
    backend: { type: 'string' },
  },
});

if (values.out !== undefined) {
  const { status } = await run(import.meta, slowFlights, {
    params: { out: values.out, perSecond: Number(values.rate ?? 60_000) },
    workers: Number(values.workers ?? 2),
    state: values.state ?? false,
    checkpointEvery: '100ms',
    ...(values.backend === 'level' ? { backend: 'level', stateMemoryMb: 1 } : {}),
  });
  console.log(status);
}
