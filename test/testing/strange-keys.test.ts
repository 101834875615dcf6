/**
 * Keys and times of all sorts, through every keyed operator: what comes out is what comes out of plain keys, each in the place
 * of its own. Runs all of them every way, so keys also travel, are written and are restored.
 */
import {
  type AggregateBuilder,
  type Change,
  calendar,
  countWindow,
  cumulate,
  evictor,
  globalWindow,
  type Key,
  type PatternRule,
  type PatternStart,
  type Stream,
  session,
  sliding,
  state,
  trigger,
  tumbling,
} from 'millrace';
import { everyWay, harness, type Phase, type Step } from 'millrace/testing';
import t from 'tap';
import { compareKeys, sameKey } from '../../core/key.js';

t.setTimeout(300_000);

/** No two of them are equal. */
const KEYS: readonly Key[] = [
  null,
  Number.NaN,
  -0,
  1,
  1n,
  '1',
  '',
  true,
  '\ud800',
  '\ud801',
  Number.POSITIVE_INFINITY,
  2 ** 53,
  2n ** 70n,
  [],
  [1, 'a'],
  [[1], 'a'],
  [null, -0],
  '\u0000',
];

interface Event {
  readonly k: number;
  readonly n: number;
  readonly at: number;
}

/** Negative, equal and huge ones. */
const TIMES = [-8e15, -11, -10, -1, 0, 0, 3, 9, 10, 10, 25, 8e15];

const PATTERNS = {
  rise: (p: PatternStart<Event>, { to }: { to: number }) =>
    p
      .begin('low', (e) => e.at < 0)
      .followedBy('high', (e) => e.at > to)
      .within(20),
};

const RULE: PatternRule<typeof PATTERNS> = { id: 'rise', pattern: 'rise', params: { to: 5 } };

// biome-ignore lint/suspicious/noExplicitAny: of whatever records
type Keyed = (events: Stream<Event>, key: (event: Event) => Key) => Stream<any>;

const count = (a: AggregateBuilder<Event>) => ({ n: a.count() });

