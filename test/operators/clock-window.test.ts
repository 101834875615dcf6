/** Windows by the clock against a naive model: any keys, any times, the clock also going back, cut anywhere. */
import fc from 'fast-check';
import t from 'tap';
import { aggregateBuilder } from '../../operators/aggregate/aggregates.js';
import { calendar, tumbling } from '../../operators/window/assigners.js';
import { windowFactory } from '../../operators/window/window-factory.js';
import { aggregateFold, elementsFold } from '../../operators/window/window-fold.js';
import { Drive } from './drive.js';

const CASES = 2_000;

interface Event {
  readonly id: number;
}

interface Result {
  readonly key: unknown;
  readonly window: { readonly start: number; readonly end: number };
  readonly ids: readonly number[];
}

type Step =
  | { readonly kind: 'records'; readonly keys: readonly unknown[] }
  | { readonly kind: 'move'; readonly by: number }
  | { readonly kind: 'restart' };

const scenarios = fc.record({
  size: fc.integer({ min: 1, max: 12 }),
  offset: fc.nat({ max: 11 }),
  start: fc.integer({ min: -30, max: 30 }),
  capacity: fc.constantFrom(1, 2, 1_000),
  process: fc.boolean(),
  steps: fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc
          .array(fc.constantFrom<unknown>('a', 'b', null, 1, '1'), { minLength: 1, maxLength: 6 })
          .map((keys): Step => ({ kind: 'records', keys })),
      },
      { weight: 4, arbitrary: fc.integer({ min: -6, max: 14 }).map((by): Step => ({ kind: 'move', by })) },
      { weight: 1, arbitrary: fc.constant<Step>({ kind: 'restart' }) },
    ),
    { maxLength: 40 },
  ),
});

const asAggregate = aggregateFold({ ids: aggregateBuilder<Event>().collect((e) => e.id) });
const asProcess = elementsFold<Event, Result>((key, window, records) => [
  { key, window, ids: records.map(({ id }) => id) },
]);

type Scenario = typeof scenarios extends fc.Arbitrary<infer S> ? S : never;

function check({ size, offset, start, capacity, process, steps }: Scenario): void {
  const assigner = tumbling(size, { offset: offset % size });
  const factory = windowFactory({
    assigner,
    latenessMs: 0,
    time: 'processing',
    fold: process ? asProcess : asAggregate,
  });
  const drive = new Drive((context) => factory(context, []), capacity);
  drive.now = start;
  const open = new Map<number, Map<unknown, number[]>>();
  let fired = Number.NEGATIVE_INFINITY;
  let id = 0;

  const add = (key: unknown): void => {
    const time = Math.max(drive.now, fired + 1);
    const from = Math.floor((time - (offset % size)) / size) * size + (offset % size);
    const window = open.get(from) ?? new Map<unknown, number[]>();
    open.set(from, window.set(key, [...(window.get(key) ?? []), id]));
  };
  const due = (): unknown[] => {
    const windows = [...open].filter(([from]) => from + size <= drive.now).sort(([a], [b]) => a - b);
    fired = Math.max(fired, drive.now - 1);
    return windows.flatMap(([from, keys]) => {
      open.delete(from);
      return [...keys].map(([key, ids]) => ({ key, window: { start: from, end: from + size }, ids }));
    });
  };
  const compare = (wanted: unknown[]): void => {
    const found = drive.out.splice(0).map(({ record, timestamp }) => {
      const { key, window, ids } = record as Result;
      if (timestamp !== window.end - 1) throw new Error(`stamped ${timestamp}`);
      return { key, window, ids };
    });
    const [left, right] = [found, wanted].map((all) => fc.stringify(sorted(all as Result[])));
    if (left !== right) throw new Error(`${left}, not ${right}`);
    const starts = found.map(({ window }) => window.start);
    if (starts.some((one, at) => one < (starts[at - 1] ?? one))) throw new Error('windows out of order');
  };

  for (const step of [...steps, { kind: 'move', by: 1_000 } as const]) {
    if (step.kind === 'restart') {
      drive.restart();
      fired = Number.NEGATIVE_INFINITY;
    } else if (step.kind === 'move') {
      drive.moveTo(drive.now + step.by);
      compare(due());
    } else {
      const first = id;
      for (const key of step.keys) {
        add(key);
        id += 1;
      }
      drive.records(step.keys.map((key, at) => ({ record: { id: first + at }, key, timestamp: 7 })));
      compare([]);
    }
  }
  if ([...drive.state.rows()].length > 0) throw new Error('state is left');
}

const sorted = (all: Result[]): Result[] =>
  all.toSorted((a, b) => a.window.start - b.window.start || (fc.stringify(a.key) < fc.stringify(b.key) ? -1 : 1));

t.test('windows by the clock', (t) => {
  const property = fc.property(scenarios, check);
  const { failed, numRuns, seed } = fc.check(property, { numRuns: CASES });
  if (failed) fc.assert(property, { numRuns: CASES, seed });
  t.equal(numRuns, CASES, `seed ${seed}`);
  t.end();
});

t.test('days by the clock are those of their zone', async (t) => {
  const factory = windowFactory({
    assigner: calendar('day', { zone: 'Europe/Berlin' }),
    latenessMs: 0,
    time: 'processing',
    fold: asAggregate,
  });
  const drive = new Drive((context) => factory(context, []), 10);
  await drive.opened;
  drive.now = Date.parse('2026-10-25T00:30:00+02:00');
  drive.records([{ record: { id: 1 }, key: 'k', timestamp: 0 }]);
  drive.moveTo(Date.parse('2026-10-25T23:59:59.999+01:00'));
  t.same(drive.out, []);
  drive.moveTo(Date.parse('2026-10-26T00:00:00+01:00'));
  const window = {
    start: Date.parse('2026-10-25T00:00:00+02:00'),
    end: Date.parse('2026-10-26T00:00:00+01:00'),
  };
  t.match(drive.out, [{ record: { key: 'k', window, ids: [1] }, timestamp: window.end - 1 }]);
});

t.test('a record that fails stays at the cursor, and those after it come into the window', (t) => {
  const fold = { ...asProcess, add: (acc: Event[], record: Event) => pick(acc, record) };
  const pick = (acc: Event[], record: Event): Event[] => {
    if (record.id === 13) throw new Error('not 13');
    return asProcess.add(acc, record);
  };
  const factory = windowFactory({ assigner: tumbling(10), latenessMs: 0, time: 'processing', fold });
  const drive = new Drive((context) => factory(context, []), 10);
  const send = (id: number): void => drive.records([{ record: { id }, key: 'k', timestamp: 0 }]);
  t.throws(() => send(13), { message: 'not 13' });
  send(14);
  drive.moveTo(10);
  t.match(drive.out, [{ record: { ids: [14] } }]);
  t.same([...drive.state.rows()], []);
  t.end();
});
