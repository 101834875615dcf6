/**
 * Aggregates of changelogs against aggregating what is left of the table: after each change, the changes that came out,
 * applied one after the other, give the results of all records that are there.
 */
import fc from 'fast-check';
import t from 'tap';
import { aggregateChangesSpec } from '../../operators/aggregate/aggregate-changes.js';
import { type AggregateParts, aggregateBuilder } from '../../operators/aggregate/aggregates.js';
import { composeAggregates } from '../../operators/aggregate/compose-aggregates.js';
import type { Change } from '../../operators/changelog.js';
import { processFactory } from '../../operators/process.js';
import { EvictingState } from '../level/evicting-state.js';
import { Drive, inMemory } from './drive.js';

const CASES = 1_500;

interface Row {
  readonly n: number | null;
  readonly name: string | null;
}

const a = aggregateBuilder<Row>();
const PARTS = {
  all: a.count(),
  named: a.count((r) => r.name),
  sum: a.sum((r) => r.n),
  mean: a.avg((r) => r.n),
  least: a.min((r) => r.n),
  most: a.max((r) => r.n),
  // Of whole records: equal values of different ones can't be told apart.
  first: a.first(),
  last: a.last(),
  rows: a.collect(),
  distinct: a.distinct((r) => [r.name, r.n]),
  variance: a.variance((r) => r.n),
  stddev: a.stddev((r) => r.n, { population: true }),
  leastRow: a.argMin((r) => r.n),
  mostName: a.argMax(
    (r) => r.n,
    (r) => r.name,
  ),
  top: a.topK(
    2,
    (r) => r.n,
    (r) => r.n,
  ),
  buckets: a.histogram((r) => r.n, [0, 2]),
  own: a.custom({
    create: () => 0,
    add: (sum: number, r: Row) => sum + (r.n === 1 ? 1 : 0),
    retract: (sum, r) => sum - (r.n === 1 ? 1 : 0),
    merge: (x, y) => x + y,
    result: (sum) => ({ ones: sum }),
  }),
};
const plain = composeAggregates(PARTS);

/** Rounded, as taking back is not as exact as never having added. */
function textOf(record: unknown): string {
  const rounded = (value: unknown): unknown =>
    typeof value === 'number' && Number.isFinite(value) ? Math.round(value * 1e6) / 1e6 + 0 : value;
  return fc.stringify(
    Object.entries(record as object).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(rounded) : rounded(value),
    ]),
  );
}

const numbers = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -1, max: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom(null, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY) },
);
const steps = fc.array(
  fc.record({
    row: fc.record({ n: numbers, name: fc.constantFrom('x', 'y', null) }, { noNullPrototype: true }),
    takes: fc.option(fc.nat(), { nil: undefined, freq: 2 }),
    restart: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  }),
  { maxLength: 25 },
);

/** The first of equal ones is taken: which one it was, nobody can say. */
function without(rows: readonly Row[], row: Row): Row[] {
  const at = rows.findIndex((each) => fc.stringify(each) === fc.stringify(row));
  return rows.toSpliced(at, 1);
}

for (const [state, newState] of Object.entries({ memory: inMemory, evicting: () => new EvictingState() })) {
  t.test(`aggregates of what is left, ${state}`, (t) => {
    const property = fc.property(steps, (all) => {
      const factory = processFactory(aggregateChangesSpec(PARTS as AggregateParts<never>, undefined));
      const drive = new Drive((context) => factory(context, []), 3, newState);
      let rows: Row[] = [];
      let shown: string | undefined;
      for (const { row, takes, restart } of all) {
        if (restart) drive.restart();
        const taken = takes === undefined ? undefined : rows[takes % Math.max(1, rows.length)];
        rows = taken ? without(rows, taken) : [...rows, row];
        const change = taken ? { kind: 'delete', record: { ...taken } } : { kind: 'insert', record: row };
        drive.records([{ record: change, key: 'k', timestamp: 0 }]);
        for (const { record } of drive.out.splice(0)) {
          const { kind, record: result } = record as Change<object>;
          const text = textOf(result);
          if (kind === 'update-before' || kind === 'delete') {
            if (shown !== text) throw new Error(`${kind} of ${text}, where there is ${shown}`);
            shown = undefined;
          } else shown = text;
        }
        const acc = rows.reduce((sum: unknown[], each) => plain.add(sum, each), plain.create());
        const wanted = rows.length === 0 ? undefined : textOf(plain.keyedResult(acc, 'k'));
        if (shown !== wanted) throw new Error(`${fc.stringify(change)}:\n${shown}\nnot\n${wanted}`);
      }
      if (rows.length === 0 && drive.keysLeft > 0) throw new Error('state is left');
    });
    const { failed, numRuns, seed } = fc.check(property, { numRuns: CASES });
    if (failed) fc.assert(property, { numRuns: CASES, seed });
    t.equal(numRuns, CASES, `seed ${seed}`);
    t.end();
  });
}

