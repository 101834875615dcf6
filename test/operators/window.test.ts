/** Window operators against a naive model, over random streams, and by hand where a rule has a sharp edge. */
import fc from 'fast-check';
import t from 'tap';
import { TIME_MAX, TIME_MIN } from '../../core/time.js';
import { aggregateBuilder } from '../../operators/aggregate/aggregates.js';
import type { Operator, OperatorContext } from '../../operators/operator.js';
import {
  cumulate,
  session,
  sliding,
  type TimeWindows,
  tumbling,
  type Window,
} from '../../operators/window/assigners.js';
import { SessionOperator } from '../../operators/window/session-operator.js';
import { aggregateFold, elementsFold, reduceFold, type WindowFold } from '../../operators/window/window-fold.js';
import { WindowOperator } from '../../operators/window/window-operator.js';
import { Drive } from './drive.js';
import { type Assign, type Event, type Fired, WindowModel } from './window-model.js';

const CASES = 1_500;

// biome-ignore lint/suspicious/noExplicitAny: folds of every accumulator
type AnyFold = WindowFold<any, any, any>;

function operatorOf(context: OperatorContext, assigner: TimeWindows, latenessMs: number, fold: AnyFold): Operator {
  if (assigner.kind === 'session') return new SessionOperator({ context, assigner, latenessMs, fold });
  return new WindowOperator({ context, assigner, latenessMs, fold });
}

const a = aggregateBuilder<Event>();
const PARTS = { count: a.count(), sum: a.sum((e) => e.id), worst: a.max((e) => e.time), ids: a.collect((e) => e.id) };

/** A fold, and how its outputs read as the model's. */
interface Shape {
  readonly name: string;
  readonly fold: () => AnyFold;
  read(outputs: readonly unknown[]): readonly Fired[];
}

const sorted = (ids: readonly number[]): number[] => ids.toSorted((x, y) => x - y);

interface Aggregated {
  readonly key: string;
  readonly window: Window;
  readonly count: number;
  readonly sum: number;
  readonly ids: readonly number[];
}

const SHAPES: readonly Shape[] = [
  {
    name: 'aggregate',
    fold: () => aggregateFold(PARTS),
    read: (outputs) =>
      (outputs as Aggregated[]).map(({ key, window, count, sum, ids }) => {
        if (count !== ids.length || sum !== ids.reduce((x, y) => x + y, 0)) throw new Error('parts disagree');
        return { key, ...window, ids: sorted(ids) };
      }),
  },
  {
    name: 'reduce',
    fold: () => reduceFold<{ ids: number[] }>((x, y) => ({ ids: [...x.ids, ...y.ids] })),
    read: (outputs) =>
      (outputs as { key: string; window: Window; value: { ids: number[] } }[]).map(({ key, window, value }) => {
        return { key, ...window, ids: sorted(value.ids) };
      }),
  },
  {
    name: 'process',
    // One output for each record, the last marked: so that firings are left unfinished.
    fold: () =>
      elementsFold<Event, unknown>(function* (key, window, records) {
        for (const [at, { id }] of records.entries()) yield { key, window, id, more: at + 1 < records.length };
      }),
    read: (outputs) => grouped(outputs as Single[]),
  },
];

interface Single {
  readonly key: string;
  readonly window: Window;
  readonly id: number;
  readonly more: boolean;
}

function grouped(outputs: readonly Single[]): Fired[] {
  const fired: Fired[] = [];
  let ids: number[] = [];
  for (const { key, window, id, more } of outputs) {
    ids.push(id);
    if (more) continue;
    fired.push({ key, ...window, ids: sorted(ids) });
    ids = [];
  }
  return fired;
}

type Step =
  | { readonly kind: 'records'; readonly events: readonly { readonly key: string; readonly time: number }[] }
  | { readonly kind: 'advance'; readonly by: number }
  | { readonly kind: 'restart' };

interface Scenario {
  readonly assigner: TimeWindows;
  readonly assign: Assign;
  readonly lateness: number;
  readonly capacity: number;
  readonly shape: number;
  readonly steps: readonly Step[];
}

const aligned = fc
  .tuple(fc.integer({ min: 1, max: 24 }), fc.option(fc.integer({ min: 1, max: 30 })), fc.nat({ max: 29 }))
  .map(([size, slide, shift]) => {
    const offset = shift % (slide ?? size);
    return {
      assigner: slide === null ? tumbling(size, { offset }) : sliding(size, slide, { offset }),
      assign: { size, slide: slide ?? size, offset },
    };
  });

const cumulating = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.nat({ max: 35 }))
  .map(([step, steps, shift]) => {
    const size = step * steps;
    const offset = shift % size;
    return { assigner: cumulate(size, step, { offset }), assign: { size, step, offset } };
  });

