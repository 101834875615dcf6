/**
 * Joins of changelogs and state with a time to live, every way: any interleaving, batch size and number of subtasks, killed
 * and restored anywhere, with other numbers of subtasks.
 */
import { type Change, type Stream, state } from 'millrace';
import { everyWay, type Phase, type Step } from 'millrace/testing';
import t from 'tap';
import { Random } from '../../core/random.js';
import { valueText } from '../../operators/value-text.js';

t.setTimeout(120_000);

interface Row {
  readonly key: string | null;
  readonly n: number;
}

type Pair = readonly [Row | undefined, Row | undefined];

const KEYS = ['a', 'b', null] as const;

/** Insertions and deletions of rows; each side has a channel of its own, which comes after the other's. */
function changesOf(random: Random): { phases: Phase[]; left: Row[]; right: Row[] } {
  const tables: Record<'first' | 'second', Row[]> = { first: [], second: [] };
  const phases: Phase[] = [];
  for (let phase = 0; phase < 6; phase += 1) {
    const side = phase % 2 === 0 ? 'first' : 'second';
    const table = tables[side];
    const steps: Step<Change<Row>>[] = Array.from({ length: 1 + random.below(4) }, () => {
      const taken = random.below(3) === 0 ? table.splice(random.below(table.length + 1), 1)[0] : undefined;
      if (taken) return { record: { kind: 'delete', record: taken }, at: 1 };
      const row = { key: KEYS[random.below(3)] as Row['key'], n: random.below(3) };
      table.push(row);
      return { record: { kind: 'insert', record: row }, at: 1 };
    });
    phases.push({ [side]: [steps], [side === 'first' ? 'second' : 'first']: [[]] });
  }
  return { phases, left: tables.first, right: tables.second };
}

/** The rows of the joined table, as text. */
function joined(left: readonly Row[], right: readonly Row[]): string[] {
  const matching = (row: Row, others: readonly Row[]): Row[] => others.filter(({ key }) => key === row.key);
  const pairs: Pair[] = left.flatMap((row) => matching(row, right).map((other): Pair => [row, other]));
  pairs.push(...left.filter((row) => matching(row, right).length === 0).map((row): Pair => [row, undefined]));
  pairs.push(...right.filter((row) => matching(row, left).length === 0).map((row): Pair => [undefined, row]));
  return pairs.map(textOf);
}

const textOf = (pair: Pair): string => valueText(pair);

t.test('changelog joins', async (t) => {
  let [kills, rescales] = [0, 0];
  for (let seed = 0; seed < 50; seed += 1) {
    const { phases, left, right } = changesOf(new Random(seed));
    const counts = new Map<string, number>();
    for (const text of joined(left, right)) counts.set(text, (counts.get(text) ?? 0) + 1);
    const report = await everyWay(
      (first: Stream<Change<Row>>, second: Stream<Change<Row>>) =>
        first
          .keyBy(({ record }) => record.key)
          .changelogJoin(
            'joined',
            second.keyBy(({ record }) => record.key),
            (a, b): Pair => [a, b],
            { type: 'full' },
          )
          // How often each row is in the table, once all is over.
          .keyBy(({ record }) => textOf(record))
          .process('table', {
            state: { count: state.value({ initial: 0 }) },
            onRecord({ kind }, ctx) {
              const count = ctx.state.count.get() + (kind === 'insert' || kind === 'update-after' ? 1 : -1);
              if (count < 0) throw new Error(`${ctx.key} is taken away, and is not there`);
              ctx.state.count.set(count);
              ctx.eventTimers.add(1_000);
            },
            onTimer: (_time, ctx) => (ctx.state.count.get() > 0 ? [[ctx.key, ctx.state.count.get()] as const] : []),
          }),
      phases,
      [...counts],
      { ways: 20 },
    );
    kills += report.kills;
    rescales += report.rescales;
  }
  t.ok(kills > 500 && rescales > 300, `${kills} kills, ${rescales} rescales`);
});

