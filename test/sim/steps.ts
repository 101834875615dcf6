/**
 * The steps that random jobs are made of: each builds its part of the job and, beside it, says in plain arrays what
 * it must come to. The models share no code with the engine.
 *
 * Every event's `at` is its timestamp; keys are small numbers.
 */
import { type Stream, session, side, sliding, state, tumbling } from 'millrace';

export interface Event {
  readonly id: string;
  readonly key: number;
  readonly at: number;
  readonly v: number;
  /** Source and split it stems from, and its number there; '' once events have been combined. */
  readonly from: string;
  readonly seq: number;
}

export interface Step {
  readonly name: string;
  /** Whether events of one split with one key stay in order. */
  readonly keepsOrder: boolean;
  build(events: Stream<Event>, name: string, ordered: boolean): Stream<Event>;
  model(events: readonly Event[]): Event[];
}

const SIZE = 40;
const SLIDE = 15;
/**
 * No two events are exactly this far apart (times are even, windows end at multiples of five or at even distances): in
 * Flink's meaning, and ours, whether a record joins a session whose end it touches depends on whether that has fired.
 */
const GAP = 13;

/** What a window comes to, as an event again. */
const windowEvent = (key: number, start: number, end: number, n: number, sum: number): Event => ({
  id: `${key}@${start}-${end}`,
  key: (key * 7 + n) % 5,
  at: end - 1,
  v: sum,
  from: '',
  seq: 0,
});

interface Totals {
  readonly key: number;
  readonly window: { readonly start: number; readonly end: number };
  readonly n: number;
  readonly sum: number;
}

const toEvent = ({ key, window, n, sum }: Totals): Event => windowEvent(key, window.start, window.end, n, sum);

function byKey(events: readonly Event[]): Map<number, Event[]> {
  const groups = new Map<number, Event[]>();
  for (const event of events) groups.set(event.key, [...(groups.get(event.key) ?? []), event]);
  return groups;
}

const sum = (events: readonly Event[]): number => events.reduce((total, { v }) => total + v, 0);

/** Each group's events in each window that `windowsOf` names. */
function windowed(events: readonly Event[], windowsOf: (at: number) => number[], size: number): Event[] {
  return [...byKey(events)].flatMap(([key, group]) => {
    const starts = new Set(group.flatMap(({ at }) => windowsOf(at)));
    return [...starts].map((start) => {
      const inside = group.filter(({ at }) => at >= start && at < start + size);
      return windowEvent(key, start, start + size, inside.length, sum(inside));
    });
  });
}

function slidingStarts(at: number): number[] {
  const starts: number[] = [];
  for (let start = Math.floor(at / SLIDE) * SLIDE; start > at - SIZE; start -= SLIDE) starts.push(start);
  return starts;
}

function sessions(events: readonly Event[]): Event[] {
  return [...byKey(events)].flatMap(([key, group]) => {
    const sorted = [...group].sort((a, b) => a.at - b.at);
    const found: Event[][] = [];
    for (const event of sorted) {
      const last = found.at(-1);
      if (last && event.at - (last.at(-1) as Event).at <= GAP) last.push(event);
      else found.push([event]);
    }
    return found.map((inside) =>
      windowEvent(key, (inside[0] as Event).at, (inside.at(-1) as Event).at + GAP, inside.length, sum(inside)),
    );
  });
}

const totals = (windows: Stream<Totals>): Stream<Event> => windows.map(toEvent);

/** Thrown in the job itself, so that the run fails where the engine breaks its promise. */
function promise(kept: boolean, what: string): void {
  if (!kept) throw new Error(`broken promise: ${what}`);
}

/** Emits a key's events in order of time, numbered; checks order, lateness and timers on the way. */
function sortedByTime(events: Stream<Event>, name: string, ordered: boolean): Stream<Event> {
  return events
    .keyBy((event) => event.key)
    .process(name, {
      state: {
        waiting: state.map<number, Event[]>(),
        n: state.value({ initial: 0 }),
        last: state.map<string, number>(),
      },
      onRecord(event, ctx) {
        promise(ctx.timestamp === event.at, `timestamp of ${event.id}`);
        promise(event.at > ctx.watermark, `the watermark ${ctx.watermark} overtook ${event.id} at ${event.at}`);
        if (ordered) {
          promise((ctx.state.last.get(event.from) ?? -1) < event.seq, `order of ${event.from} at ${event.seq}`);
          ctx.state.last.set(event.from, event.seq);
        }
        ctx.state.waiting.set(event.at, [...(ctx.state.waiting.get(event.at) ?? []), event]);
        ctx.eventTimers.add(event.at);
      },
      *onTimer(time, ctx) {
        promise(time <= ctx.watermark, `the timer for ${time} fired at watermark ${ctx.watermark}`);
        const due = [...(ctx.state.waiting.get(time) ?? [])].sort((a, b) => (a.id < b.id ? -1 : 1));
        ctx.state.waiting.delete(time);
        for (const event of due) {
          ctx.state.n.set(ctx.state.n.get() + 1);
          yield { ...event, v: event.v + ctx.state.n.get(), from: '', seq: 0 };
        }
      },
    });
}