const sessions = fc.oneof(
  fc.integer({ min: 1, max: 12 }).map((gap) => ({ assigner: session(gap), assign: { gap } })),
  fc.integer({ min: 1, max: 12 }).map((most) => {
    const gap = ({ id }: Event): number => 1 + ((id * 7) % most);
    return { assigner: session(gap) as TimeWindows, assign: { gap } };
  }),
);

const event = fc.record({ key: fc.constantFrom('a', 'b', 'c'), time: fc.integer({ min: -30, max: 60 }) });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(event, { minLength: 1, maxLength: 6 }).map((events) => ({ kind: 'records', events }) as const),
  },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 15 }).map((by) => ({ kind: 'advance', by }) as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' } as const) },
);

function scenarios(assigners: fc.Arbitrary<Pick<Scenario, 'assigner' | 'assign'>>): fc.Arbitrary<Scenario> {
  return fc
    .record({
      assigner: assigners,
      lateness: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 })),
      capacity: fc.constantFrom(1, 2, 3, 1_000),
      shape: fc.nat({ max: SHAPES.length - 1 }),
      steps: fc.array(step, { maxLength: 40 }),
    })
    .map(({ assigner, ...rest }) => ({ ...assigner, ...rest }));
}

const inOrder = (fired: readonly Fired[]): Fired[] =>
  fired.toSorted((x, y) => x.end - y.end || (x.key < y.key ? -1 : 1));

/** Runs operator and model side by side and compares after each step. */
function check({ assigner, assign, lateness, capacity, shape, steps }: Scenario): void {
  const { fold, read } = SHAPES[shape] as Shape;
  const drive = new Drive((context) => operatorOf(context, assigner, lateness, fold()), capacity);
  const model = new WindowModel(assign, lateness);
  let watermark = -31;
  let id = 0;
  const compare = (what: string, sort: boolean): void => {
    for (const { record, timestamp } of drive.out) {
      if (timestamp !== (record as Aggregated).window.end - 1) throw new Error(`stamped ${timestamp}`);
    }
    const ends = drive.out.map(({ timestamp }) => timestamp);
    if (sort && ends.some((end, at) => end < (ends[at - 1] ?? end))) throw new Error('not in order of ends');
    const found = read(drive.out.splice(0).map(({ record }) => record));
    const wanted = model.fired.splice(0);
    const late = (drive.sides.get('late') ?? []).splice(0).map(({ record }) => (record as Event).id);
    same(`${what}: fired`, sort ? inOrder(found) : found, sort ? inOrder(wanted) : wanted);
    same(`${what}: late`, late, model.late.splice(0));
  };
  for (const one of [...steps, { kind: 'advance', by: TIME_MAX } as const]) {
    if (one.kind === 'restart') drive.restart();
    else if (one.kind === 'advance') {
      watermark += one.by;
      drive.advance(watermark);
      model.advance(watermark);
      compare(`watermark ${watermark}`, true);
    } else {
      const first = id;
      id += one.events.length;
      const events = one.events.map((made, at) => ({ ...made, id: first + at, ids: [first + at] }));
      drive.records(events.map((record) => ({ record, key: record.key, timestamp: record.time })));
      for (const made of events) model.record(made);
      compare(`records at ${watermark}`, false);
    }
  }
  same('state that is left', [...drive.state.rows()], []);
  same('keys that are left', drive.keysLeft, 0);
}

function same(what: string, found: unknown, wanted: unknown): void {
  const [left, right] = [fc.stringify(found), fc.stringify(wanted)];
  if (left !== right) throw new Error(`${what}: ${left}, not ${right}`);
}

for (const [name, assigners] of Object.entries({ aligned, cumulating, sessions })) {
  t.test(`${name} windows against the model`, (t) => {
    const property = fc.property(scenarios(assigners as typeof aligned), check);
    const { failed, numRuns, seed } = fc.check(property, { numRuns: CASES });
    if (failed) fc.assert(property, { numRuns: CASES, seed });
    t.equal(numRuns, CASES, `seed ${seed}`);
    t.end();
  });
}

/** Runs the events of one key; what came out, as `start-end:ids`. */
function trace(assigner: TimeWindows, lateness: number, steps: readonly (number | { readonly to: number })[]) {
  const drive = new Drive((context) => operatorOf(context, assigner, lateness, aggregateFold(PARTS)), 1_000);
  for (const [id, one] of steps.entries()) {
    if (typeof one === 'number') drive.records([{ record: { key: 'k', time: one, id }, key: 'k', timestamp: one }]);
    else drive.advance(one.to);
  }
  const fired = drive.out.map(({ record }) => {
    const { window, ids } = record as Aggregated;
    return `${window.start}..${window.end}:${ids}`;
  });
  return { fired, late: (drive.sides.get('late') ?? []).map(({ timestamp }) => timestamp) };
}

