/** The interval join against a naive model, over random streams, and by hand where a rule has a sharp edge. */
import fc from 'fast-check';
import t from 'tap';
import { TIME_MAX, TIME_MIN } from '../../core/time.js';
import { type IntervalJoinSpec, intervalJoinFactory } from '../../operators/join/interval-join-operator.js';
import type { JoinType } from '../../operators/join/join-type.js';
import type { OperatorContext } from '../../operators/operator.js';
import { EvictingState } from '../level/evicting-state.js';
import { Drive, type Emitted, inMemory } from './drive.js';
import { type IntervalBounds as Bounds, type Event, IntervalModel, textOf } from './join-models.js';

const CASES = 2_000;

const combine = (left: unknown, right: unknown): unknown => ({
  left: (left as Event)?.id,
  right: (right as Event)?.id,
});

const read = (out: readonly Emitted[]): string[] =>
  out.map(({ record, timestamp }) => {
    const { left, right } = record as { left?: number; right?: number };
    return textOf(left, right, timestamp);
  });

type Step =
  | { readonly kind: 'records'; readonly port: 0 | 1; readonly events: readonly { key: string; time: number }[] }
  | { readonly kind: 'advance'; readonly by: number }
  | { readonly kind: 'seal' }
  | { readonly kind: 'restart' };

interface Scenario {
  readonly bounds: Bounds;
  readonly unit: number;
  readonly capacity: number;
  readonly level: boolean;
  readonly steps: readonly Step[];
}

const TYPES: readonly JoinType[] = ['inner', 'left', 'right', 'full'];

const event = fc.record({ key: fc.constantFrom('a', 'b'), time: fc.integer({ min: -20, max: 40 }) });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom(0 as const, 1 as const), fc.array(event, { minLength: 1, maxLength: 6 }))
      .map(([port, events]) => ({ kind: 'records', port, events }) as const),
  },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 12 }).map((by) => ({ kind: 'advance', by }) as const) },
  { weight: 2, arbitrary: fc.constantFrom({ kind: 'seal' } as const, { kind: 'restart' } as const) },
);

const scenario: fc.Arbitrary<Scenario> = fc
  .record({
    type: fc.constantFrom(...TYPES),
    lower: fc.integer({ min: -15, max: 15 }),
    length: fc.oneof(fc.constant(0), fc.nat({ max: 20 })),
    // Fractions of a millisecond, a single bucket, and many.
    unit: fc.constantFrom(0.37, 1, 130, 1_000, 7_919),
    capacity: fc.constantFrom(1, 2, 3, 1_000),
    level: fc.boolean(),
    steps: fc.array(step, { maxLength: 40 }),
  })
  .map(({ type, lower, length, unit, ...rest }) => {
    const scale = Math.max(1, unit);
    return { ...rest, unit, bounds: { type, lowerMs: lower * scale, upperMs: (lower + length) * scale } };
  });

function joinOf(bounds: Bounds, capacity = 1_000, state = inMemory): Drive {
  return new Drive((context) => intervalJoinFactory({ ...bounds, combine })(context, []), capacity, state);
}

function check({ bounds, unit, capacity, level, steps }: Scenario): void {
  const drive = joinOf(bounds, capacity, level ? () => new EvictingState() : inMemory);
  const model = new IntervalModel(bounds);
  let watermark = -21;
  let id = 0;
  for (const one of [...steps, { kind: 'advance', by: TIME_MAX } as const]) {
    const passed = drive.ownWatermark;
    if (one.kind === 'restart') drive.restart();
    else if (one.kind === 'seal') drive.seal();
    else if (one.kind === 'advance') {
      watermark += one.by;
      // Watermarks are whole milliseconds: between two of them a row may come out a little later.
      drive.advance(Math.floor(watermark * unit));
      model.advance(Math.floor(watermark * unit));
    } else {
      const events = one.events.map((made) => ({ key: made.key, time: made.time * unit, id: id++ }));
      drive.records(
        events.map((record) => ({ record, key: record.key, timestamp: record.time })),
        one.port,
      );
      for (const made of events) model.record(one.port, made);
    }
    // What comes at the very millisecond of the watermark is not late for the join, but for windows behind it.
    const latest = one.kind === 'records' ? passed - 1 : passed;
    compare(`${one.kind} at ${watermark}`, drive, model, latest);
  }
  same('state that is left', [...drive.state.rows()], []);
  same('keys that are left', drive.keysLeft, 0);
}

function compare(what: string, drive: Drive, model: IntervalModel, passed: number): void {
  const early = drive.out.filter(({ timestamp }) => timestamp <= passed);
  if (early.length > 0) throw new Error(`${what}: ${fc.stringify(early)} came behind watermark ${passed}`);
  same(what, read(drive.out.splice(0)).sort(), model.out.splice(0).sort());
  for (const port of [0, 1] as const) {
    const late = (drive.sides.get(port === 0 ? 'late.left' : 'late.right') ?? []).splice(0);
    same(
      `${what}: late`,
      late.map(({ record }) => (record as Event).id),
      model.late[port].splice(0),
    );
  }
}

