/**
 * Rankings and deduplications against sorting all records anew: after each record, the changes that came out, applied one
 * after the other, give what SQL's functions give of all records so far.
 */
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { Batch, Inbox } from '../../core/batch.js';
import { compareKeys, hashKey, type Key } from '../../core/key.js';
import { TIME_MAX } from '../../core/time.js';
import type { Change } from '../../operators/changelog.js';
import { aggregateFold, reduceFold } from '../../operators/fold.js';
import { miniBatchFactory } from '../../operators/mini-batch-fold.js';
import { processFactory } from '../../operators/process.js';
import { byEventTimeSpec, firstArrivalSpec } from '../../operators/ranking/deduplicate.js';
import { materializeSpec, type Upsert } from '../../operators/ranking/materialize.js';
import type { Order, Ties } from '../../operators/ranking/ranking.js';
import { suppressFactory } from '../../operators/ranking/suppress.js';
import { topNSpec } from '../../operators/ranking/top-n.js';
import { EvictingState } from '../level/evicting-state.js';
import { Drive, inMemory } from './drive.js';

const CASES = 1_500;

interface Bid {
  readonly price: number | null;
  readonly size: number;
  readonly id: number;
  /** Tells equal ones apart. */
  readonly n: number;
}

/** Runs a property so many times. */
function holds<T>(t: Test, arbitrary: fc.Arbitrary<T>, check: (value: T) => void): void {
  const property = fc.property(arbitrary, check);
  const { failed, seed, numRuns } = fc.check(property, { numRuns: CASES });
  if (failed) fc.assert(property, { numRuns: CASES, seed });
  t.equal(numRuns, CASES, `seed ${seed}`);
  t.end();
}

const textOf = (value: unknown): string => fc.stringify(value);

/** A table that changes are applied to. */
class Table {
  readonly rows: string[] = [];

  apply({ kind, record }: Change<unknown>): void {
    const text = textOf(record);
    if (kind === 'insert' || kind === 'update-after') this.rows.push(text);
    else {
      const at = this.rows.indexOf(text);
      if (at < 0) throw new Error(`${kind} of ${text}, which is not there`);
      this.rows.splice(at, 1);
    }
  }

  get text(): string {
    return [...this.rows].sort().join('\n');
  }
}

/** Nothing is updated to what it is already. */
function checkPairs(changes: readonly Change<unknown>[]): void {
  for (const [at, { kind, record }] of changes.entries()) {
    const next = changes[at + 1];
    if (kind !== 'update-before') continue;
    if (next?.kind !== 'update-after') throw new Error('half an update');
    if (textOf(next.record) === textOf(record)) throw new Error(`updated to itself: ${textOf(record)}`);
  }
}

interface Scenario {
  readonly n: number;
  readonly offset: number;
  readonly ties: Ties;
  readonly order: Order | readonly Order[];
  readonly mode: 'append' | 'id' | 'changes' | 'changes with id';
  readonly withRank: boolean;
  readonly steps: readonly (Omit<Bid, 'n'> & { readonly removes: number | undefined; readonly restart: boolean })[];
}

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  n: fc.integer({ min: 1, max: 4 }),
  offset: fc.nat({ max: 2 }),
  ties: fc.constantFrom<Ties>('row-number', 'rank', 'dense-rank'),
  order: fc.constantFrom<Order | readonly Order[]>('asc', 'desc', ['asc', 'desc'], ['desc', 'desc']),
  mode: fc.constantFrom('append', 'id', 'changes', 'changes with id'),
  withRank: fc.boolean(),
  steps: fc.array(
    fc.record({
      price: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom(null, Number.NaN)),
      size: fc.integer({ min: 0, max: 2 }),
      id: fc.integer({ min: 0, max: 3 }),
      removes: fc.option(fc.nat(), { nil: undefined, freq: 3 }),
      restart: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    }),
    { maxLength: 30 },
  ),
});

const sortKey = (order: Scenario['order'], { price, size }: Bid): Key =>
  typeof order === 'string' ? price : [price, size];

