/** Windows with triggers and evictors, and windows of so many records, against naive models over random streams. */
import fc from 'fast-check';
import t from 'tap';
import { TIME_MAX } from '../../core/time.js';
import { aggregateBuilder } from '../../operators/aggregate/aggregates.js';
import {
  countWindow,
  cumulate,
  globalWindow,
  session,
  tumbling,
  type Window,
} from '../../operators/window/assigners.js';
import { type Evictor, evictor } from '../../operators/window/evictors.js';
import type { Trigger } from '../../operators/window/trigger.js';
import { trigger } from '../../operators/window/triggers.js';
import {
  checkTimeWindows,
  checkWindows,
  type WindowSpec,
  windowFactory,
} from '../../operators/window/window-factory.js';
import { aggregateFold, elementsFold, reduceFold } from '../../operators/window/window-fold.js';
import { Drive } from './drive.js';
import { type ModelFired, TriggerModel } from './trigger-model.js';
import { evictorOf, evictors, mayMerge, triggerOf, triggers, windows } from './trigger-scenarios.js';
import type { Event } from './window-model.js';

const CASES = 2_000;

type Step =
  | { readonly kind: 'records'; readonly events: readonly { readonly key: string; readonly time: number }[] }
  | { readonly kind: 'advance'; readonly by: number }
  | { readonly kind: 'move'; readonly by: number }
  | { readonly kind: 'restart' };

const event = fc.record({ key: fc.constantFrom('a', 'b'), time: fc.integer({ min: -20, max: 40 }) });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(event, { minLength: 1, maxLength: 5 }).map((events) => ({ kind: 'records', events }) as const),
  },
  { weight: 3, arbitrary: fc.nat({ max: 12 }).map((by): Step => ({ kind: 'advance', by })) },
  { weight: 2, arbitrary: fc.nat({ max: 12 }).map((by): Step => ({ kind: 'move', by })) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' } as const) },
);

const scenarios = fc.record({
  windows,
  time: fc.constantFrom('event' as const, 'event' as const, 'processing' as const),
  lateness: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20 })),
  trigger: triggers,
  evictor: evictors,
  capacity: fc.constantFrom(1, 2, 1_000),
  process: fc.boolean(),
  steps: fc.array(anyStep, { maxLength: 40 }),
});

type Scenario = typeof scenarios extends fc.Arbitrary<infer S> ? S : never;

interface Result {
  readonly key: string;
  readonly window: Window;
  readonly ids: readonly number[];
  readonly firing?: string;
}

const a = aggregateBuilder<Event>();
const asAggregate = aggregateFold({ ids: a.collect((e) => e.id) });
const asProcess = elementsFold<Event, Result>((key, window, records, { firing }) => [
  { key: key as string, window, ids: records.map(({ id }) => id), firing },
]);

function check(scenario: Scenario): void {
  const { steps, capacity, process, evictor: evicting } = scenario;
  const { assigner, assign } = scenario.windows;
  const { time, trigger: kind } = scenario;
  const latenessMs = time === 'event' ? scenario.lateness : 0;
  const spec = {
    assigner,
    latenessMs,
    time,
    trigger: triggerOf(kind) as Trigger<never>,
    evictor: evicting && (evictorOf(evicting) as Evictor<never>),
  };
  if (assigner.kind === 'session' && !mayMerge(kind)) {
    try {
      checkWindows(spec);
    } catch {
      return;
    }
    throw new Error('a trigger that cannot merge was let pass');
  }
  checkWindows(spec);
  const factory = windowFactory({ ...spec, fold: process ? asProcess : asAggregate });
  const drive = new Drive((context) => factory(context, []), capacity);
  const model = new TriggerModel({ assign, time, lateness: latenessMs, trigger: kind, evictor: evicting });
  let watermark = -21;
  let id = 0;
  const compare = (what: string): void => {
    const found = drive.out.splice(0).map(({ record, timestamp }) => {
      const { key, window, ids, firing } = record as Result;
      if (assign !== 'global' && timestamp !== window.end - 1) throw new Error(`stamped ${timestamp}`);
      return { key, ...window, ids, ...(process ? { firing } : {}) };
    });
    const wanted = model.fired.splice(0).map(({ firing, ...fired }: ModelFired) => ({
      ...fired,
      ...(process ? { firing } : {}),
    }));
    same(`${what}: fired`, found, wanted);
    const late = (drive.sides.get('late') ?? []).splice(0).map(({ record }) => (record as Event).id);
    same(`${what}: late`, late, model.late.splice(0));
  };
  const ending: readonly Step[] = [
    { kind: 'move', by: 100 },
    { kind: 'advance', by: TIME_MAX },
  ];
  for (const one of [...steps, ...ending]) {
    if (one.kind === 'restart') drive.restart();
    else if (one.kind === 'advance') {
      watermark += one.by;
      drive.advance(watermark);
      model.advance(watermark);
      compare(`watermark ${watermark}`);
    } else if (one.kind === 'move') {
      drive.moveTo(drive.now + one.by);
      model.moveTo(drive.now);
      compare(`clock ${drive.now}`);
    } else {
      const first = id;
      id += one.events.length;
      const events = one.events.map((made, at) => ({ ...made, id: first + at }));
      drive.records(events.map((record) => ({ record, key: record.key, timestamp: record.time })));
      for (const made of events) model.record(made);
      compare(`records at ${watermark}`);
    }
  }
  if (model.isEmpty) same('state that is left', [...drive.state.rows()], []);
}

