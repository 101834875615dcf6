/** The temporal join against a naive model, over random streams, and by hand where a rule has a sharp edge. */
import fc from 'fast-check';
import t from 'tap';
import { TIME_MAX, TIME_MIN } from '../../core/time.js';
import { type TemporalJoinSpec, temporalJoinFactory } from '../../operators/join/temporal-join-operator.js';
import { EvictingState } from '../level/evicting-state.js';
import { Drive, type Emitted, inMemory } from './drive.js';
import { type Event, TemporalModel, textOf } from './join-models.js';

const CASES = 2_000;

type Made = { readonly key: string; readonly time: number; readonly deleted: boolean };

type Step =
  | { readonly kind: 'records'; readonly port: 0 | 1; readonly events: readonly Made[] }
  | { readonly kind: 'advance'; readonly by: number }
  | { readonly kind: 'seal' }
  | { readonly kind: 'restart' };

interface Scenario {
  readonly type: 'inner' | 'left';
  readonly unit: number;
  readonly capacity: number;
  readonly level: boolean;
  readonly ownTime: boolean;
  readonly steps: readonly Step[];
}

const event = fc.record({
  key: fc.constantFrom('a', 'b', 'c'),
  time: fc.integer({ min: -20, max: 40 }),
  deleted: fc.integer({ max: 3, min: 0 }).map((n) => n === 0),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom(0 as const, 1 as const), fc.array(event, { minLength: 1, maxLength: 6 }))
      .map(([port, events]): Step => ({ kind: 'records', port, events })),
  },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 12 }).map((by): Step => ({ kind: 'advance', by })) },
  { weight: 2, arbitrary: fc.constantFrom<Step>({ kind: 'seal' }, { kind: 'restart' }) },
);

const scenario: fc.Arbitrary<Scenario> = fc.record({
  type: fc.constantFrom('inner', 'left'),
  unit: fc.constantFrom(0.37, 1, 1_300),
  capacity: fc.constantFrom(1, 2, 3, 1_000),
  level: fc.boolean(),
  ownTime: fc.boolean(),
  steps: fc.array(step, { maxLength: 40 }),
});

const combine = (left: unknown, right: unknown): unknown => ({ left: (left as Event).id, right: (right as Event)?.id });

const read = (out: readonly Emitted[]): string[] =>
  out.map(({ record, timestamp }) => {
    const { left, right } = record as { left?: number; right?: number };
    return textOf(left, right, timestamp);
  });

type Options = Partial<TemporalJoinSpec> & { readonly capacity?: number; readonly level?: boolean };

function joinOf({ capacity = 1_000, level = false, ...options }: Options): Drive {
  const isDelete = (version: unknown): unknown => (version as Made).deleted;
  const spec = { type: 'left', combine, versionTime: undefined, isDelete, ...options } as const;
  return new Drive(
    (context) => temporalJoinFactory(spec)(context, []),
    capacity,
    level ? () => new EvictingState() : inMemory,
  );
}

function check({ unit, ownTime, steps, ...options }: Scenario): void {
  const versionTime = ownTime ? (version: unknown) => (version as Event).time : undefined;
  const drive = joinOf({ ...options, versionTime });
  const model = new TemporalModel(options.type);
  let watermark = -21;
  let id = 0;
  for (const one of [...steps, { kind: 'advance', by: TIME_MAX } as const]) {
    if (one.kind === 'restart') drive.restart();
    else if (one.kind === 'seal') drive.seal();
    else if (one.kind === 'advance') {
      watermark += one.by;
      drive.advance(watermark * unit);
      model.advance(watermark * unit);
    } else {
      const events = one.events.map((made) => ({ ...made, time: made.time * unit, id: id++ }));
      const timestamp = (time: number): number => (ownTime && one.port === 1 ? TIME_MIN : time);
      drive.records(
        events.map((record) => ({ record, key: record.key, timestamp: timestamp(record.time) })),
        one.port,
      );
      for (const made of events) {
        if (one.port === 0) model.record(made);
        else model.version(made);
      }
    }
    const times = drive.out.map(({ timestamp }) => timestamp);
    if (times.some((time, at) => time < (times[at - 1] ?? time))) throw new Error('not in order of time');
    same(`${one.kind} at ${watermark}`, read(drive.out.splice(0)).sort(), model.out.splice(0).sort());
    const late = (drive.sides.get('late') ?? []).splice(0).map(({ record }) => (record as Event).id);
    same(`late at ${watermark}`, late, model.late.splice(0));
  }
  const left = [...drive.state.rows()].filter(({ table }) => table !== 'versions');
  same('state that is left', left, []);
  same('keys that are left', drive.keysLeft, new Set(Array.from(drive.state.rows(), ({ key }) => key)).size);
}