function compareBids(order: Scenario['order'], a: Bid, b: Bid): number {
  if (typeof order === 'string') return compareKeys(a.price, b.price) * (order === 'asc' ? 1 : -1);
  const [first, second] = order.map((each) => (each === 'asc' ? 1 : -1)) as [number, number];
  return compareKeys(a.price, b.price) * first || compareKeys(a.size, b.size) * second;
}

/** What is in the ranking of rows in order of arrival. */
function rankingOf({ n, offset, ties, order, withRank }: Scenario, bids: readonly Bid[]): string {
  const sorted = bids.toSorted((a, b) => compareBids(order, a, b));
  const ranked = sorted.map((record, at) => {
    const before = sorted.slice(0, at).filter((other) => compareBids(order, other, record) < 0);
    const distinct = before.filter((one, i) => i === 0 || compareBids(order, before[i - 1] as Bid, one) !== 0);
    const rank = ties === 'row-number' ? at + 1 : ties === 'rank' ? before.length + 1 : distinct.length + 1;
    return { rank, record };
  });
  const kept = ranked.filter(({ rank }) => rank > offset && rank <= offset + n);
  return kept
    .map((row) => textOf(withRank ? row : row.record))
    .sort()
    .join('\n');
}

for (const [state, newState] of Object.entries({ memory: inMemory, evicting: () => new EvictingState() })) {
  t.test(`rankings, ${state}`, (t) => {
    holds(t, scenarios, (scenario) => {
      const { mode, order } = scenario;
      const withId = mode === 'id' || mode === 'changes with id';
      const ofChanges = mode === 'changes' || mode === 'changes with id';
      const factory = processFactory(
        topNSpec({
          ...scenario,
          by: (bid: Bid) => sortKey(order, bid),
          id: withId ? (bid: Bid) => bid.id : undefined,
          ofChanges,
          ttl: undefined,
        }),
      );
      const drive = new Drive((context) => factory(context, []), 3, newState);
      const table = new Table();
      let bids: Bid[] = [];
      for (const [n, { removes, restart, ...bid }] of scenario.steps.entries()) {
        if (restart) drive.restart();
        const removed = ofChanges && removes !== undefined ? bids[removes % Math.max(1, bids.length)] : undefined;
        const record = removed ?? { ...bid, n };
        if (removed) bids = bids.filter((other) => other !== removed);
        else {
          const at = withId ? bids.findIndex(({ id }) => id === record.id) : -1;
          const old = bids[at];
          // In its place if it is as good as before.
          if (old && compareBids(order, old, record) === 0) bids = bids.with(at, record);
          else bids = [...bids.filter((other) => other !== old), record];
        }
        const change = ofChanges ? { kind: removed ? 'delete' : 'insert', record: { ...record } } : record;
        drive.records([{ record: change, key: 'k', timestamp: n }]);
        const changes = drive.out.splice(0).map((out) => out.record as Change<unknown>);
        checkPairs(changes);
        for (const each of changes) table.apply(each);
        const wanted = rankingOf(scenario, bids);
        if (table.text !== wanted) throw new Error(`after ${textOf(change)}:\n${table.text}\nnot\n${wanted}`);
      }
      const [rows] = [...drive.state.rows()].filter(({ table }) => table === 'rows');
      const kept = rows ? (rows.value as unknown[]).length : 0;
      const most = mode === 'append' && scenario.ties === 'row-number' ? scenario.n + scenario.offset : bids.length;
      if (kept > most) throw new Error(`${kept} rows are kept, of ${most}`);
    });
  });
}

const timed = fc.array(
  fc.record({ key: fc.constantFrom('a', null), time: fc.integer({ min: -5, max: 5 }), restart: fc.boolean() }),
  { maxLength: 30 },
);