const OPERATORS: Readonly<Record<string, Keyed>> = {
  reduce: (s, key) => s.keyBy(key).reduce('x', (a, b) => ({ ...b, n: a.n + b.n })),
  aggregate: (s, key) => s.keyBy(key).aggregate('x', (a) => ({ n: a.count(), last: a.last((e) => e.at) })),
  tumbling: (s, key) => s.keyBy(key).window(tumbling(10)).aggregate('x', count),
  sliding: (s, key) => s.keyBy(key).window(sliding(20, 5)).aggregate('x', count),
  cumulating: (s, key) => s.keyBy(key).window(cumulate(20, 10)).aggregate('x', count),
  session: (s, key) => s.keyBy(key).window(session(5)).aggregate('x', count),
  count: (s, key) => s.keyBy(key).window(countWindow(3, 2)).aggregate('x', count),
  triggered: (s, key) =>
    s
      .keyBy(key)
      .window(globalWindow(), { trigger: trigger.purging(trigger.count(2)) })
      .aggregate('x', count),
  process: (s, key) =>
    s.keyBy(key).process('x', {
      state: { all: state.list<number>(), by: state.map<number, number>() },
      onRecord(e, ctx) {
        ctx.state.all.add(e.n);
        ctx.state.by.set(e.at, e.n);
        ctx.eventTimers.add(e.at);
        ctx.eventTimers.add(e.at);
      },
      // A timer that sets a timer.
      onTimer(time, ctx) {
        if (time === 25) ctx.eventTimers.add(26);
        return [{ key: ctx.key, time, all: ctx.state.all.get(), by: [...ctx.state.by.entries()] }];
      },
    }),
  topN: (s, key) => s.keyBy(key).topN('x', { n: 2, by: (e) => e.at }),
  deduplicate: (s, key) => s.keyBy(key).deduplicate('x', { keep: 'first', by: 'event-time' }),
  changes: (s, key) =>
    s
      .keyBy(key)
      .changes('x')
      .keyBy(({ record }: Change<Event>) => key(record))
      .aggregateChanges('y', (a) => ({ n: a.count(), sum: a.sum((e) => e.n) })),
  suppress: (s, key) => s.keyBy(key).suppress('x', { until: (e) => Math.ceil(e.at / 20) * 20 }),
  chunk: (s, key) =>
    s
      .keyBy(key)
      .chunk('x', 4, { within: '1s' })
      .map((all) => all.map(({ k, n }) => ({ k, n }))),
  'mini-batch': (s, key) =>
    s.keyBy(key).reduce('x', (a, b) => ({ ...b, n: a.n + b.n }), { miniBatch: { size: 1, delay: '1s' } }),
  mapAsync: (s, key) => s.keyBy(key).mapAsync('x', async (e) => e),
  match: (s, key) =>
    s
      .keyBy(key)
      .match('x', (p) => p.begin('low', (e) => e.at < 0).followedBy('high', (e) => e.at > 5))
      .matches.map(({ key, match }) => ({ key, low: match.low, high: match.high })),
  'match in time': (s, key) =>
    s
      .keyBy(key)
      .match('x', (p) =>
        p
          .begin('low', (e) => e.at < 0)
          .followedBy('high', (e) => e.at > 5)
          .within(20),
      )
      .matches.map(({ key, match }) => ({ key, low: match.low, high: match.high })),
  join: (s, key) => {
    const keyed = s.keyBy(key);
    return keyed.join('x', keyed, { within: [0, 9] }, (a, b) => ({ k: a.k, a: a.n, b: b.n }));
  },
  'outer join': (s, key) => {
    const keyed = s.keyBy(key);
    const later = s.filter((e) => e.at > 0).keyBy(key);
    return keyed.join('x', later, { within: [1, 9], type: 'full' }, (a, b) => ({ a: a?.n, b: b?.n, k: (a ?? b)?.k }));
  },
  'window join': (s, key) => {
    const keyed = s.keyBy(key);
    return keyed.join('x', keyed, { window: tumbling(10) }, (a, b) => ({ k: a.k, a: a.n, b: b.n }));
  },
  coGroup: (s, key) => {
    const keyed = s.keyBy(key);
    const later = s.filter((e) => e.at > 0).keyBy(key);
    return keyed.coGroup('x', later, { window: session(5) }, (key, { start, end }, all, some) => [
      { key, start, end, all: all.map(({ n }) => n), some: some.length },
    ]);
  },
  temporalJoin: (s, key) => {
    const keyed = s.keyBy(key);
    return keyed.temporalJoin('x', keyed, (e, version) => ({ k: e.k, n: e.n, version: version.n }));
  },
  connect: (s, key) => {
    const keyed = s.keyBy(key);
    return keyed.connect(keyed).process('x', {
      state: { sum: state.value({ initial: 0 }) },
      onFirst: ({ n }, ctx) => {
        ctx.state.sum.set(ctx.state.sum.get() + n);
        ctx.eventTimers.add(1e16);
      },
      onSecond: ({ n }, ctx) => ctx.state.sum.set(ctx.state.sum.get() + 100 * n),
      onTimer: (_time, ctx) => [{ key: ctx.key, sum: ctx.state.sum.get() }],
    });
  },
  broadcast: (s, key) =>
    s
      .keyBy(key)
      .connect(s.broadcast())
      .process('x', {
        broadcast: { sum: state.reducing<number>((a, b) => a + b) },
        state: { sum: state.value({ initial: 0 }) },
        onBroadcast: ({ n }, ctx) => ctx.broadcast.sum.add(n),
        onRecord: ({ n }, ctx) => {
          ctx.state.sum.set(ctx.state.sum.get() + n);
          ctx.eventTimers.add(1e16);
        },
        onTimer: (_time, ctx) => [{ key: ctx.key, own: ctx.state.sum.get(), all: ctx.broadcast.sum.get() }],
      }),
  'in two stages': (s, key) => s.keyBy(key).window(sliding(20, 5), { preAggregate: true }).aggregate('x', count),
  calendar: (s, key) =>
    s
      .keyBy(key)
      .window(calendar('day', { zone: 'Europe/Berlin' }))
      .aggregate('x', count),
  evicting: (s, key) =>
    s
      .keyBy(key)
      .window(cumulate(20, 10), { trigger: trigger.eventTime({ early: trigger.count(2) }), evictor: evictor.time(5) })
      .process('x', (key, { start, end }, all) => [{ key, start, end, all: all.map(({ n }) => n) }]),
  materialize: (s, key) =>
    s
      .keyBy(key)
      .changes('x')
      .keyBy(({ record }: Change<Event>) => key(record))
      .materialize('y'),
  matchDynamic: (s, key) =>
    s
      .keyBy(key)
      .matchDynamic('x', s.flatMap((e) => (e.k === 0 && e.n === 0 ? [RULE] : [])).broadcast(), PATTERNS)
      .matches.map(({ key, match }) => ({ key, match })),
  changelogJoin: (s, key) => {
    const keyed = s.keyBy(key);
    return keyed
      .changelogJoin('x', keyed, (a, b) => ({ k: a.k, n: a.n + b.n }))
      .map(({ kind, record }) => ({ kind, ...record }));
  },
};