function same(what: string, found: unknown, wanted: unknown): void {
  const [left, right] = [fc.stringify(found), fc.stringify(wanted)];
  if (left !== right) throw new Error(`${what}: ${left}, not ${right}`);
}

t.test('against the model', (t) => {
  const property = fc.property(scenario, check);
  const { failed, numRuns, seed } = fc.check(property, { numRuns: CASES });
  if (failed) fc.assert(property, { numRuns: CASES, seed });
  t.equal(numRuns, CASES, `seed ${seed}`);
  t.end();
});

/** More rows of one key than fit into a chunk, in any order. */
const crowd: fc.Arbitrary<Scenario> = fc
  .record({
    type: fc.constantFrom(...TYPES),
    times: fc.array(fc.nat({ max: 2_500 }), { minLength: 1_200, maxLength: 2_000 }),
    upperMs: fc.nat({ max: 3 }),
    level: fc.boolean(),
  })
  .map(({ type, times, upperMs, level }) => {
    const steps = Array.from({ length: 10 }, (_, part): Step[] => {
      const events = times.slice((part * times.length) / 10, ((part + 1) * times.length) / 10);
      return [
        { kind: 'records', port: part % 2 === 0 ? 0 : 1, events: events.map((time) => ({ key: 'a', time })) },
        { kind: part % 3 === 0 ? 'restart' : 'seal' },
        { kind: 'advance', by: part * 20 },
      ];
    });
    return { bounds: { type, lowerMs: -1, upperMs }, unit: 1, capacity: 7, level, steps: steps.flat() };
  });

t.test('a crowded key against the model', async (t) => {
  const property = fc.property(crowd, check);
  const { failed, numRuns, seed } = fc.check(property, { numRuns: 30 });
  if (failed) fc.assert(property, { numRuns: 30, seed });
  t.equal(numRuns, 30, `seed ${seed}`);
});

/** Sends `left` or `right` records of one key, by time; what came out, as `left-right@time`. */
function trace(bounds: Bounds, steps: readonly ({ left: number } | { right: number } | { to: number })[]) {
  const drive = joinOf(bounds);
  for (const one of steps) {
    if ('to' in one) drive.advance(one.to);
    else {
      const [port, time] = 'left' in one ? [0, one.left] : [1, one.right];
      drive.records([{ record: { id: time }, key: 'k', timestamp: time }], port);
    }
  }
  const late = ['late.left', 'late.right'].map((name) => (drive.sides.get(name) ?? []).map((each) => each.timestamp));
  return { out: read(drive.out), late };
}

t.test('bounds are inclusive, and may lie on either side', async (t) => {
  const steps = [{ left: 100 }, ...[94, 95, 110, 111].map((right) => ({ right }))];
  t.same(trace({ type: 'inner', lowerMs: -5, upperMs: 10 }, steps).out, ['100-95@100', '100-110@110']);
  t.same(trace({ type: 'inner', lowerMs: 10, upperMs: 10 }, steps).out, ['100-110@110']);
  t.same(trace({ type: 'inner', lowerMs: -6, upperMs: -5 }, steps).out, ['100-94@100', '100-95@100']);
});

t.test('a record is late below the watermark, and still matches at it', async (t) => {
  const { out, late } = trace({ type: 'inner', lowerMs: 0, upperMs: 10 }, [
    { left: 0 },
    { to: 10 },
    { right: 10 },
    { right: 9 },
    { left: 3 },
    { to: 11 },
    { right: 10 },
  ]);
  t.same(out, ['0-10@10']);
  t.same(late, [[3], [9, 10]]);
});

t.test('a row without a match comes out at the first watermark that says so', async (t) => {
  const full: Bounds = { type: 'full', lowerMs: -5, upperMs: 10 };
  t.same(trace(full, [{ left: 0 }, { to: 10 }]).out, []);
  t.same(trace(full, [{ left: 0 }, { to: 11 }]).out, ['0-undefined@0']);
  t.same(trace(full, [{ right: 0 }, { to: 5 }]).out, []);
  t.same(trace(full, [{ right: 0 }, { to: 6 }]).out, ['undefined-0@0']);
  t.same(trace(full, [{ left: 0 }, { left: 1 }, { right: 11 }, { to: TIME_MAX }]).out, ['1-11@11', '0-undefined@0']);
  // The right side was over before the left record came.
  const before: Bounds = { type: 'left', lowerMs: -20, upperMs: -10 };
  t.same(trace(before, [{ to: 100 }, { left: 105 }]).out, ['105-undefined@105']);
});