t.test('deduplication', (t) => {
  holds(t, fc.tuple(timed, fc.constantFrom('first', 'last' as const)), ([steps, keep]) => {
    const first = processFactory(firstArrivalSpec(undefined));
    const best = processFactory(byEventTimeSpec(keep as 'first' | 'last', undefined));
    const firstDrive = new Drive((context) => first(context, []), 3);
    const drive = new Drive((context) => best(context, []), 3);
    const table = new Table();
    const seen: { key: string | null; time: number; n: number }[] = [];
    for (const [n, { key, time, restart }] of steps.entries()) {
      if (restart) for (const each of [firstDrive, drive]) each.restart();
      const record = { key, time, n };
      seen.push(record);
      for (const each of [firstDrive, drive]) each.records([{ record, key, timestamp: time }]);
      const changes = drive.out.splice(0).map((out) => out.record as Change<unknown>);
      checkPairs(changes);
      for (const change of changes) table.apply(change);
      const wanted = ['a', null].flatMap((key) => {
        const own = seen.filter((other) => other.key === key);
        const times = own.map((other) => other.time);
        const time = keep === 'first' ? Math.min(...times) : Math.max(...times);
        const kept = keep === 'first' ? own.find((o) => o.time === time) : own.findLast((o) => o.time === time);
        return kept ? [textOf(kept)] : [];
      });
      if (table.text !== wanted.sort().join('\n')) throw new Error(`${table.text}\nnot\n${wanted}`);
    }
    const firsts = ['a', null].flatMap((key) => seen.find((other) => other.key === key) ?? []);
    const found = firstDrive.out.map((out) => (out.record as { n: number }).n);
    if (
      found.join() !==
      firsts
        .map(({ n }) => n)
        .sort((x, y) => x - y)
        .join()
    )
      throw new Error(`${found}`);
  });
});

t.test('a table with one row a key, of changes in whatever order', (t) => {
  const step = fc.record({ v: fc.integer({ min: 0, max: 3 }), removes: fc.boolean(), restart: fc.boolean() });
  holds(t, fc.array(step, { maxLength: 30 }), (steps) => {
    const factory = processFactory(materializeSpec(undefined));
    const drive = new Drive((context) => factory(context, []), 3);
    let rows: number[] = [];
    let table: number | undefined;
    for (const { v, removes, restart } of steps) {
      if (restart) drive.restart();
      drive.records([{ record: { kind: removes ? 'delete' : 'insert', record: { v } }, key: 'k', timestamp: 0 }]);
      const at = rows.lastIndexOf(v);
      if (!removes) rows = [...rows, v];
      else if (at >= 0) rows = rows.toSpliced(at, 1);
      for (const { record } of drive.out.splice(0)) {
        const upsert = record as Upsert<string, { v: number }>;
        if (upsert.key !== 'k') throw new Error('another key');
        table = upsert.kind === 'delete' ? undefined : upsert.record.v;
      }
      if (table !== rows.at(-1)) throw new Error(`${table}, not ${rows.at(-1)}`);
    }
    if (rows.length === 0 && drive.keysLeft > 0) throw new Error('state is left');
  });
});

t.test('suppression until a time', (t) => {
  const step = fc.oneof(
    fc.record({ key: fc.constantFrom('a', 'b'), until: fc.integer({ min: 0, max: 30 }) }),
    fc.record({ by: fc.nat({ max: 10 }) }),
    fc.constant('restart' as const),
  );
  holds(t, fc.tuple(fc.array(step, { maxLength: 30 }), fc.nat({ max: 3 })), ([steps, grace]) => {
    const factory = suppressFactory({ until: ({ until }: { until: number }) => until, graceMs: grace });
    const drive = new Drive((context) => factory(context, []), 2);
    const held = new Map<string, { key: string; until: number; n: number }>();
    let watermark = 0;
    for (const [n, one] of [...steps, { by: 100 }].entries()) {
      if (one === 'restart') drive.restart();
      else if ('key' in one) {
        held.set(`${one.key}${one.until}`, { ...one, n });
        drive.records([{ record: { ...one, n }, key: one.key, timestamp: 0 }]);
      } else {
        watermark += one.by;
        drive.advance(watermark);
        const due = [...held.values()].filter(({ until }) => until + grace <= watermark);
        for (const { key, until } of due) held.delete(`${key}${until}`);
        const found = drive.out.splice(0).map(({ record }) => (record as { n: number }).n);
        if (
          found.sort().join() !==
          due
            .map((each) => each.n)
            .sort()
            .join()
        )
          throw new Error(`${found} at ${watermark}`);
      }
    }
    if (drive.keysLeft > 0) throw new Error('state is left');
  });
});