function sortedModel(events: readonly Event[]): Event[] {
  return [...byKey(events).values()].flatMap((group) =>
    [...group]
      .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
      .map((event, at) => ({ ...event, v: event.v + at + 1, from: '', seq: 0 })),
  );
}

/** Pairs of even and odd events of a key, each once, whichever comes first; stamped by the later. */
function pairs(events: Stream<Event>, name: string): Stream<Event> {
  const { even, rest } = events.split({ even: (event) => event.v % 2 === 0 });
  return (
    even
      .keyBy((event) => event.key)
      .connect(rest.keyBy((event) => event.key))
      .process(name, {
        state: { even: state.list<Event>(), odd: state.list<Event>() },
        sides: { pairs: side<Event>() },
        *onFirst(left, ctx) {
          ctx.state.even.add(left);
          for (const right of ctx.state.odd.get()) yield pair(left, right);
        },
        onSecond(right, ctx) {
          ctx.state.odd.add(right);
          for (const left of ctx.state.even.get()) ctx.side.pairs(pair(left, right));
        },
      })
      .apply((both) => both.union(both.side.pairs))
      // The later of the two decides, so event time has to be given anew.
      .eventTime((event) => event.at, { outOfOrder: 1_000_000 })
  );
}

const pair = (left: Event, right: Event): Event => ({
  id: `${left.id}+${right.id}`,
  key: left.key,
  at: Math.max(left.at, right.at),
  v: left.v + right.v,
  from: '',
  seq: 0,
});

export const STATELESS: readonly Step[] = [
  {
    name: 'map',
    keepsOrder: true,
    build: (events) => events.map((event) => ({ ...event, v: event.v * 3 + 1 })),
    model: (events) => events.map((event) => ({ ...event, v: event.v * 3 + 1 })),
  },
  {
    name: 'filter',
    keepsOrder: true,
    build: (events) => events.filter((event) => event.v % 3 !== 0),
    model: (events) => events.filter((event) => event.v % 3 !== 0),
  },
  {
    name: 'twice',
    keepsOrder: false,
    build: (events) => events.flatMap(twice),
    model: (events) => events.flatMap((event) => [...twice(event)]),
  },
  {
    name: 'rebalance',
    keepsOrder: false,
    build: (events) => events.rebalance(),
    model: (events) => [...events],
  },
  {
    name: 'split',
    keepsOrder: true,
    build(events) {
      const { low, rest } = events.split({ low: (event) => event.key < 2 });
      return low.map((event) => ({ ...event, v: event.v + 1 })).union(rest);
    },
    model: (events) => events.map((event) => (event.key < 2 ? { ...event, v: event.v + 1 } : event)),
  },
  {
    name: 'offload',
    keepsOrder: true,
    build: (events, name) => events.offload(name, async (event) => ({ ...event, v: event.v + 5 })),
    model: (events) => events.map((event) => ({ ...event, v: event.v + 5 })),
  },
];

function* twice(event: Event): Iterable<Event> {
  for (let copy = 0; copy < event.v % 3; copy += 1) yield { ...event, id: `${event.id}.${copy}`, v: event.v + copy };
}

export const KEYED: readonly Step[] = [
  {
    name: 'tumbling',
    keepsOrder: false,
    build: (events, name) =>
      totals(
        events
          .keyBy((event) => event.key)
          .window(tumbling(SIZE))
          .aggregate(name, (a) => ({ n: a.count(), sum: a.sum((event) => event.v) })),
      ),
    model: (events) => windowed(events, (at) => [Math.floor(at / SIZE) * SIZE], SIZE),
  },
  {
    name: 'sliding',
    keepsOrder: false,
    build: (events, name) =>
      totals(
        events
          .keyBy((event) => event.key)
          .window(sliding(SIZE, SLIDE))
          .aggregate(name, (a) => ({ n: a.count(), sum: a.sum((event) => event.v) })),
      ),
    model: (events) => windowed(events, slidingStarts, SIZE),
  },
  {
    name: 'session',
    keepsOrder: false,
    build: (events, name) =>
      totals(
        events
          .keyBy((event) => event.key)
          .window(session(GAP))
          .aggregate(name, (a) => ({ n: a.count(), sum: a.sum((event) => event.v) })),
      ),
    model: sessions,
  },
  { name: 'sorted', keepsOrder: false, build: sortedByTime, model: sortedModel },
  {
    name: 'pairs',
    keepsOrder: false,
    build: pairs,
    model(events) {
      const [even, odd] = [events.filter(({ v }) => v % 2 === 0), events.filter(({ v }) => v % 2 !== 0)];
      return even.flatMap((left) => odd.filter(({ key }) => key === left.key).map((right) => pair(left, right)));
    },
  },
];