t.test('outer joins hold their watermark back, inner ones do not', async (t) => {
  const passed = (type: JoinType): number => {
    const drive = joinOf({ type, lowerMs: -5, upperMs: 10 });
    drive.advance(100);
    return drive.ownWatermark;
  };
  t.same(TYPES.map(passed), [100, 89, 94, 89]);
});

t.test('records of the same time and many rows come out in order of arrival', async (t) => {
  const { out } = trace({ type: 'inner', lowerMs: 0, upperMs: 0 }, [{ left: 7 }, { left: 7 }, { right: 7 }]);
  t.same(out, ['7-7@7', '7-7@7']);
});

t.test('a record without a timestamp', async (t) => {
  t.throws(() => trace({ type: 'inner', lowerMs: 0, upperMs: 1 }, [{ left: TIME_MIN }]), {
    code: 'MILL_TIMESTAMP_MISSING',
  });
});

t.test('a key with very many rows takes small steps', async (t) => {
  const drive = joinOf({ type: 'left', lowerMs: 0, upperMs: 1_000_000 }, 100);
  const rows = Array.from({ length: 5_000 }, (_, id) => ({ record: { id }, key: 'k', timestamp: id }));
  drive.records(rows, 1);
  const before = drive.calls;
  drive.records([{ record: { id: -1 }, key: 'k', timestamp: 0 }]);
  t.equal(drive.out.splice(0).length, 5_000);
  t.ok(drive.calls - before >= 50, 'a batch of pairs at a time');
  drive.records(Array.from({ length: 5_000 }, (_, id) => ({ record: { id }, key: 'k', timestamp: 6_000 + (id % 10) })));
  const later = drive.calls;
  drive.advance(TIME_MAX);
  t.equal(drive.out.length, 5_000);
  t.ok(drive.calls - later >= 50, 'and of rows without a match');
});

t.test('what a checkpoint writes for one record of a key with very many rows is bounded', async (t) => {
  const drive = joinOf({ type: 'inner', lowerMs: -10_000, upperMs: 10_000 });
  const send = (count: number): void =>
    drive.records(Array.from({ length: count }, (_, id) => ({ record: { id }, key: 'k', timestamp: id })));
  send(10_000);
  drive.checkpoint();
  send(1);
  let largest = 0;
  const put = (...[, , , , , value]: unknown[]): void => {
    largest = Math.max(largest, (value as unknown[]).length);
  };
  drive.state.seal({ put, remove: () => {} });
  while (!drive.state.drainSealed(1));
  t.ok(largest > 0 && largest < 1_000, `${largest} elements`);
});

t.test('other bounds and another type apply to rows that were there before', async (t) => {
  const make = (bounds: Bounds) => (context: OperatorContext) =>
    intervalJoinFactory({ ...bounds, combine })(context, []);
  const narrow: Bounds = { type: 'full', lowerMs: 0, upperMs: 100 };
  const wide: Bounds = { type: 'full', lowerMs: -100_000, upperMs: 3_000_000 };
  const ids = Array.from({ length: 600 }, (_, at) => at);
  const record = (id: number, time: number) => ({ record: { id }, key: 'k', timestamp: time });
  for (const [first, second] of [
    [narrow, wide],
    [wide, narrow],
  ] as const) {
    const drive = new Drive(make(first), 1_000);
    drive.records(ids.map((id) => record(id, id * 1_000)));
    drive.restart(make(second));
    drive.records([record(-1, 300_000)], 1);
    const pairs = read(drive.out.splice(0));
    t.equal(pairs.length, second === wide ? 401 : 1);
    drive.restart(make(first));
    drive.restart(make(second));
    drive.advance(TIME_MAX);
    t.equal(drive.out.length, 600 - pairs.length, 'the others had no match');
    t.equal(drive.keysLeft, 0);
  }
});

t.test('a function that throws', async (t) => {
  const failing = (left: unknown, right: unknown): unknown => {
    if (((left ?? right) as Event).id === 2) throw new Error('not 2');
    return combine(left, right);
  };
  const spec: IntervalJoinSpec = { type: 'full', lowerMs: 0, upperMs: 10, combine: failing };
  const drive = new Drive((context) => intervalJoinFactory(spec)(context, []), 2);
  const send = (port: number, ...ids: number[]): void =>
    drive.records(
      ids.map((id) => ({ record: { id }, key: 'k', timestamp: id })),
      port,
    );
  send(0, 1, 2, 3);
  t.throws(() => send(1, 4), { message: 'not 2' });
  drive.skips = true;
  drive.advance(TIME_MAX);
  t.same(read(drive.out), ['1-4@4', '3-undefined@3'], 'the record that failed is not kept');
  t.match(drive.rejected, [{ code: 'MILL_FUNCTION_FAILED', key: 'k' }]);
  t.equal(drive.keysLeft, 0);
});