t.test('suppression to one in a while', (t) => {
  for (const time of ['event', 'processing'] as const) {
    const factory = suppressFactory({ everyMs: 10, time });
    const drive = new Drive((context) => factory(context, []), 2);
    const move = (to: number): void => (time === 'event' ? drive.advance(to) : drive.moveTo(to));
    for (const [n, at] of [5, 6, 14].entries()) {
      if (time === 'processing') drive.moveTo(at);
      drive.records([{ record: n, key: 'k', timestamp: at }]);
    }
    move(14);
    t.same(drive.out, []);
    move(15);
    t.match(drive.out, [{ record: 2 }]);
    drive.records([{ record: 3, key: 'k', timestamp: 20 }]);
    move(24);
    t.equal(drive.out.length, 1);
    move(40);
    t.equal(drive.out.length, 2);
    drive.records([{ record: 4, key: 'k', timestamp: 50 }]);
    drive.advance(TIME_MAX);
    t.match(drive.out.at(-1), { record: 4 }, 'what is held comes out at the end');
    t.equal(drive.keysLeft, 0);
  }
  t.end();
});

t.test('what fails', (t) => {
  const noTime = new Drive((context) => processFactory(byEventTimeSpec('first', undefined))(context, []), 2);
  const infinite = Number.NEGATIVE_INFINITY;
  t.throws(() => noTime.records([{ record: 1, key: 'k', timestamp: infinite }]), { code: 'MILL_TIMESTAMP_MISSING' });
  const every = new Drive((context) => suppressFactory({ everyMs: 5, time: 'event' })(context, []), 2);
  t.throws(() => every.records([{ record: 1, key: 'k', timestamp: infinite }]), { code: 'MILL_TIMESTAMP_MISSING' });
  const until = new Drive((context) => suppressFactory({ until: () => Number.NaN, graceMs: 0 })(context, []), 2);
  t.throws(() => until.records([{ record: 1, key: 'k', timestamp: 1 }]), { code: 'MILL_FUNCTION_FAILED' });
  t.end();
});

t.test('mini-batches: the last result of each key and batch', (t) => {
  const record = fc.record({ key: fc.constantFrom('a', 'b', null), n: fc.integer({ min: 0, max: 9 }) });
  const batches = fc.array(fc.array(record, { minLength: 1, maxLength: 8 }), { maxLength: 8 });
  holds(t, fc.tuple(batches, fc.constantFrom(1, 2, 100)), ([batches, capacity]) => {
    const sums = reduceFold((a: { n: number; key: unknown }, b: { n: number; key: unknown }) => ({
      ...a,
      n: a.n + b.n,
    }));
    const factory = miniBatchFactory(sums);
    const drive = new Drive((context) => factory(context, []), capacity);
    const totals = new Map<unknown, number>();
    for (const batch of batches) {
      drive.records(batch.map((one, at) => ({ record: one, key: one.key, timestamp: at })));
      for (const { key, n } of batch) totals.set(key, (totals.get(key) ?? 0) + n);
      const last = new Map(batch.map(({ key }, at) => [key, at]));
      const wanted = [...last]
        .sort(([, a], [, b]) => a - b)
        .map(([key, timestamp]) => ({ record: { key, n: totals.get(key) }, timestamp }));
      const found = drive.out.splice(0).map(({ record, timestamp }) => {
        const { key, n } = record as { key: unknown; n: number };
        return { record: { key, n }, timestamp };
      });
      if (textOf(found) !== textOf(wanted)) throw new Error(`${textOf(found)}, not ${textOf(wanted)}`);
      drive.restart();
    }
  });
});