function same(what: string, found: unknown, wanted: unknown): void {
  const [left, right] = [fc.stringify(found), fc.stringify(wanted)];
  if (left !== right) throw new Error(`${what}: ${left}, not ${right}`);
}

t.test('triggers and evictors against the model', (t) => {
  const property = fc.property(scenarios, check);
  const { failed, numRuns, seed } = fc.check(property, { numRuns: CASES });
  if (failed) fc.assert(property, { numRuns: CASES, seed });
  t.equal(numRuns, CASES, `seed ${seed}`);
  t.end();
});

const counted = fc.record({
  size: fc.integer({ min: 1, max: 12 }),
  slide: fc.integer({ min: 1, max: 15 }),
  keys: fc.array(fc.constantFrom('a', 'b', null), { maxLength: 80 }),
  capacity: fc.constantFrom(1, 2, 1_000),
  process: fc.boolean(),
  restarts: fc.array(fc.nat({ max: 79 }), { maxLength: 4 }),
});

t.test('windows of so many records', (t) => {
  const property = fc.property(counted, ({ size, slide, keys, capacity, process, restarts }) => {
    const assigner = countWindow(size, slide);
    const factory = windowFactory({ assigner, latenessMs: 0, fold: process ? asProcess : asAggregate });
    const drive = new Drive((context) => factory(context, []), capacity);
    const seen = new Map<unknown, number[]>();
    const wanted: unknown[] = [];
    for (const [id, key] of keys.entries()) {
      if (restarts.includes(id)) drive.restart();
      drive.records([{ record: { id, key, time: id }, key, timestamp: id }]);
      const ids = [...(seen.get(key) ?? []), id];
      seen.set(key, ids);
      if (ids.length % slide !== 0) continue;
      const start = Math.max(0, ids.length - size);
      wanted.push({ key, window: { start, end: ids.length }, ids: ids.slice(start), timestamp: id });
    }
    const found = drive.out.map(({ record, timestamp }) => {
      const { key, window, ids } = record as Result;
      return { key, window, ids, timestamp };
    });
    same('windows', found, wanted);
  });
  const { failed, numRuns, seed } = fc.check(property, { numRuns: CASES });
  if (failed) fc.assert(property, { numRuns: CASES, seed });
  t.equal(numRuns, CASES, `seed ${seed}`);
  t.end();
});

t.test('what does not go together', (t) => {
  const invalid = { code: 'MILL_OPTION_INVALID' };
  const base = { assigner: tumbling(10), latenessMs: 0 };
  t.throws(() => checkWindows({ ...base, assigner: countWindow(3), trigger: trigger.count(2) }), invalid);
  t.throws(() => checkWindows({ ...base, assigner: countWindow(3), latenessMs: 5 }), invalid);
  t.throws(() => checkWindows({ ...base, time: 'processing', latenessMs: 5 }), invalid);
  t.throws(() => checkWindows({ ...base, time: 'wall' as 'event' }), invalid);
  t.throws(() => checkWindows({ ...base, assigner: session(5), trigger: trigger.delta(1, () => 0) }), invalid);
  for (const assigner of [undefined, null, '1h', {}, { kind: 'hopping' }])
    t.throws(() => checkWindows({ ...base, assigner: assigner as never }), invalid);
  for (const each of [trigger.count, 'count', { name: 'none' }])
    t.throws(() => checkWindows({ ...base, trigger: each as never }), invalid);
  t.throws(() => checkTimeWindows({ ...base, assigner: countWindow(3) as never }), invalid);
  t.throws(() => checkTimeWindows({ ...base, assigner: globalWindow() as never }), invalid);
  t.throws(() => checkTimeWindows({ ...base, assigner: undefined as never }), invalid);
  t.throws(() => countWindow(0), invalid);
  t.throws(() => countWindow(3, 1.5), invalid);
  t.throws(() => cumulate(10, 3), invalid);
  t.throws(() => trigger.count(0), invalid);
  t.throws(() => trigger.every(0), invalid);
  t.throws(() => trigger.delta(Number.NaN, () => 0), invalid);
  t.throws(() => evictor.count(-1), invalid);
  t.throws(() => evictor.time(1, { when: 'never' as 'after' }), invalid);
  t.end();
});

