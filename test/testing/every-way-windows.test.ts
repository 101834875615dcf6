/**
 * Windows with triggers and evictors, of the calendar and of so many records give the same answer every way: any
 * interleaving, batch size and number of subtasks, killed and restored anywhere, with restored watermarks and lateness.
 */
import fc from 'fast-check';
import { calendar, countWindow, type Stream, tumbling, type WindowAssigner, type WindowOptions } from 'millrace';
import { everyWay, type Phase, type Step } from 'millrace/testing';
import t from 'tap';
import { TriggerModel } from '../operators/trigger-model.js';
import { evictorOf, evictors, mayMerge, triggerOf, triggers, windows } from '../operators/trigger-scenarios.js';
import type { Event } from '../operators/window-model.js';

t.setTimeout(120_000);

const SCENARIOS = 1_000;
/** Each goes one way. */
const way = fc.nat(1_000_000);

const time = fc.integer({ min: -10, max: 30 });
/** Records of each key, in order; then how far the watermark and the clock go. */
const phases = fc.array(
  fc.record({
    a: fc.array(time, { maxLength: 5 }),
    b: fc.array(time, { maxLength: 5 }),
    watermark: fc.integer({ min: 1, max: 15 }),
    clock: fc.integer({ min: 1, max: 12 }),
  }),
  { minLength: 1, maxLength: 5 },
);

const scenarios = fc
  .record({
    windows,
    time: fc.constantFrom('event' as const, 'event' as const, 'processing' as const),
    lateness: fc.nat({ max: 15 }),
    trigger: triggers,
    evictor: evictors,
    phases,
    way,
  })
  .filter(({ windows: { assigner }, trigger }) => assigner.kind !== 'session' || mayMerge(trigger));

function build(assigner: WindowAssigner<Event>, options: WindowOptions<Event>) {
  return (events: Stream<Event>) =>
    events
      .keyBy((e) => e.key)
      .window(assigner, options)
      .process('windows', (key, { start, end }, records, { firing }) => [
        { key, start, end, ids: records.map(({ id }) => id), firing },
      ]);
}

t.test('windows with triggers and evictors', async (t) => {
  let kills = 0;
  let rescales = 0;
  const property = fc.asyncProperty(scenarios, async (scenario) => {
    const { assign, assigner } = scenario.windows;
    const lateness = scenario.time === 'event' ? scenario.lateness : 0;
    const model = new TriggerModel({ ...scenario, assign, lateness });
    const inputs: Phase[] = [];
    let id = 0;
    let watermark = -11;
    for (const phase of scenario.phases) {
      watermark += phase.watermark;
      const channels = (['a', 'b'] as const).map((key): Step<Event>[] => [
        ...phase[key].map((at) => {
          id += 1;
          const record = { key, time: at, id };
          model.record(record);
          return { record, at };
        }),
        { watermark },
      ]);
      model.advance(watermark);
      model.moveTo(model.now + phase.clock);
      inputs.push(channels, { advance: phase.clock });
    }
    model.advance(Number.POSITIVE_INFINITY);
    const options: WindowOptions<Event> = {
      time: scenario.time,
      lateness,
      trigger: triggerOf(scenario.trigger),
      ...(scenario.evictor && { evictor: evictorOf(scenario.evictor) }),
    };
    const report = await everyWay(build(assigner, options), inputs, model.fired, { ways: 1, from: scenario.way });
    kills += report.kills;
    rescales += report.rescales;
  });
  const { failed, numRuns, seed } = await fc.check(property, { numRuns: SCENARIOS });
  if (failed) await fc.assert(property, { numRuns: SCENARIOS, seed });
  t.equal(numRuns, SCENARIOS, `seed ${seed}`);
  t.ok(kills > SCENARIOS && rescales > SCENARIOS / 2, `${kills} kills, ${rescales} rescales`);
});

/** Of windows that may be made in two stages. */
const aligned = windows.filter(({ assigner: { kind } }) => kind !== 'session' && kind !== 'global');

const twoStages = fc.record({ windows: aligned, lateness: fc.nat({ max: 15 }), phases, way });

