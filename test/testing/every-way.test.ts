/**
 * The built-in keyed operators give the same answer every way: any interleaving, batch size and number of subtasks,
 * killed and restored anywhere. And the check itself finds what it is there to find.
 */
import { collect, fromIterable, job, type Stream, session, side, sliding, state, tumbling } from 'millrace';
import { everyWay, type Phase, type Step } from 'millrace/testing';
import t from 'tap';

interface Event {
  readonly key: string;
  readonly n: number;
}

const event = (key: string, n: number, at = n): Step<Event> => ({ record: { key, n }, at });
const upTo = (watermark: number): Step => ({ watermark });

/** Each key has a channel of its own: within it, order is kept. */
const BY_CHANNEL: readonly Phase[] = [
  [
    [event('a', 1), event('a', 2), event('b', 3), event('a', 4)],
    [event('c', 5), event('d', 6), event('c', 7)],
    [event('e', 8)],
  ],
];

t.test('reduce', async (t) => {
  const report = await everyWay(
    (events: Stream<Event>) => events.keyBy((e) => e.key).reduce('sums', (a, b) => ({ key: a.key, n: a.n + b.n })),
    BY_CHANNEL,
    [
      { key: 'a', n: 1 },
      { key: 'a', n: 3 },
      { key: 'a', n: 7 },
      { key: 'b', n: 3 },
      { key: 'c', n: 5 },
      { key: 'c', n: 12 },
      { key: 'd', n: 6 },
      { key: 'e', n: 8 },
    ],
  );
  t.ok(report.kills > 50 && report.rescales > 30 && report.snapshots > 100, JSON.stringify(report));
});

t.test('aggregate', async () => {
  await everyWay(
    (events: Stream<Event>) =>
      events
        .keyBy((e) => e.key)
        .aggregate('all', (a) => ({
          n: a.count(),
          sum: a.sum((e) => e.n),
          max: a.max((e) => e.n),
          mean: a.avg((e) => e.n),
        })),
    BY_CHANNEL,
    [
      { key: 'a', n: 1, sum: 1, max: 1, mean: 1 },
      { key: 'a', n: 2, sum: 3, max: 2, mean: 1.5 },
      { key: 'a', n: 3, sum: 7, max: 4, mean: 7 / 3 },
      { key: 'b', n: 1, sum: 3, max: 3, mean: 3 },
      { key: 'c', n: 1, sum: 5, max: 5, mean: 5 },
      { key: 'c', n: 2, sum: 12, max: 7, mean: 6 },
      { key: 'd', n: 1, sum: 6, max: 6, mean: 6 },
      { key: 'e', n: 1, sum: 8, max: 8, mean: 8 },
    ],
  );
});

t.test('process: values, lists, maps, timers in both times, side outputs', async () => {
  const build = (events: Stream<Event>) =>
    events
      .keyBy((e) => e.key)
      .process('process', {
        state: { last: state.value<number>(), all: state.list<number>(), by: state.map<number, string>() },
        sides: { odd: side<number>() },
        onRecord(e, ctx) {
          const before = ctx.state.last.get();
          ctx.state.last.set(e.n);
          ctx.state.all.add(e.n);
          ctx.state.by.set(e.n % 2, `${ctx.key}${e.n}`);
          ctx.eventTimers.add(100 + (e.n % 3));
          ctx.processingTimers.add(ctx.now() + 1_000);
          if (e.n % 2 === 1) ctx.side.odd(e.n);
          return before === undefined ? [] : [`${ctx.key}: ${e.n} after ${before}`];
        },
        onTimer(time, ctx) {
          if (time === 100) return [`${ctx.key} at ${time}`];
          ctx.state.last.clear();
          return [`${ctx.key} at ${time}: ${[...ctx.state.by.entries()].join()}`];
        },
        onProcessingTimer: (time, ctx) => [`${ctx.key} at ${time}: ${ctx.state.all.get().join()}`],
      });
  await everyWay(
    build,
    [
      [
        [event('a', 1), event('a', 2), upTo(50)],
        [event('b', 3), upTo(20)],
      ],
      { advance: 999 },
      [[upTo(101)], [event('b', 4), upTo(101)]],
      { advance: 1 },
      [[event('a', 5), upTo(200)], [upTo(200)]],
      { advance: 2_000 },
    ],
    {
      output: [
        'a: 2 after 1',
        'b: 4 after 3',
        'b at 100',
        'b at 101: 0,b4,1,b3',
        'a at 101: 0,a2,1,a1',
        'a at 1000: 1,2',
        'b at 1000: 3,4',
        'b at 1999: 3,4',
        'a at 102: 0,a2,1,a5',
        'a at 2000: 1,2,5',
      ],
      odd: [1, 3, 5],
    },
  );
});