t.test('a window fires when the watermark reaches its end - 1, not before', (t) => {
  t.same(trace(tumbling(10), 0, [5, { to: 8 }]).fired, []);
  t.same(trace(tumbling(10), 0, [5, { to: 9 }]).fired, ['0..10:0']);
  t.end();
});

t.test('negative timestamps and offsets', (t) => {
  t.same(trace(tumbling(10), 0, [-1, 0, -10, -11, { to: TIME_MAX }]).fired, ['-20..-10:3', '-10..0:0,2', '0..10:1']);
  t.same(trace(tumbling(10, { offset: 3 }), 0, [2, 3, { to: TIME_MAX }]).fired, ['-7..3:0', '3..13:1']);
  t.same(trace(tumbling(10, { offset: -7 }), 0, [2, 3, { to: TIME_MAX }]).fired, ['-7..3:0', '3..13:1']);
  t.same(tumbling('1d', { offset: '-2h' }), tumbling('1d', { offset: '22h' }));
  t.same(sliding('1h', '5m', { offset: '-1m' }), sliding('1h', '5m', { offset: '4m' }));
  t.same(cumulate('1d', '1h', { offset: '-30m' }), cumulate('1d', '1h', { offset: '23.5h' }));
  t.end();
});

t.test('a slide longer than the size leaves gaps', (t) => {
  const { fired, late } = trace(sliding(2, 5), 0, [0, 1, 2, 4, 5, { to: 20 }, 22, 13]);
  t.same(fired, ['0..2:0,1', '5..7:4']);
  t.same(late, [13], 'a record in a gap is late once its time is past');
  t.end();
});

t.test('sessions that touch merge', (t) => {
  t.same(trace(session(10), 0, [0, 10, { to: TIME_MAX }]).fired, ['0..20:0,1']);
  t.same(trace(session(10), 0, [0, 11, { to: TIME_MAX }]).fired, ['0..10:0', '11..21:1']);
  t.same(trace(session(10), 0, [0, 20, 10, { to: TIME_MAX }]).fired, ['0..30:0,1,2']);
  t.end();
});

t.test('a late record within lateness fires again, one beyond goes to the side', (t) => {
  const { fired, late } = trace(tumbling(10), 5, [1, { to: 9 }, 2, { to: 13 }, 3, { to: 14 }, 4]);
  t.same(fired, ['0..10:0', '0..10:0,2', '0..10:0,2,4']);
  t.same(late, [4]);
  t.end();
});

t.test('a late record that joins a living session is not late', (t) => {
  const { fired, late } = trace(session(10), 0, [20, { to: 25 }, 12, { to: 40 }, 12]);
  t.same(fired, ['12..30:0,2']);
  t.same(late, [12]);
  t.end();
});

t.test('a record without a timestamp', (t) => {
  for (const assigner of [tumbling(10), session(10)]) {
    t.throws(() => trace(assigner, 0, [TIME_MIN]), { code: 'MILL_TIMESTAMP_MISSING' });
  }
  t.end();
});

t.test('a record of a time that none can have', (t) => {
  for (const assigner of [tumbling(10), sliding(20, 10), cumulate(20, 10), session(10)]) {
    for (const time of [Number.NaN, Number.POSITIVE_INFINITY, 1.7e18, -1.7e18]) {
      t.throws(() => trace(assigner, 0, [time]), { code: 'MILL_TIMESTAMP_INVALID' }, `${time}`);
      t.throws(() => trace(assigner, 0, [5, time]), { code: 'MILL_TIMESTAMP_INVALID' }, `${time} behind another`);
    }
  }
  t.end();
});

t.test('the greatest and the least times that there are', (t) => {
  for (const time of [8.64e15, -8.64e15]) {
    for (const assigner of [tumbling(7), sliding(7, 3), cumulate(6, 2), session(10)]) {
      const { fired, late } = trace(assigner, 1_000, [time, { to: time + 10 }, time, { to: time + 2_000 }, time]);
      const windows = {
        tumbling: 1,
        sliding: assigner.kind === 'sliding' ? fired.length / 2 : 0,
        cumulate: 3,
        session: 1,
      };
      t.equal(fired.length, 2 * windows[assigner.kind as keyof typeof windows], `${assigner.kind} at ${time}`);
      t.same(late, [time]);
    }
  }
  t.end();
});

