/**
 * Freight that is stuck in New York, for warehouses that run short: found in the carriers' log, and dispatched by an agent.
 *
 *   carriers ─┐
 *   shipments ┴▸ stalled ─▸ with the stock of its time ─▸ with the weather of its time ─▸ dispatcher ─▸ plans, messages
 *   stock ──────────────────┘                             │                                ▲     │
 *   weather ──────────────────────────────────────────────┘            decisions of people ┘     ▼ requests to people
 */
import {
  callback,
  csv,
  type Duration,
  fileSink,
  files,
  fromIterable,
  job,
  ndjson,
  type Stream,
  sliding,
  state,
} from 'millrace';
import { darkLaunch, type RunRecord } from 'millrace/agents';
import { Flight, hasDeparted, Weather } from '../flights/records.js';
import { dispatcherV1, dispatcherV2 } from './agent.js';
import { askAt, closeDesk, decisionsOf } from './desk.js';
import { type Case, flightId, type Shipment, type Stall, type Stock } from './records.js';

const params = {
  input: 'examples/supply-chain/out/input',
  out: 'examples/supply-chain/out',
  /** Base URLs of the services: main.ts says where they really are. */
  logistics: 'http://127.0.0.1:8101',
  desk: 'http://127.0.0.1:8102',
  model: process.env.MILLRACE_MODEL_URL ?? 'http://127.0.0.1:8103/v1',
  /** How long people have. They live by the clock, not in the year of the log. */
  approvalTimeout: '5s' as Duration,
};

/** To be tried against what the dispatcher has done: `millrace replay … --with candidate`. */
export const candidate = dispatcherV2(params);

/** A carrier tells of a departure when it happens, and of a cancellation at the time when the flight should have left. */
const saidAt = (flight: Flight): number => flight.departed ?? flight.scheduled;

const ROLL = { roll: { every: '500ms' } } as const;

export default job('supply-chain', { params }, (j, { input, out, desk, ...services }) => {
  const carriers = j.from('carriers', files(`${input}/departures.csv`, csv({ schema: Flight }))).eventTime(saidAt);
  const shipments = j
    .from('shipments', files(`${input}/shipments.ndjson`, ndjson<Shipment>()))
    .eventTime((shipment) => shipment.tendered);
  const stock = j.from('stock', files(`${input}/stock.ndjson`, ndjson<Stock>())).eventTime((version) => version.at);
  const weather = j
    .from('weather', files(`${input}/weather.csv`, csv({ schema: Weather })))
    .eventTime((hour) => hour.time);
  const decisions = j.from('decisions', fromIterable(decisionsOf(desk)));

  const stalls = stalled(shipments, carriers);
  const cases = underAlert(short(stalls, stock), weather);
  const { replies, failures, runs, requests } = cases
    .keyBy(({ shipment }) => shipment.id)
    .agent('dispatcher', dispatcherV1(services), { decisions: decisions.keyBy((decision) => decision.key) });
  const compared = darkLaunch(runs, 'candidate', dispatcherV2(services));

  requests.to('desk', callback(askAt(desk), { concurrency: 10 }));
  stalls.to('stalls', fileSink(`${out}/stalls`, ndjson(), ROLL));
  replies.to('dispatches', fileSink(`${out}/dispatches`, ndjson(), ROLL));
  failures.to('failures', fileSink(`${out}/failures`, ndjson(), ROLL));
  runs.to('runs', fileSink(`${out}/runs`, ndjson(), ROLL));
  compared.to('comparisons', fileSink(`${out}/comparisons`, ndjson(), ROLL));
  lastClosed(cases, runs).to(
    'close',
    callback(() => closeDesk(desk)),
  );
});

/** What a carrier says of a flight. */
interface News {
  readonly flight: string;
  readonly status: 'departed' | 'cancelled';
  readonly at: number;
}

const newsOf = (flight: Flight): News => ({
  flight: flightId(flight),
  status: hasDeparted(flight) ? 'departed' : 'cancelled',
  at: saidAt(flight),
});

/**
 * Shipments that do not get on. The interval join brings each shipment what the carrier says of its flight. The pattern finds
 * those that hear of a cancellation, and those that hear nothing for three hours: two after they should have left.
 */
