/**
 * Joins of changelogs against joining the tables: after each change, the changes that came out, applied one after the
 * other, give the join of both tables, and never take away what is not there.
 */
import fc from 'fast-check';
import t from 'tap';
import type { Change, ChangeKind } from '../../operators/changelog.js';
import { changelogJoinSpec } from '../../operators/join/changelog-join.js';
import { processFactory } from '../../operators/process.js';
import { valueText } from '../../operators/value-text.js';
import { EvictingState } from '../level/evicting-state.js';
import { Drive, inMemory } from './drive.js';

const CASES = 1_500;
const TYPES = ['inner', 'left', 'right', 'full', 'semi', 'anti'] as const;
type Type = (typeof TYPES)[number];

interface Row {
  readonly key: number;
  readonly n: number;
}

interface Step {
  readonly port: 0 | 1;
  readonly row: Row;
  /** Takes one away, if there is one; of those there are, this one. */
  readonly takes: number | undefined;
  readonly update: boolean;
  readonly restart: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  port: fc.constantFrom(0, 1),
  row: fc.record({ key: fc.integer({ min: 0, max: 1 }), n: fc.integer({ min: 0, max: 2 }) }),
  takes: fc.option(fc.nat(), { nil: undefined }),
  update: fc.boolean(),
  restart: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});

const combine = (left: unknown, right: unknown): unknown => [left, right];
const textOf = (record: unknown): string => JSON.stringify(record, (_, of) => (of === undefined ? 'none' : of));

function joined(type: Type, [left, right]: readonly [readonly Row[], readonly Row[]]): string[] {
  const matching = (row: Row, others: readonly Row[]): Row[] => others.filter(({ key }) => key === row.key);
  if (type === 'semi' || type === 'anti') {
    const kept = left.filter((row) => matching(row, right).length > 0 === (type === 'semi'));
    return kept.map((row) => textOf([row, undefined])).sort();
  }
  const pairs: unknown[][] = left.flatMap((row) => matching(row, right).map((other) => [row, other]));
  if (type === 'left' || type === 'full')
    pairs.push(...left.filter((row) => matching(row, right).length === 0).map((row) => [row, undefined]));
  if (type === 'right' || type === 'full')
    pairs.push(...right.filter((row) => matching(row, left).length === 0).map((row) => [undefined, row]));
  return pairs.map(textOf).sort();
}

const adds = (kind: ChangeKind): boolean => kind === 'insert' || kind === 'update-after';

class Table {
  readonly rows: string[] = [];

  apply({ kind, record }: Change<unknown>): void {
    const text = textOf(record);
    if (adds(kind)) {
      this.rows.push(text);
      return;
    }
    const at = this.rows.indexOf(text);
    if (at < 0) throw new Error(`${kind} of ${text}, which is not there`);
    this.rows.splice(at, 1);
  }
}

function driveOf(type: Type, newState = inMemory, ttl?: number): Drive {
  const factory = processFactory(changelogJoinSpec({ type, combine, ttl }));
  return new Drive((context) => factory(context, []), 3, newState);
}

function check(steps: readonly Step[], type: Type, newState = inMemory): void {
  const drive = driveOf(type, newState);
  const tables: [Row[], Row[]] = [[], []];
  const result = new Table();
  for (const { port, row, takes, update, restart } of steps) {
    if (restart) drive.restart();
    const own = tables[port];
    const record = takes === undefined ? row : own[takes % Math.max(1, own.length)];
    if (record === undefined) continue;
    if (takes === undefined) own.push(record);
    else own.splice(own.indexOf(record), 1);
    const kind = takes === undefined ? (update ? 'update-after' : 'insert') : update ? 'update-before' : 'delete';
    // Equal, and not the same.
    drive.records(
      [{ record: { kind, record: { n: record.n, key: record.key } }, key: record.key, timestamp: 5 }],
      port,
    );
    for (const { record: change } of drive.out.splice(0)) result.apply(change as Change<unknown>);
    const [found, wanted] = [[...result.rows].sort().join('\n'), joined(type, tables).join('\n')];
    if (inOrder(found) !== inOrder(wanted)) throw new Error(`${kind} ${textOf(record)}: ${found}\nnot\n${wanted}`);
  }
  for (const port of [0, 1] as const) {
    for (const record of tables[port])
      drive.records([{ record: { kind: 'delete', record }, key: record.key, timestamp: 5 }], port);
  }
  if (drive.keysLeft > 0) throw new Error(`${drive.keysLeft} keys are left`);
}