t.test('firing is bounded: it returns after so many keys, even with room', (t) => {
  for (const assigner of [tumbling(10), sliding(10, 1), session(10)]) {
    const drive = new Drive((context) => operatorOf(context, assigner, 0, aggregateFold(PARTS)), 1_000_000);
    drive.records(Array.from({ length: 2_500 }, (_, key) => ({ record: { id: key, time: 0 }, key, timestamp: 0 })));
    const before = drive.calls;
    drive.advance(9);
    t.equal(drive.calls - before >= 3, true, `${drive.calls - before} calls`);
    t.equal(drive.out.length, assigner.kind === 'sliding' ? 25_000 : 2_500);
  }
  t.end();
});

t.test('a function that throws leaves the cursor on its record, which can be skipped', (t) => {
  const failing = elementsFold<Event, unknown>(() => {
    throw new Error('no');
  });
  for (const assigner of [tumbling(10), session(10)]) {
    const drive = new Drive((context) => operatorOf(context, assigner, 100, failing), 10);
    drive.advance(50);
    t.throws(() => drive.records([{ record: {}, key: 'k', timestamp: 1 }]), { code: 'MILL_FUNCTION_FAILED', key: 'k' });
  }
  t.end();
});

t.test('a record that fails joins no sessions', (t) => {
  const picky = (x: { ids: number[] }, y: { ids: number[] }) => {
    if (y.ids.includes(13)) throw new Error('not 13');
    return { ids: [...x.ids, ...y.ids] };
  };
  for (const gap of [10, 25]) {
    const drive = new Drive((context) => operatorOf(context, session(gap), 0, reduceFold(picky)), 10);
    for (const [id, timestamp] of [10, 30, 50].entries())
      drive.records([{ record: { ids: [id] }, key: 'k', timestamp }]);
    t.throws(() => drive.records([{ record: { ids: [13] }, key: 'k', timestamp: 40 }]));
    drive.restart();
    drive.advance(TIME_MAX);
    t.same(
      drive.out.map(({ record }) => (record as { value: unknown }).value),
      gap === 10 ? [{ ids: [0] }, { ids: [1] }, { ids: [2] }] : [{ ids: [0, 1, 2] }],
    );
  }
  t.end();
});

t.test('a function that throws at a firing leaves the other keys alone, if the job says so', (t) => {
  const picky = elementsFold<Event, unknown>(function* (key, window) {
    yield { key, window };
    if (key === 'b') throw new Error('not b');
    yield { key, window };
  });
  for (const assigner of [tumbling(10), sliding(10, 5), session(10)]) {
    for (const capacity of [1, 10]) {
      const drive = new Drive((context) => operatorOf(context, assigner, 0, picky), capacity);
      drive.skips = true;
      drive.records(['a', 'b', 'c'].map((key) => ({ record: {}, key, timestamp: 7 })));
      drive.advance(TIME_MAX);
      const windows = assigner.kind === 'sliding' ? 2 : 1;
      t.equal(drive.out.length, 5 * windows);
      t.equal(drive.rejected.length, windows);
      t.match(drive.rejected[0], { code: 'MILL_FUNCTION_FAILED', key: 'b' });
      t.equal(drive.keysLeft, 0);
    }
  }
  t.end();
});

t.test('records handed to a function do not change afterwards', (t) => {
  const all = elementsFold<Event, unknown>((_key, window, records) => [{ window, records }]);
  for (const assigner of [tumbling(10), sliding(10, 2), session(10)]) {
    const drive = new Drive((context) => operatorOf(context, assigner, 100, all), 100);
    drive.records([{ record: 1, key: 'k', timestamp: 5 }]);
    drive.advance(20);
    const first = drive.out[0]?.record as { records: unknown[] };
    drive.records([{ record: 2, key: 'k', timestamp: 5 }]);
    t.same(first.records, [1]);
    t.match(drive.out.at(-1), { record: { records: [1, 2] } });
  }
  t.end();
});

t.test('options', (t) => {
  t.throws(() => tumbling(0), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => tumbling(1.5), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => tumbling('1s', { offset: '1s' }), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => tumbling('1s', { offset: '-1s' }), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => tumbling('1s', { offset: 0.5 }), { code: 'MILL_OPTION_INVALID' });
  t.same(tumbling('1s', { offset: -0 }), tumbling('1s'));
  t.throws(() => sliding('1s', 0), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => session(-1), { code: 'MILL_OPTION_INVALID' });
  t.same(sliding('1h', '5m'), { kind: 'sliding', sizeMs: 3_600_000, slideMs: 300_000, offsetMs: 0 });
  t.ok(Object.isFrozen(session('30m')));
  t.end();
});