export function stalled(shipments: Stream<Shipment>, carriers: Stream<Flight>): Stream<Stall> {
  const heard = shipments
    .keyBy((shipment) => shipment.flight)
    .join(
      'heard',
      carriers.map(newsOf).keyBy(({ flight }) => flight),
      { within: ['0s', '25h'] },
      (shipment, news) => ({
        shipment,
        ...news,
      }),
    );
  const { matches, timeouts } = shipments
    .map((shipment) => ({ shipment, status: 'tendered' as const, at: shipment.tendered }))
    .union(heard)
    .keyBy(({ shipment }) => shipment.id)
    .match('stalled', (p) =>
      p
        .begin('tendered', ({ status }) => status === 'tendered')
        .followedBy('news', ({ status }) => status !== 'tendered')
        .within('3h'),
    );
  const cancelled = matches
    .filter(({ match }) => match.news.status === 'cancelled')
    .map(({ match: { news } }): Stall => ({ shipment: news.shipment, why: 'cancelled', at: news.at }));
  const late = timeouts.flatMap(({ match: { tendered }, timedOutAt }): Stall[] =>
    tendered ? [{ shipment: tendered.shipment, why: 'late', at: timedOutAt }] : [],
  );
  return cancelled.union(late);
}

/** Those whose warehouse runs short, by the stock that it had when they stalled. */
export function short(stalls: Stream<Stall>, stock: Stream<Stock>): Stream<Omit<Case, 'alert'>> {
  return stalls
    .keyBy(({ shipment }) => [shipment.warehouse, shipment.sku])
    .temporalJoin(
      'stock-then',
      stock.keyBy((version) => [version.warehouse, version.sku]),
      (stall, version) => ({ ...stall, stock: version }),
    )
    .filter(({ stock: { units, reorderPoint } }) => units < reorderPoint);
}

/** With the weather alert that was in force where they are stuck: it goes by the twelve hours before, and is new each hour. */
export function underAlert(urgent: Stream<Omit<Case, 'alert'>>, weather: Stream<Weather>): Stream<Case> {
  const recent = weather
    .keyBy((hour) => hour.origin)
    .window(sliding('12h', '1h'))
    .aggregate('recent-weather', (a) => ({
      visib: a.min((hour) => hour.visib),
      gust: a.max((hour) => hour.wind_gust),
      precip: a.max((hour) => hour.precip),
    }));
  return urgent
    .keyBy(({ shipment }) => shipment.origin)
    .temporalJoin(
      'weather-then',
      recent.keyBy(({ key }) => key),
      (stall, worst) => ({ ...stall, alert: worst ? alertOf(worst) : null }),
      { type: 'left' },
    );
}

/** Of the worst of twelve hours: miles, miles an hour, inches an hour, as the weather service gives them. */
function alertOf({ visib, gust, precip }: Readonly<Record<'visib' | 'gust' | 'precip', number | null>>): string | null {
  if (visib !== null && visib < 1) return `visibility ${visib} miles`;
  if (gust !== null && gust >= 35) return `gusts of ${Math.round(gust)} mph`;
  return precip !== null && precip >= 0.06 ? `${precip} inches of rain or snow in an hour` : null;
}

/** No case is opened later. */
const OVER = Date.parse('2013-02-14T00:00Z');

/** A record once the week is over and every case has been closed: then nobody asks the desk any more. */
function lastClosed(cases: Stream<Case>, runs: Stream<RunRecord<Case>>): Stream<'all closed'> {
  const opened = cases
    .keyBy(() => 'week')
    .process('week', {
      onRecord(_case, ctx) {
        ctx.eventTimers.add(OVER);
        return ['opened' as const];
      },
      onTimer: () => ['over' as const],
    });
  return opened
    .union(runs.map(() => 'closed' as const))
    .keyBy(() => 'week')
    .process('open-cases', {
      state: { open: state.value<number>({ initial: 0 }), isOver: state.value<boolean>({ initial: false }) },
      onRecord(news, { state: { open, isOver } }) {
        if (news === 'over') isOver.set(true);
        else open.set(open.get() + (news === 'opened' ? 1 : -1));
        return isOver.get() && open.get() === 0 ? ['all closed' as const] : [];
      },
    });
}