/** Without the order of fields. */
const inOrder = (text: string): string =>
  text
    .replace(/\{"n":(\d),"key":(\d)\}/g, '{"key":$2,"n":$1}')
    .split('\n')
    .sort()
    .join('\n');

const STATES = { memory: inMemory, evicting: () => new EvictingState() };

for (const type of TYPES) {
  for (const [named, newState] of Object.entries(STATES)) {
    t.test(`${type}, ${named} state`, (t) => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 30 }), (steps) => check(steps, type, newState)),
        { numRuns: CASES },
      );
      t.end();
    });
  }
}

const insert = (n: number) => ({ record: { key: 1, n }, key: 1, timestamp: 5 });
const change = (kind: ChangeKind, n: number) => ({ record: { kind, record: { key: 1, n } }, key: 1, timestamp: 7 });
const kinds = (drive: Drive): unknown[] =>
  drive.out.splice(0).map(({ record }) => {
    const { kind, record: pair } = record as Change<readonly (Row | undefined)[]>;
    return [kind, ...pair.map((row) => row?.n)];
  });

t.test('in inner joins a result is of the kind of its change; records that are no changes are insertions', (t) => {
  const drive = driveOf('inner');
  drive.records([insert(1)], 0);
  drive.records([insert(2)], 1);
  drive.records([change('update-before', 1), change('update-after', 3)], 0);
  t.same(kinds(drive), [
    ['insert', 1, 2],
    ['update-before', 1, 2],
    ['update-after', 3, 2],
  ]);
  t.end();
});

t.test('a first match takes the row without one away before it comes; the last one leaves it again', (t) => {
  const drive = driveOf('full');
  drive.records([insert(1), insert(1)], 0);
  drive.records([insert(2), change('delete', 2)], 1);
  t.same(kinds(drive), [
    ['insert', 1, undefined],
    ['insert', 1, undefined],
    ['delete', 1, undefined],
    ['delete', 1, undefined],
    ['insert', 1, 2],
    ['insert', 1, 2],
    ['delete', 1, 2],
    ['delete', 1, 2],
    ['insert', 1, undefined],
    ['insert', 1, undefined],
  ]);
  t.end();
});

t.test('with a time to live records are forgotten, and nothing is left of them', (t) => {
  const drive = driveOf('left', inMemory, 10);
  drive.records([insert(1)], 1);
  drive.moveTo(9);
  drive.records([insert(2)], 0);
  drive.moveTo(10);
  drive.records([insert(3)], 0);
  t.same(kinds(drive), [
    ['insert', 2, 1],
    ['insert', 3, undefined],
  ]);
  drive.moveTo(40);
  t.equal(drive.keysLeft, 0);
  t.end();
});

t.test('a function that throws leaves both tables as they were', (t) => {
  let throws = false;
  const spec = changelogJoinSpec({
    type: 'inner',
    ttl: undefined,
    combine: (left, right) => {
      if (throws) throw new Error('no');
      return [left, right];
    },
  });
  const drive = new Drive((context) => processFactory(spec)(context, []), 3);
  drive.records([insert(1)], 0);
  throws = true;
  t.throws(() => drive.records([insert(2)], 1), /no/);
  throws = false;
  drive.records([insert(3)], 0);
  t.same(kinds(drive), []);
  t.end();
});

t.test('equal values have equal texts, others do not', (t) => {
  const plain = [undefined, null, 0, Number.NaN, 1, 1n, '1', 'undefined', true, new Date(5), 5];
  const nested = [[], [1], ['array', 1], ['undefined'], {}, { a: 1 }, { a: 1, b: 2 }, { a: [1] }, { a: undefined }];
  const others = [new Map([[1, 2]]), new Map([[2, 1]]), new Set([1]), new Set([1, 2]), new Uint8Array([1, 2])];
  const values = [...plain, ...nested, ...others];
  t.equal(new Set(values.map(valueText)).size, values.length);
  t.equal(valueText({ b: [1, { d: 1, c: 2 }], a: -0 }), valueText({ a: 0, b: [1, { c: 2, d: 1 }] }));
  t.end();
});