t.test('connect', async () => {
  await everyWay(
    (left: Stream<Event>, right: Stream<Event>) =>
      left
        .keyBy((e) => e.key)
        .connect(right.keyBy((e) => e.key))
        .process('pairs', {
          state: { left: state.list<number>(), right: state.list<number>() },
          onFirst(e, ctx) {
            ctx.state.left.add(e.n);
            return ctx.state.right.get().map((n) => `${ctx.key}${e.n}-${n}`);
          },
          onSecond(e, ctx) {
            ctx.state.right.add(e.n);
            return ctx.state.left.get().map((n) => `${ctx.key}${n}-${e.n}`);
          },
        }),
    [
      {
        first: [[event('a', 1), event('b', 2)], [event('a', 3)]],
        second: [
          [event('a', 4), event('c', 5)],
          [event('b', 6), event('a', 7)],
        ],
      },
    ],
    ['a1-4', 'a1-7', 'a3-4', 'a3-7', 'b2-6'],
  );
});

/** Two channels, out of order; in the second phase what comes is late for some windows, in the third for all. */
const DISORDERED: readonly Phase[] = [
  [
    [event('a', 12), event('a', 3), event('b', 25), upTo(9), event('a', 21)],
    [event('b', 7), event('a', 14), event('c', 11), upTo(19)],
  ],
  [
    [event('a', 8), upTo(22)],
    [event('c', 28), upTo(30)],
  ],
  [[event('a', 16), event('a', 4)], []],
];

const row = (key: string, start: number, end: number, n: number) => ({ key, window: { start, end }, n });

t.test('tumbling windows, with late records', async () => {
  await everyWay(
    (events: Stream<Event>) =>
      events
        .keyBy((e) => e.key)
        .window(tumbling(10))
        .aggregate('tumbling', (a) => ({ n: a.count() })),
    DISORDERED,
    {
      output: [
        row('a', 0, 10, 1),
        row('b', 0, 10, 1),
        row('a', 10, 20, 2),
        row('c', 10, 20, 1),
        row('a', 20, 30, 1),
        row('b', 20, 30, 1),
        row('c', 20, 30, 1),
      ],
      late: [
        { key: 'a', n: 8 },
        { key: 'a', n: 16 },
        { key: 'a', n: 4 },
      ],
    },
  );
});

t.test('tumbling windows with lateness fire again', async () => {
  await everyWay(
    (events: Stream<Event>) =>
      events
        .keyBy((e) => e.key)
        .window(tumbling(10), { lateness: 10 })
        .reduce('latest', (a, b) => ({ key: a.key, n: a.n + b.n })),
    DISORDERED,
    {
      output: [
        { key: 'a', window: { start: 0, end: 10 }, value: { key: 'a', n: 3 } },
        { key: 'a', window: { start: 0, end: 10 }, value: { key: 'a', n: 11 } },
        { key: 'b', window: { start: 0, end: 10 }, value: { key: 'b', n: 7 } },
        { key: 'a', window: { start: 10, end: 20 }, value: { key: 'a', n: 26 } },
        { key: 'a', window: { start: 10, end: 20 }, value: { key: 'a', n: 42 } },
        { key: 'c', window: { start: 10, end: 20 }, value: { key: 'c', n: 11 } },
        { key: 'a', window: { start: 20, end: 30 }, value: { key: 'a', n: 21 } },
        { key: 'b', window: { start: 20, end: 30 }, value: { key: 'b', n: 25 } },
        { key: 'c', window: { start: 20, end: 30 }, value: { key: 'c', n: 28 } },
      ],
      late: [{ key: 'a', n: 4 }],
    },
  );
});

t.test('sliding windows, with late records', async () => {
  await everyWay(
    (events: Stream<Event>) =>
      events
        .keyBy((e) => e.key)
        .window(sliding(20, 10))
        .aggregate('sliding', (a) => ({ n: a.count() })),
    DISORDERED,
    {
      output: [
        row('a', -10, 10, 1),
        row('b', -10, 10, 1),
        row('a', 0, 20, 4),
        row('b', 0, 20, 1),
        row('c', 0, 20, 1),
        row('a', 10, 30, 4),
        row('c', 10, 30, 2),
        row('b', 10, 30, 1),
        row('a', 20, 40, 1),
        row('b', 20, 40, 1),
        row('c', 20, 40, 1),
      ],
      late: [{ key: 'a', n: 4 }],
    },
  );
});