t.test('a gap that is none', (t) => {
  for (const gap of [0, -1, 1.5, Number.NaN, undefined as never, '1x' as never]) {
    const factory = windowFactory({ assigner: session(() => gap), latenessMs: 0, fold: asAggregate });
    const drive = new Drive((context) => factory(context, []), 10);
    t.throws(() => drive.records([{ record: {}, key: 'k', timestamp: 1 }]), { code: 'MILL_FUNCTION_FAILED' });
  }
  t.end();
});

t.test('a trigger that fails leaves the record to be skipped, and other keys alone', (t) => {
  const picky: Trigger<Event> = {
    name: 'picky',
    onRecord(record, _timestamp, context) {
      if (record.id === 13) throw new Error('not 13');
      context.addEventTimer(context.window.end - 1);
      return 'continue';
    },
    onEventTime(_time, context) {
      context.state = 'seen';
      throw new Error('not now');
    },
  };
  const factory = windowFactory({ assigner: tumbling(10), latenessMs: 0, trigger: picky, fold: asAggregate });
  const drive = new Drive((context) => factory(context, []), 10);
  t.throws(() => drive.records([{ record: { id: 13 }, key: 'k', timestamp: 1 }]));
  drive.skips = true;
  drive.records([{ record: { id: 1 }, key: 'k', timestamp: 1 }]);
  drive.records([{ record: { id: 1 }, key: 'l', timestamp: 1 }]);
  drive.advance(TIME_MAX);
  t.match(drive.rejected, [
    { code: 'MILL_FUNCTION_FAILED', key: 'k' },
    { code: 'MILL_FUNCTION_FAILED', key: 'l' },
  ]);
  t.same([...drive.state.rows()], []);
  t.end();
});

t.test('windows that do not end in event time take records when that is over', (t) => {
  const spec = { latenessMs: 0, fold: asAggregate, trigger: trigger.count(1) as Trigger<never> };
  for (const kind of [{ assigner: globalWindow() }, { assigner: tumbling(10), time: 'processing' as const }]) {
    const drive = new Drive((context) => windowFactory({ ...spec, ...kind })(context, []), 10);
    drive.advance(TIME_MAX);
    drive.records([{ record: { id: 1 }, key: 'k', timestamp: 1 }]);
    t.match(drive.out, [{ record: { ids: [1] } }]);
    t.same(drive.sides.get('late') ?? [], []);
  }
  t.end();
});

t.test('windows of which an evictor leaves nothing', (t) => {
  const results = (fold: WindowSpec['fold']): unknown[] => {
    const spec = { assigner: tumbling(10), latenessMs: 0, fold, evictor: evictor.count<never>(0) };
    const drive = new Drive((context) => windowFactory(spec)(context, []), 10);
    drive.records([{ record: { id: 1 }, key: 'k', timestamp: 1 }]);
    drive.advance(TIME_MAX);
    return drive.out.map(({ record }) => record);
  };
  const of = { key: 'k', window: { start: 0, end: 10 } };
  t.same(results(asAggregate), [{ ...of, ids: [] }]);
  t.same(results(asProcess), [{ ...of, ids: [], firing: 'on-time' }]);
  t.same(results(reduceFold((one: Event) => one)), [], 'there is no record to give');
  t.end();
});

t.test('a record that fails leaves no window that stays', (t) => {
  const onMerge: Trigger<Event> = {
    name: 'fails to merge',
    onRecord: () => 'continue',
    onMerge() {
      throw new Error('no merging');
    },
  };
  const bad = elementsFold<Event, unknown>(() => []);
  const add = (acc: Event[], record: Event): Event[] => {
    if (record.id === 13) throw new Error('not 13');
    return bad.add(acc, record);
  };
  for (const assigner of [tumbling(10), cumulate(10, 5), session(10)]) {
    for (const each of [trigger.count<Event>(2), trigger.eventTime<Event>(), onMerge]) {
      for (const latenessMs of [0, 7]) {
        const spec = { assigner, latenessMs, trigger: each as Trigger<never>, fold: { ...bad, add } };
        const drive = new Drive((context) => windowFactory(spec)(context, []), 10);
        const send = (id: number, timestamp: number): void => {
          try {
            drive.records([{ record: { id }, key: 'k', timestamp }]);
          } catch {
            // The job lets it pass.
          }
        };
        send(13, 1);
        drive.restart();
        send(1, 20);
        send(2, 25);
        send(13, 27);
        drive.advance(30 + 17);
        t.same([...drive.state.rows()], [], `${assigner.kind}, ${each.name}, lateness ${latenessMs}`);
      }
    }
  }
  t.end();
});

t.test('timers of a trigger for times that are none', (t) => {
  for (const time of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const bad: Trigger<Event> = { name: 'bad', onRecord: (_record, _at, context) => void context.addEventTimer(time) };
    const factory = windowFactory({ assigner: globalWindow(), latenessMs: 0, trigger: bad, fold: asAggregate });
    const drive = new Drive((context) => factory(context, []), 10);
    t.throws(() => drive.records([{ record: {}, key: 'k', timestamp: 1 }]), { code: 'MILL_TIMESTAMP_INVALID' });
  }
  t.end();
});