/** As under `onError: 'skip'`. A function that throws may have changed its accumulator. */
const OWN = a.custom({
  create: () => ({ sum: 0 }),
  add(acc, { n, name }: Row) {
    acc.sum += n ?? 0;
    if (name === 'add') throw new Error('add');
    return acc;
  },
  retract(acc, { n, name }) {
    acc.sum -= n ?? 0;
    if (name === 'retract') throw new Error('retract');
    return acc;
  },
  merge: (x) => x,
  result({ sum }) {
    if (sum === 3) throw new Error('result');
    return sum;
  },
});

for (const [state, newState] of Object.entries({ memory: inMemory, evicting: () => new EvictingState() })) {
  t.test(`a change on which a function throws leaves no trace, ${state}`, (t) => {
    const parts = { n: a.count(), own: OWN, most: a.max((r) => r.n), again: OWN };
    const step = fc.record({
      row: fc.record({ n: fc.integer({ min: 0, max: 3 }), name: fc.constantFrom('x', 'add', 'retract') }),
      takes: fc.option(fc.nat(), { nil: undefined, freq: 1 }),
    });
    const property = fc.property(fc.array(step, { maxLength: 20 }), (all) => {
      const factory = processFactory(aggregateChangesSpec(parts as AggregateParts<never>, undefined));
      const drive = new Drive((context) => factory(context, []), 3, newState);
      let rows: Row[] = [];
      let shown: string | undefined;
      for (const { row, takes } of all) {
        const taken = takes === undefined ? undefined : rows[takes % Math.max(1, rows.length)];
        const after = taken ? without(rows, taken) : [...rows, row];
        const sum = after.reduce((sum, { n }) => sum + (n ?? 0), 0);
        // With the last row the key is gone, without asking anybody.
        const throws = after.length > 0 && (sum === 3 || (taken ? taken.name === 'retract' : row.name === 'add'));
        let threw = false;
        try {
          const change = taken ? { kind: 'delete', record: taken } : { kind: 'insert', record: row };
          drive.records([{ record: change, key: 'k', timestamp: 0 }]);
        } catch {
          threw = true;
        }
        if (threw !== throws) throw new Error(`threw: ${threw}`);
        if (!threw) rows = after;
        for (const { record } of drive.out.splice(0)) {
          const { kind, record: result } = record as Change<object>;
          const removes = kind === 'update-before' || kind === 'delete';
          if (removes && shown !== textOf(result)) throw new Error(`${kind} of ${textOf(result)}, not ${shown}`);
          shown = removes ? undefined : textOf(result);
        }
        const total = rows.reduce((sum, { n }) => sum + (n ?? 0), 0);
        const most = Math.max(...rows.map(({ n }) => n ?? 0));
        const wanted =
          rows.length > 0 ? textOf({ key: 'k', n: rows.length, own: total, most, again: total }) : undefined;
        if (shown !== wanted) throw new Error(`${shown}, not ${wanted}`);
      }
    });
    const { failed, numRuns, seed } = fc.check(property, { numRuns: CASES });
    if (failed) fc.assert(property, { numRuns: CASES, seed });
    t.equal(numRuns, CASES, `seed ${seed}`);
    t.end();
  });
}

t.test('what a key has not been changed for longer than the time to live is forgotten', (t) => {
  const factory = processFactory(aggregateChangesSpec({ n: a.count() } as AggregateParts<never>, 10));
  const drive = new Drive((context) => factory(context, []), 3);
  const take = (kind: 'insert' | 'delete'): unknown[] => {
    drive.records([{ record: { kind, record: { n: 1, name: null } }, key: 'k', timestamp: 0 }]);
    return drive.out.splice(0).map(({ record }) => (record as Change<object>).kind);
  };
  t.same(take('insert'), ['insert']);
  drive.moveTo(9);
  t.same(take('insert'), ['update-before', 'update-after']);
  drive.restart();
  drive.moveTo(18);
  t.same(take('insert'), ['update-before', 'update-after'], 'a change lets it live on');
  drive.moveTo(40);
  t.equal(drive.keysLeft, 0);
  t.same(take('delete'), [], 'what is forgotten cannot be removed');
  t.same(take('insert'), ['insert']);
  t.end();
});

t.test('what takes nothing back; what is removed and was not there', (t) => {
  const invalid = { code: 'MILL_OPTION_INVALID' };
  const sum = { create: () => 0, add: (x: number) => x, merge: (x: number) => x, result: (x: number) => x };
  for (const parts of [
    { q: a.quantile((r) => r.n, 0.5) },
    { d: a.distinctApprox((r) => r.name) },
    { c: a.custom(sum) },
    {},
    { key: a.count() },
  ])
    t.throws(() => aggregateChangesSpec(parts as AggregateParts<never>, undefined), invalid);
  const factory = processFactory(aggregateChangesSpec({ n: a.count() } as AggregateParts<never>, undefined));
  const drive = new Drive((context) => factory(context, []), 3);
  drive.records([{ record: { kind: 'delete', record: { n: 1, name: null } }, key: 'k', timestamp: 0 }]);
  t.same(drive.out, []);
  t.equal(drive.keysLeft, 0);
  t.end();
});