/** Records of both keys on two channels, and what windows over all of them, or over each key, count. */
function counted({
  windows: { assign },
  lateness,
  phases,
}: typeof twoStages extends fc.Arbitrary<infer S> ? S : never) {
  const event = { kind: 'event' } as const;
  const options = { assign, lateness, time: 'event', trigger: event, evictor: undefined } as const;
  const all = new TriggerModel(options);
  const each = new TriggerModel(options);
  const inputs: Phase[] = [];
  let watermark = -11;
  for (const phase of phases) {
    watermark += phase.watermark;
    const channels = (['a', 'b'] as const).map((key): Step<Event>[] => [
      ...phase[key].map((at, id) => {
        all.record({ key: '', time: at, id });
        each.record({ key, time: at, id });
        return { record: { key, time: at, id }, at };
      }),
      { watermark },
    ]);
    all.advance(watermark);
    each.advance(watermark);
    inputs.push(channels);
  }
  all.advance(Number.POSITIVE_INFINITY);
  each.advance(Number.POSITIVE_INFINITY);
  return { inputs, all, each };
}

t.test('windows in two stages', async (t) => {
  let kills = 0;
  const property = fc.asyncProperty(twoStages, async (scenario) => {
    const { inputs, all, each } = counted(scenario);
    const { lateness, way } = scenario;
    const { assigner } = scenario.windows;
    const overAll = (events: Stream<Event>) =>
      events.windowAll(assigner, { lateness }).aggregate('all', (a) => ({ n: a.count() }));
    const perKey = (events: Stream<Event>) =>
      events
        .keyBy((e) => e.key)
        .window(assigner, { lateness, preAggregate: true })
        .aggregate('each', (a) => ({ n: a.count() }));
    const allRows = all.fired.map(({ start, end, ids }) => ({ window: { start, end }, n: ids.length }));
    const rows = each.fired.map(({ key, start, end, ids }) => ({ key, window: { start, end }, n: ids.length }));
    kills += (await everyWay(overAll, inputs, allRows, { ways: 1, from: way })).kills;
    kills += (await everyWay(perKey, inputs, rows, { ways: 1, from: way })).kills;
  });
  const { failed, numRuns, seed } = await fc.check(property, { numRuns: SCENARIOS });
  if (failed) await fc.assert(property, { numRuns: SCENARIOS, seed });
  t.equal(numRuns, SCENARIOS, `seed ${seed}`);
  t.ok(kills > SCENARIOS, `${kills} kills`);
});

t.test('windows over all records, in two stages and in one: what is late, and what functions get', async () => {
  const step = (id: number, at: number): Step => ({ record: { key: 'a', time: at, id }, at });
  const inputs: Phase[] = [
    [
      [step(1, 1), step(2, 12), { watermark: 9 }],
      [step(3, 3), { watermark: 9 }],
    ],
    [[step(4, 5), { watermark: 19 }], [{ watermark: 19 }]],
  ];
  const late = [{ key: 'a', time: 5, id: 4 }];
  const windowed = (events: Stream<Event>) => events.windowAll(tumbling(10));
  await everyWay((events) => windowed(events).aggregate('sum', (a) => ({ sum: a.sum((e) => e.id) })), inputs, {
    output: [
      { window: { start: 0, end: 10 }, sum: 4 },
      { window: { start: 10, end: 20 }, sum: 2 },
    ],
    late,
  });
  await everyWay((events) => windowed(events).reduce('greatest', (a, b) => (a.id > b.id ? a : b)), inputs, {
    output: [
      { window: { start: 0, end: 10 }, value: { key: 'a', time: 3, id: 3 } },
      { window: { start: 10, end: 20 }, value: { key: 'a', time: 12, id: 2 } },
    ],
    late,
  });
  await everyWay(
    (events) =>
      windowed(events).process('ids', ({ start }, records) => [{ start, ids: records.map(({ id }) => id).sort() }]),
    inputs,
    {
      output: [
        { start: 0, ids: [1, 3] },
        { start: 10, ids: [2] },
      ],
      late,
    },
  );
});

/** One channel falls idle, the other's event time goes on, and then records come that are late by that alone. */
const IDLE: readonly Phase[] = [
  [
    [{ record: { key: 'a', time: 1, id: 1 }, at: 1 }, { watermark: 3 }, 'idle'],
    [{ record: { key: 'a', time: 2, id: 2 }, at: 2 }],
  ],
  [[], [{ watermark: 54 }]],
  [
    [
      'active',
      { record: { key: 'a', time: 5, id: 3 }, at: 5 },
      { record: { key: 'a', time: 47, id: 4 }, at: 47 },
      { record: { key: 'a', time: 47, id: 5 }, at: 47 },
      { record: { key: 'a', time: 58, id: 6 }, at: 58 },
      { watermark: 48 },
      { record: { key: 'a', time: 49, id: 7 }, at: 49 },
    ],
    [],
  ],
];

