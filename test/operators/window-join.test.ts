/** Window joins and co-groups against the model of windows over both inputs, and by hand where a rule has an edge. */
import fc from 'fast-check';
import t from 'tap';
import { TIME_MAX } from '../../core/time.js';
import type { JoinType } from '../../operators/join/join-type.js';
import { coGroupFactory, windowJoinFactory } from '../../operators/join/window-join.js';
import type { OperatorFactory } from '../../operators/operator.js';
import { session, sliding, type TimeWindows, tumbling, type Window } from '../../operators/window/assigners.js';
import { EvictingState } from '../level/evicting-state.js';
import { Drive, type Emitted, inMemory } from './drive.js';
import { type Assign, type Fired, WindowModel } from './window-model.js';

const CASES = 1_500;

interface Event {
  readonly key: string;
  readonly time: number;
  readonly id: number;
  readonly port: 0 | 1;
}

const SHAPES = ['inner', 'left', 'right', 'full', 'co-group'] as const;
type Shape = (typeof SHAPES)[number];

type Made = { readonly port: 0 | 1; readonly events: readonly { readonly key: string; readonly time: number }[] };

type Step =
  | ({ readonly kind: 'records' } & Made)
  | { readonly kind: 'advance'; readonly by: number }
  | { readonly kind: 'seal' }
  | { readonly kind: 'restart' };

interface Scenario {
  readonly assigner: TimeWindows;
  readonly assign: Assign;
  readonly lateness: number;
  readonly capacity: number;
  readonly level: boolean;
  readonly shape: Shape;
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

const sessions = fc.integer({ min: 1, max: 12 }).map((gap) => ({ assigner: session(gap), assign: { gap } }));

const event = fc.record({ key: fc.constantFrom('a', 'b'), time: fc.integer({ min: -30, max: 60 }) });
const made = fc.record({ port: fc.constantFrom(0, 1), events: fc.array(event, { minLength: 1, maxLength: 6 }) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: made.map((some) => ({ kind: 'records', ...some }) as Step) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 15 }).map((by): Step => ({ kind: 'advance', by })) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'seal' }, { kind: 'restart' }) },
);

const scenario: fc.Arbitrary<Scenario> = fc
  .record({
    windows: fc.oneof(aligned, sessions),
    lateness: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 })),
    capacity: fc.constantFrom(1, 2, 3, 1_000),
    level: fc.boolean(),
    shape: fc.constantFrom(...SHAPES),
    steps: fc.array(step, { maxLength: 40 }),
  })
  .map(({ windows, ...rest }) => ({ ...windows, ...rest }));

interface Pair {
  readonly left: Event | undefined;
  readonly right: Event | undefined;
}

function factoryOf(shape: Shape, assigner: TimeWindows, latenessMs: number): OperatorFactory {
  if (shape !== 'co-group') {
    const combine = (left: unknown, right: unknown): unknown => ({ left, right });
    return windowJoinFactory({ assigner, latenessMs, type: shape, combine });
  }
  return coGroupFactory({
    assigner,
    latenessMs,
    *process(key, window, left, right) {
      yield { key, window, left, right };
    },
  });
}

const idOf = (one: Event | undefined): string => (one === undefined ? '' : String(one.id));
const idsOf = (all: readonly Event[]): string => all.map(idOf).toSorted().join();

/** Results as texts, with their times. */
function read(shape: Shape, out: readonly Emitted[]): string[] {
  return out.map(({ record, timestamp }) => {
    if (shape !== 'co-group') return `${idOf((record as Pair).left)}-${idOf((record as Pair).right)}@${timestamp}`;
    const { key, window, left, right } = record as { key: string; window: Window; left: Event[]; right: Event[] };
    return `${key} ${window.start}: ${idsOf(left)}-${idsOf(right)}@${timestamp}`;
  });
}

/** What a window that fires gives. */
function wanted(shape: Shape, { key, start, end, ids }: Fired, events: readonly Event[]): string[] {
  const [left, right] = ([0, 1] as const).map((port) =>
    ids.map((id) => events[id] as Event).filter((one) => one.port === port),
  ) as [Event[], Event[]];
  if (shape === 'co-group') return [`${key} ${start}: ${idsOf(left)}-${idsOf(right)}@${end - 1}`];
  const pairs = left.flatMap((a) => right.map((b): Pair => ({ left: a, right: b })));
  if (right.length === 0 && (shape === 'left' || shape === 'full'))
    pairs.push(...left.map((a) => ({ left: a, right: undefined })));
  if (left.length === 0 && (shape === 'right' || shape === 'full'))
    pairs.push(...right.map((b) => ({ left: undefined, right: b })));
  return pairs.map((pair) => `${idOf(pair.left)}-${idOf(pair.right)}@${end - 1}`);
}