/** Once event time has come to its end, these keep nothing: windows have closed, intervals are over, matches can't come. */
const LEAVES_NOTHING = [
  'tumbling',
  'sliding',
  'cumulating',
  'session',
  'suppress',
  'chunk',
  'mapAsync',
  'join',
  'outer join',
  'window join',
  'coGroup',
  'in two stages',
  'calendar',
  'evicting',
  'match in time',
];

/** A channel for each key, in the order of its records, with times that come in order. */
const INPUTS: readonly Phase[] = [
  KEYS.map((_, k): Step<Event>[] => [
    ...TIMES.slice(0, 7).map((at, n) => ({ record: { k, n, at }, at })),
    { watermark: 3 },
  ]),
  KEYS.map((_, k): Step<Event>[] => [
    ...TIMES.slice(7).map((at, n) => ({ record: { k, n: 7 + n, at }, at })),
    { watermark: 30 },
  ]),
];

/** The number of a key in place of it. */
function numbered(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const fields = Object.entries(value).map(([name, of]) => [name, name === 'key' ? numberOf(of) : numbered(of)]);
  return Object.fromEntries(fields);
}

const numberOf = (key: unknown): number => {
  const k = KEYS.findIndex((each) => sameKey(each, key));
  return k >= 0 ? k : Number(String(key).slice('plain '.length));
};

t.test('keys are told apart', async (t) => {
  for (const [at, key] of KEYS.entries())
    for (const other of KEYS.slice(at + 1)) t.notOk(sameKey(key, other) || compareKeys(key, other) === 0, `${at}`);
});

for (const [name, operator] of Object.entries(OPERATORS)) {
  t.test(name, async (t) => {
    const h = await harness((events: Stream<Event>) => operator(events, (e) => `plain ${e.k}`), {
      channels: KEYS.length,
    });
    for (const phase of INPUTS as readonly (readonly Step<Event>[])[][]) {
      for (const [channel, steps] of phase.entries())
        for (const step of steps)
          if (typeof step === 'object' && 'record' in step) h.send(step.record, { at: step.record.at, channel });
      const last = phase[0]?.at(-1) as { watermark: number };
      h.watermark(last.watermark);
      await h.settled();
    }
    h.end();
    await h.settled();
    const wanted = h.take().map(numbered);
    if (LEAVES_NOTHING.includes(name)) {
      for (const k of KEYS.keys()) t.strictSame(h.state(`plain ${k}`), {}, 'nothing is left of a key');
      t.strictSame(h.timers(), [], 'no timer is left');
    }
    await h.close();
    t.ok(wanted.length >= KEYS.length, `${wanted.length} results`);
    const report = await everyWay(
      (events: Stream<Event>) => operator(events, (e) => KEYS[e.k] as Key).map(numbered),
      INPUTS,
      wanted,
      { ways: 10 },
    );
    t.ok(report.kills > 3, `${report.kills} kills`);
  });

  t.test(`${name}: undefined is no key`, async (t) => {
    const h = await harness((events: Stream<Event>) => operator(events, () => undefined as never));
    t.throws(() => h.send({ k: 0, n: 0, at: 0 }, { at: 0 }), { code: 'MILL_KEY_INVALID' });
    await h.close();
  });
}