t.test('mini-batches: a record that fails, also the last one, loses no result of the others', (t) => {
  const picky = aggregateFold(
    {
      create: () => 0,
      add: (sum: number, n: number) => {
        if (n < 0) throw new Error('negative');
        return sum + n;
      },
    },
    (sum, key) => ({ key, sum }),
  );
  const drive = new Drive((context) => miniBatchFactory(picky)(context, []), 1);
  t.throws(() => drive.records([1, 2, -1].map((n) => ({ record: n, key: 'k', timestamp: 0 }))), {
    message: 'negative',
  });
  drive.records([{ record: 4, key: 'k', timestamp: 0 }]);
  t.match(drive.out, [{ record: { key: 'k', sum: 3 } }, { record: { key: 'k', sum: 7 } }]);
  t.end();
});

t.test("mini-batches: a result that fails is its record's failure, and nothing else is lost", (t) => {
  const picky = aggregateFold({ create: () => 0, add: (sum: number, n: number) => sum + n }, (sum, key) => {
    if (sum === 13) throw new Error('unlucky');
    return { key, sum };
  });
  for (const order of [
    ['a', 'b'],
    ['b', 'a'],
  ]) {
    const drive = new Drive((context) => miniBatchFactory(picky)(context, []), 10);
    const inbox = new Inbox(new Batch(2));
    for (const key of order) inbox.batch.pushKeyed(key === 'a' ? 13 : 1, 0, key, hashKey(key));
    t.throws(() => drive.inbox(inbox), { message: 'unlucky' });
    t.equal(inbox.cursor, order.indexOf('a'));
    inbox.cursor += 1;
    drive.inbox(inbox);
    drive.records([{ record: 2, key: 'a', timestamp: 0 }]);
    const sums = drive.out.map(({ record }) => record as { key: string; sum: number });
    t.same(
      sums.toSorted((x, y) => x.sum - y.sum),
      [
        { key: 'b', sum: 1 },
        { key: 'a', sum: 15 },
      ],
    );
  }
  t.end();
});

t.test('ids and times to live: an id is in a ranking once', (t) => {
  const plain = { n: 5, offset: 0, ties: 'row-number', order: 'desc', ofChanges: false, withRank: true } as const;
  const by = ({ v }: { v: number }): number => v;
  const spec = topNSpec({ ...plain, by, id: ({ id }: { id: number }) => id, ttl: 10 });
  const drive = new Drive((context) => processFactory(spec)(context, []), 10);
  const send = (id: number, v: number): void => drive.records([{ record: { id, v }, key: 'k', timestamp: 0 }]);
  send(1, 5);
  drive.moveTo(6);
  send(2, 4);
  drive.moveTo(12);
  send(1, 9);
  const table = new Table();
  for (const { record } of drive.out) table.apply(record as Change<unknown>);
  t.same(table.rows.sort(), [
    textOf({ rank: 1, record: { id: 1, v: 9 } }),
    textOf({ rank: 2, record: { id: 2, v: 4 } }),
  ]);
  t.end();
});

t.test('what is ranked by, and ids, are keys', (t) => {
  const plain = { n: 5, offset: 0, ties: 'row-number', order: 'desc', ofChanges: false, withRank: true } as const;
  for (const wrong of [undefined, {}, [undefined]]) {
    const by = topNSpec({ ...plain, by: () => wrong as never, id: undefined, ttl: undefined });
    const id = topNSpec({ ...plain, by: () => 1, id: () => wrong as never, ttl: undefined });
    for (const spec of [by, id]) {
      const drive = new Drive((context) => processFactory(spec)(context, []), 10);
      t.throws(() => drive.records([{ record: 1, key: 'k', timestamp: 0 }]), { code: 'MILL_KEY_INVALID' });
    }
  }
  t.end();
});