t.test('sessions, with late records', async () => {
  await everyWay(
    (events: Stream<Event>) =>
      events
        .keyBy((e) => e.key)
        .window(session(6))
        .process('session', (key, window, records) => [
          `${key} ${window.start}-${window.end}: ${records
            .map((e) => e.n)
            .sort((a, b) => a - b)
            .join()}`,
        ]),
    [
      [
        [event('a', 12), event('a', 3), event('b', 25), upTo(5), event('a', 21)],
        [event('b', 7), event('a', 14), event('c', 11), upTo(4)],
      ],
      [[upTo(22)], [event('c', 28), upTo(30)]],
      [[event('a', 24), event('a', 4)], [event('b', 2)]],
    ],
    {
      output: [
        'a 3-9: 3',
        'a 12-20: 12,14',
        'b 7-13: 7',
        'c 11-17: 11',
        'a 21-30: 21,24',
        'b 25-31: 25',
        'c 28-34: 28',
      ],
      late: [
        { key: 'a', n: 4 },
        { key: 'b', n: 2 },
      ],
    },
  );
});

t.test('a whole job, with a function on the pool and two sources', async () => {
  const definition = job('whole', (j) => {
    const a = j.from('left', fromIterable<Event>([])).eventTime((e) => e.n, { outOfOrder: 5 });
    const b = j.from('right', fromIterable<Event>([])).eventTime((e) => e.n);
    a.union(b)
      .offload('double', (e) => ({ ...e, n: e.n * 2 }))
      .keyBy((e) => e.key)
      .window(tumbling(10))
      .aggregate('sums', (s) => ({ sum: s.sum((e) => e.n) }))
      .to('out', collect());
  });
  await everyWay(
    definition,
    [
      {
        left: [[event('a', 1), event('b', 14)], [event('a', 3)]],
        right: [[event('a', 2)], [event('b', 11), event('b', 12)]],
      },
    ],
    {
      out: [
        { key: 'a', window: { start: 0, end: 10 }, sum: 12 },
        { key: 'b', window: { start: 10, end: 20 }, sum: 74 },
      ],
    },
    { ways: 60 },
  );
});

const MISTAKES: Record<string, (events: Stream<Event>) => Stream<unknown>> = {
  'memory outside of state': (events) => {
    const seen = new Map<string, number>();
    return events
      .keyBy((e) => e.key)
      .process('outside', {
        onRecord(e, ctx) {
          seen.set(ctx.key, (seen.get(ctx.key) ?? 0) + e.n);
          return [{ key: ctx.key, n: seen.get(ctx.key) as number }];
        },
      });
  },
  'a value changed and not set': (events) =>
    events
      .keyBy((e) => e.key)
      .process('unset', {
        state: { sums: state.value<{ n: number }>() },
        onRecord(e, ctx) {
          const sums = ctx.state.sums.get();
          if (sums) sums.n += e.n;
          else ctx.state.sums.set({ n: e.n });
          return [{ key: ctx.key, n: (sums ?? e).n }];
        },
      }),
  'an answer that depends on the subtask': (events) => {
    let records = 0;
    return events
      .keyBy((e) => e.key)
      .process('counting', {
        onRecord(e, ctx) {
          records += 1;
          return [{ key: ctx.key, n: records > 8 ? -1 : e.n }];
        },
      });
  },
};

const SUMS = [
  ['a', 1],
  ['a', 3],
  ['a', 7],
  ['b', 3],
  ['c', 5],
  ['c', 12],
  ['d', 6],
  ['e', 8],
].map(([key, n]) => ({ key, n }));

for (const [name, build] of Object.entries(MISTAKES)) {
  t.test(`found: ${name}`, async (t) => {
    await t.rejects(everyWay(build, BY_CHANNEL, SUMS), {
      message: /^way \d+ \(batches of \d+, \d subtasks.*\): output lacks .* and has .* instead$/,
    });
  });
}

t.test('a way can be repeated by its number', async (t) => {
  const build = MISTAKES['memory outside of state'] as (events: Stream<Event>) => Stream<unknown>;
  const failureOf = async (options: object): Promise<string> =>
    everyWay(build, BY_CHANNEL, SUMS, options).then(
      () => 'none',
      (error: Error) => error.message,
    );
  const first = await failureOf({});
  const way = Number(/^way (\d+)/.exec(first)?.[1]);
  t.equal(await failureOf({ from: way, ways: 1 }), first);
});