t.test('windows in two stages, where a channel was idle and comes back', async () => {
  const output = [
    { window: { start: 0, end: 10 }, ids: 3 },
    { window: { start: 40, end: 50 }, ids: 4 },
    { window: { start: 40, end: 50 }, ids: 9 },
    { window: { start: 40, end: 50 }, ids: 16 },
    { window: { start: 50, end: 60 }, ids: 6 },
  ];
  const late = [{ key: 'a', time: 5, id: 3 }];
  const options = { lateness: 10 };
  const overAll = (events: Stream<Event>) =>
    events.windowAll(tumbling(10), options).aggregate('all', (a) => ({ ids: a.sum((e) => e.id) }));
  const { rescales } = await everyWay(overAll, IDLE, { output, late });
  t.ok(rescales > 10, `${rescales} rescales`);
  const perKey = (events: Stream<Event>) =>
    events
      .keyBy((e) => e.key)
      .window(tumbling(10), { ...options, preAggregate: true })
      .aggregate('each', (a) => ({ ids: a.sum((e) => e.id) }));
  await everyWay(perKey, IDLE, { output: output.map((row) => ({ key: 'a', ...row })), late });
});

const BY_KEY: readonly Phase[] = [
  [
    [1, 2, 3, 4, 5].map((n) => ({ record: { key: 'a', id: n, time: n }, at: n })),
    [6, 7, 8].map((n) => ({ record: { key: 'b', id: n, time: n }, at: n })),
  ],
  [[9, 10].map((n) => ({ record: { key: 'a', id: n, time: n }, at: n })), []],
];

t.test('windows of so many records', async () => {
  const windowed = (events: Stream<Event>) =>
    events
      .keyBy((e) => e.key)
      .window(countWindow(3, 2))
      .aggregate('counted', (a) => ({ ids: a.collect((e) => e.id) }));
  await everyWay(windowed, BY_KEY, [
    { key: 'a', window: { start: 0, end: 2 }, ids: [1, 2] },
    { key: 'a', window: { start: 1, end: 4 }, ids: [2, 3, 4] },
    { key: 'a', window: { start: 3, end: 6 }, ids: [4, 5, 9] },
    { key: 'b', window: { start: 0, end: 2 }, ids: [6, 7] },
  ]);
});

const HOUR = 3_600_000;
/** Midnight in Berlin, before the day on which clocks go forward. */
const SUNDAY = Date.parse('2026-03-28T23:00Z');

t.test('days of a time zone, fired on time and late', async () => {
  const click = (key: string, at: number): Step => ({ record: { key, id: 1, time: at }, at });
  const windowed = (events: Stream<Event>) =>
    events
      .keyBy((e) => e.key)
      .window(calendar('day', { zone: 'Europe/Berlin' }), { lateness: '1h' })
      .aggregate('days', (a) => ({ n: a.count() }));
  const sunday = { start: SUNDAY, end: SUNDAY + 23 * HOUR };
  await everyWay(
    windowed,
    [
      [
        [
          click('a', SUNDAY),
          click('a', SUNDAY + 23 * HOUR - 1),
          click('a', SUNDAY - 1),
          { watermark: SUNDAY + 23 * HOUR },
        ],
        [click('b', SUNDAY + 23 * HOUR), { watermark: SUNDAY + 23 * HOUR }],
      ],
      [[click('a', SUNDAY + HOUR), click('a', SUNDAY - HOUR)], []],
    ],
    {
      output: [
        { key: 'a', window: { start: SUNDAY - 24 * HOUR, end: SUNDAY }, n: 1 },
        { key: 'a', window: sunday, n: 2 },
        { key: 'a', window: sunday, n: 3 },
        { key: 'b', window: { start: SUNDAY + 23 * HOUR, end: SUNDAY + 47 * HOUR }, n: 1 },
      ],
      late: [{ key: 'a', id: 1, time: SUNDAY - HOUR }],
    },
  );
});