t.test('changes of records that replace one another', async () => {
  const row = (key: Row['key'], n: number): Step<Row> => ({ record: { key, n }, at: n });
  const change = (kind: Change<Row>['kind'], key: Row['key'], n: number) => ({ kind, record: { key, n } });
  await everyWay(
    (rows: Stream<Row>) => rows.keyBy((r) => r.key).changes('changes', { isDelete: (r) => r.n === 0 }),
    [
      [
        [row('a', 1), row('a', 2), row('a', 0)],
        [row(null, 3), row(null, 3)],
      ],
      [[row('a', 4)], [row(null, 5)]],
    ],
    [
      change('insert', 'a', 1),
      change('update-before', 'a', 1),
      change('update-after', 'a', 2),
      change('delete', 'a', 2),
      change('insert', 'a', 4),
      change('insert', null, 3),
      change('update-before', null, 3),
      change('update-after', null, 5),
    ],
  );
});

t.test('aggregates of a table that changes', async () => {
  const row = (key: Row['key'], n: number): Step<Row> => ({ record: { key, n }, at: n });
  const change = (kind: Change<Row>['kind'], key: Row['key'], rows: number, most: number) => ({
    kind,
    record: { key, rows, most },
  });
  await everyWay(
    (rows: Stream<Row>) =>
      rows
        .keyBy((r) => r.n % 10)
        .changes('changes')
        .keyBy(({ record }) => record.key)
        .aggregateChanges('aggregates', (a) => ({ rows: a.count(), most: a.max((r) => r.n) })),
    // One key at a time: the changes of several come in any order.
    [[[row('a', 1)]], [[row('a', 12)]], [[row(null, 11)]], [[row('a', 22)]], [[row(null, 2)]]],
    [
      change('insert', 'a', 1, 1),
      change('update-before', 'a', 1, 1),
      change('update-after', 'a', 2, 12),
      change('update-before', 'a', 2, 12),
      change('update-after', 'a', 1, 12),
      change('insert', null, 1, 11),
      change('delete', 'a', 1, 12),
      change('insert', 'a', 1, 22),
      change('delete', 'a', 1, 22),
      change('update-before', null, 1, 11),
      change('update-after', null, 2, 11),
    ],
  );
});

for (const time of ['event', 'processing'] as const) {
  t.test(`state that lives for so long, in ${time} time`, async () => {
    const click = (key: Row['key'], n: number, at: number): Step<Row> => ({ record: { key, n }, at });
    const upTo = (watermark: number): Step => ({ watermark });
    const build = (rows: Stream<Row>) =>
      rows
        .keyBy((r) => r.key)
        .process('lives', {
          state: {
            last: state.value<number>({ ttl: { after: 10, time } }),
            all: state.list<number>({ ttl: { after: 10, time } }),
            by: state.map<number, number>({ ttl: { after: 10, time } }),
          },
          onRecord(r, ctx) {
            const seen = `${ctx.key} ${ctx.state.last.get() ?? '-'} ${ctx.state.all.get()} ${[...ctx.state.by.keys()]}`;
            ctx.state.last.set(r.n);
            ctx.state.all.add(r.n);
            ctx.state.by.set(r.n, r.n);
            return [seen];
          },
        });
    const moveTo = (now: number, by: number): Phase[] => [[[upTo(now)], [upTo(now)]], { advance: by }];
    await everyWay(
      build,
      [
        [[click('a', 1, 0)], [click(null, 7, 0)]],
        ...moveTo(6, 6),
        [[click('a', 2, 6)], []],
        ...moveTo(11, 5),
        [[click('a', 3, 11)], [click(null, 8, 11)]],
        ...moveTo(40, 29),
        [[click('a', 4, 40)], []],
      ],
      ['a -  ', 'null -  ', 'a 1 1 1', 'a 2 2 2', 'null -  ', 'a -  '],
    );
  });
}