function check({ assigner, assign, lateness, capacity, level, shape, steps }: Scenario): void {
  const state = level ? () => new EvictingState() : inMemory;
  const drive = new Drive((context) => factoryOf(shape, assigner, lateness)(context, []), capacity, state);
  const model = new WindowModel(assign, lateness);
  const events: Event[] = [];
  let watermark = -31;
  for (const one of [...steps, { kind: 'advance', by: TIME_MAX } as const]) {
    if (one.kind === 'restart') drive.restart();
    else if (one.kind === 'seal') drive.seal();
    else if (one.kind === 'advance') {
      watermark += one.by;
      drive.advance(watermark);
      model.advance(watermark);
    } else {
      const { port } = one;
      const some = one.events.map((each, at): Event => ({ ...each, port, id: events.length + at }));
      events.push(...some);
      drive.records(
        some.map((record) => ({ record, key: record.key, timestamp: record.time })),
        port,
      );
      for (const each of some) model.record(each);
    }
    const found = read(shape, drive.out.splice(0));
    const due = model.fired.splice(0).flatMap((fired) => wanted(shape, fired, events));
    same(`${one.kind} at ${watermark}`, found.sort(), due.sort());
    const late = model.late.splice(0);
    for (const [port, name] of ['late.left', 'late.right'].entries()) {
      const sent = (drive.sides.get(name) ?? []).splice(0).map(({ record }) => (record as Event).id);
      same(
        `${name} at ${watermark}`,
        sent,
        late.filter((id) => events[id]?.port === port),
      );
    }
  }
  same('state that is left', [...drive.state.rows()], []);
  same('keys that are left', drive.keysLeft, 0);
}

function same(what: string, found: unknown, expected: unknown): void {
  const [left, right] = [fc.stringify(found), fc.stringify(expected)];
  if (left !== right) throw new Error(`${what}: ${left}, not ${right}`);
}

t.test('against the model', async (t) => {
  const property = fc.property(scenario, check);
  const { failed, numRuns, seed } = fc.check(property, { numRuns: CASES });
  if (failed) fc.assert(property, { numRuns: CASES, seed });
  t.equal(numRuns, CASES, `seed ${seed}`);
});

/** Records of key `k`: ids by input; all at time 5 of a window of 10. */
function fire(type: JoinType, left: number, right: number): number {
  const drive = new Drive((context) => factoryOf(type, tumbling(10), 0)(context, []), 3);
  for (const [port, count] of [left, right].entries())
    drive.records(
      Array.from({ length: count }, (_, id) => ({ record: { id }, key: 'k', timestamp: 5 })),
      port,
    );
  const before = drive.calls;
  drive.advance(9);
  t.ok(drive.calls - before >= drive.out.length / 3, 'a batch at a time');
  return drive.out.length;
}

t.test('rows without a match, by type', async (t) => {
  const types: readonly JoinType[] = ['inner', 'left', 'right', 'full'];
  t.same(
    types.map((type) => [fire(type, 3, 4), fire(type, 3, 0), fire(type, 0, 4)]),
    [
      [12, 0, 0],
      [12, 3, 0],
      [12, 0, 4],
      [12, 3, 4],
    ],
  );
});

t.test('a key with very many pairs puts them out a batch at a time', async (t) => {
  t.equal(fire('inner', 300, 400), 120_000);
});

t.test('sessions are made of the records of both inputs', async (t) => {
  const drive = new Drive((context) => factoryOf('co-group', session(10), 0)(context, []), 10);
  const send = (port: number, ...times: number[]): void =>
    drive.records(
      times.map((time) => ({ record: { id: time }, key: 'k', timestamp: time })),
      port,
    );
  send(0, 0, 20);
  send(1, 10, 41);
  drive.advance(TIME_MAX);
  t.same(read('co-group', drive.out), ['k 0: 0,20-10@29', 'k 41: -41@50']);
});

t.test('what a function gets does not change afterwards', async (t) => {
  const drive = new Drive((context) => factoryOf('co-group', tumbling(10), 100)(context, []), 10);
  drive.records([{ record: { id: 1 }, key: 'k', timestamp: 5 }]);
  drive.advance(20);
  const [first] = drive.out as unknown as [{ record: { left: unknown[] } }];
  drive.records([{ record: { id: 2 }, key: 'k', timestamp: 5 }]);
  t.same(first.record.left, [{ id: 1 }]);
  t.same(read('co-group', drive.out), ['k 0: 1-@9', 'k 0: 1,2-@9']);
});
