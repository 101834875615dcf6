/**
 * A year of departures from New York's airports: how each hour went, where one late flight made the next one late,
 * and whether the weather was to blame.
 *
 * Event time is the scheduled departure. The log is in order of what happened, so a flight is out of order by as
 * much as it was late: up to 22 hours.
 */
import { csv, fileSink, files, job, ndjson, type Stream, state, tumbling } from 'millrace';
import { type Departure, Flight, hasDeparted, Weather } from './records.js';

const HOUR_MS = 3_600_000;

const params = {
  departures: 'examples/flights/data/departures-2013.csv.gz',
  weather: 'examples/flights/data/weather-2013.csv.gz',
  out: 'examples/flights/out',
};

export default job('flights', { params }, (j, { departures, weather, out }) => {
  const flights = j
    .from('departures', files(departures, csv({ schema: Flight })))
    .eventTime((flight) => flight.scheduled, { outOfOrder: '22h' });
  const conditions = j.from('weather', files(weather, csv({ schema: Weather }))).eventTime((hour) => hour.time);
  const departed = flights.filter(hasDeparted);

  flights.apply(hourly).to('hourly', fileSink(`${out}/hourly`, ndjson()));
  departed.apply(knockOn).to('knock-on', fileSink(`${out}/knock-on`, ndjson()));
  departed
    .filter((flight) => flight.dep_delay >= 60)
    .apply((late) => blame(late, conditions))
    .to('weather-delays', fileSink(`${out}/weather`, ndjson()));
});

/** Flights, cancellations and delays per airport and hour. */
export function hourly(flights: Stream<Flight>) {
  return flights
    .keyBy((flight) => flight.origin)
    .window(tumbling('1h'))
    .aggregate('hours', (a) => ({
      flights: a.count(),
      departed: a.count(hasDeparted),
      delay: a.sum((flight) => flight.dep_delay),
      max: a.max((flight) => flight.dep_delay),
    }))
    .map(({ key, window, flights, departed, delay, max }) => ({
      origin: key,
      windowStart: window.start,
      flights,
      cancelled: flights - departed,
      departed,
      delay,
      max,
    }));
}

const LATE_ARRIVAL_MIN = 30;
const LATE_DEPARTURE_MIN = 15;
const TURNAROUND_MS = 12 * HOUR_MS;

/** Consecutive departures of an aircraft, the first of which came in late and the second of which left late. */
export function knockOn(departed: Stream<Departure>) {
  return departed
    .filter((flight) => flight.tail !== '')
    .keyBy((flight) => flight.tail)
    .process('aircraft', {
      state: { last: state.value<Departure>(), waiting: state.list<Departure>() },
      // The log is out of order: wait until event time says that nothing earlier can come.
      onRecord(flight, ctx) {
        ctx.state.waiting.add(flight);
        ctx.eventTimers.add(flight.scheduled);
      },
      onTimer(scheduled, ctx) {
        const { last, waiting } = ctx.state;
        const flights = waiting.get();
        waiting.set(flights.filter((flight) => flight.scheduled !== scheduled));
        const rows = [];
        for (const second of flights.filter((flight) => flight.scheduled === scheduled)) {
          const first = last.get();
          last.set(second);
          if (first && isKnockOn(first, second)) rows.push(knockOnOf(first, second));
        }
        return rows;
      },
    });
}

const knockOnOf = (first: Departure, second: Departure) => ({
  tail: second.tail,
  first: first.scheduled,
  second: second.scheduled,
  arr_delay: first.arr_delay,
  dep_delay: second.dep_delay,
});

function isKnockOn(first: Departure, second: Departure): boolean {
  return (
    first.arr_delay !== null &&
    first.arr_delay >= LATE_ARRIVAL_MIN &&
    second.scheduled - first.scheduled <= TURNAROUND_MS &&
    second.dep_delay >= LATE_DEPARTURE_MIN
  );
}

const hourOf = (time: number): number => Math.floor(time / HOUR_MS) * HOUR_MS;

/** Very late departures, with the weather in their hour as the cause, if it was bad. */
export function blame(late: Stream<Departure>, weather: Stream<Weather>) {
  return late
    .keyBy((flight) => [flight.origin, hourOf(flight.scheduled)])
    .connect(weather.keyBy((hour) => [hour.origin, hour.time]))
    .process('causes', {
      state: { cause: state.value<'weather' | 'other'>(), waiting: state.list<Departure>() },
      onFirst(flight, ctx) {
        ctx.eventTimers.add(endOf(ctx.key));
        const cause = ctx.state.cause.get();
        if (cause) return [{ ...flight, cause }];
        ctx.state.waiting.add(flight);
        return [];
      },
      onSecond(hour, ctx) {
        ctx.eventTimers.add(endOf(ctx.key));
        const cause = isBad(hour) ? 'weather' : 'other';
        ctx.state.cause.set(cause);
        const waiting = ctx.state.waiting.get();
        ctx.state.waiting.clear();
        return waiting.map((flight) => ({ ...flight, cause }));
      },
      // Neither a flight nor weather of this hour can come any more.
      onTimer(_time, ctx) {
        const waiting = ctx.state.waiting.get();
        ctx.state.waiting.clear();
        ctx.state.cause.clear();
        return waiting.map((flight) => ({ ...flight, cause: 'none' as const }));
      },
    });
}

const endOf = ([, hour]: readonly [string, number]): number => hour + HOUR_MS - 1;

function isBad(hour: Weather): boolean {
  return (hour.visib ?? 10) < 2 || (hour.wind_gust ?? 0) > 30 || (hour.precip ?? 0) > 0.1;
}