function same(what: string, found: unknown, wanted: unknown): void {
  const [left, right] = [fc.stringify(found), fc.stringify(wanted)];
  if (left !== right) throw new Error(`${what}: ${left}, not ${right}`);
}

t.test('against the model', async (t) => {
  const property = fc.property(scenario, check);
  const { failed, numRuns, seed } = fc.check(property, { numRuns: CASES });
  if (failed) fc.assert(property, { numRuns: CASES, seed });
  t.equal(numRuns, CASES, `seed ${seed}`);
});

/** `left`: a record at that time; `right`: a version; `gone`: one that deletes. What came out, as `time-version@time`. */
function trace(
  options: Options,
  steps: readonly ({ left: number } | { right: number } | { gone: number } | { to: number })[],
): string[] {
  const drive = joinOf(options);
  for (const one of steps) {
    if ('to' in one) drive.advance(one.to);
    else {
      const time = Object.values(one)[0] as number;
      drive.records(
        [{ record: { id: time, deleted: 'gone' in one }, key: 'k', timestamp: time }],
        'left' in one ? 0 : 1,
      );
    }
  }
  return read(drive.out);
}

t.test('a record waits for the watermark, and gets the version of its time', async (t) => {
  const steps = [{ right: 10 }, { left: 15 }, { right: 20 }, { left: 20 }, { left: 9 }];
  t.same(trace({}, [...steps, { to: 14 }]), ['9-undefined@9']);
  t.same(trace({}, [...steps, { right: 12 }, { to: 20 }]), ['9-undefined@9', '15-12@15', '20-20@20']);
  t.same(trace({ type: 'inner' }, [...steps, { to: 20 }]), ['15-10@15', '20-20@20']);
});

t.test('from a deletion on there is no version, also if an older one comes late', async (t) => {
  const steps = [{ right: 10 }, { gone: 20 }, { left: 19 }, { left: 20 }, { to: 30 }, { right: 15 }, { left: 40 }];
  t.same(trace({}, [...steps, { to: 50 }]), ['19-10@19', '20-undefined@20', '40-undefined@40']);
  t.same(trace({}, [...steps, { right: 25 }, { to: 50 }]).at(-1), '40-25@40', 'but a newer one counts');
});

t.test('times that are missing or wrong', async (t) => {
  t.throws(() => trace({}, [{ left: TIME_MIN }]), { code: 'MILL_TIMESTAMP_MISSING' });
  t.throws(() => trace({}, [{ right: TIME_MIN }]), { code: 'MILL_TIMESTAMP_MISSING' });
  t.throws(() => trace({ versionTime: () => Number.NaN }, [{ right: 1 }]), { code: 'MILL_TIMESTAMP_INVALID' });
});

t.test('very many records and versions of one key, a batch at a time', async (t) => {
  const drive = joinOf({ capacity: 50 });
  const rows = (count: number) =>
    Array.from({ length: count }, (_, id) => ({ record: { id }, key: 'k', timestamp: (id * 7_919) % 3_001 }));
  drive.records(rows(3_001), 1);
  drive.restart();
  drive.records(rows(6_002));
  const before = drive.calls;
  drive.advance(TIME_MAX);
  t.ok(drive.calls - before >= 6_002 / 50);
  const pairs = drive.out.map(({ record }) => record as { left: number; right: number });
  t.equal(pairs.length, 6_002);
  t.ok(pairs.every(({ left, right }) => left % 3_001 === right));
  t.same(
    [...drive.state.rows()].map(({ table }) => table),
    ['versions'],
    'one version is left',
  );
});

t.test('a function that throws', async (t) => {
  const failing = (left: unknown, right: unknown): unknown => {
    if ((left as Event).id === 2) throw new Error('not 2');
    return combine(left, right);
  };
  const drive = joinOf({ combine: failing, capacity: 2 });
  drive.skips = true;
  drive.records([1, 2, 3].map((id) => ({ record: { id }, key: 'k', timestamp: id })));
  drive.advance(TIME_MAX);
  t.same(read(drive.out), ['1-undefined@1', '3-undefined@3']);
  t.match(drive.rejected, [{ code: 'MILL_FUNCTION_FAILED', key: 'k' }]);
});
