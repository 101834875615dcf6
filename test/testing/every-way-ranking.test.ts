/**
 * Rankings, deduplications and what makes upserts and last records of them, every way: any interleaving, batch size and
 * number of subtasks, killed and restored anywhere.
 */
import { type Change, type Stream, tumbling } from 'millrace';
import { everyWay, type Phase, type Step } from 'millrace/testing';
import t from 'tap';

interface Bid {
  readonly key: string | null;
  readonly price: number;
}

const bid = (key: string | null, price: number, at = price): Step<Bid> => ({ record: { key, price }, at });
const upTo = (watermark: number): Step => ({ watermark });

/** Each key has a channel of its own. */
const BIDS: readonly Phase[] = [
  [
    [bid('a', 5), bid('a', 9), bid('a', 7), upTo(10)],
    [bid(null, 4), bid(null, 4, 2), upTo(10)],
  ],
  [[bid('a', 1), bid('a', 12)], [bid(null, 20)]],
];

const byKey = (bids: Stream<Bid>) => bids.keyBy((b) => b.key);

t.test('top n', async () => {
  const change = (kind: Change<unknown>['kind'], rank: number, key: string | null, price: number) => ({
    kind,
    record: { rank, record: { key, price } },
  });
  await everyWay((bids: Stream<Bid>) => byKey(bids).topN('best', { n: 2, by: (b) => b.price }), BIDS, [
    change('insert', 1, 'a', 5),
    change('update-before', 1, 'a', 5),
    change('update-after', 1, 'a', 9),
    change('insert', 2, 'a', 5),
    change('update-before', 2, 'a', 5),
    change('update-after', 2, 'a', 7),
    change('update-before', 1, 'a', 9),
    change('update-after', 1, 'a', 12),
    change('update-before', 2, 'a', 7),
    change('update-after', 2, 'a', 9),
    change('insert', 1, null, 4),
    change('insert', 2, null, 4),
    change('update-before', 1, null, 4),
    change('update-after', 1, null, 20),
  ]);
});

t.test('deduplication', async () => {
  const first = (bids: Stream<Bid>) => byKey(bids).deduplicate('first', { keep: 'first' });
  await everyWay(first, BIDS, [
    { key: 'a', price: 5 },
    { key: null, price: 4 },
  ]);
  const earliest = (bids: Stream<Bid>) => byKey(bids).deduplicate('earliest', { keep: 'first', by: 'event-time' });
  await everyWay(earliest, BIDS, [
    { kind: 'insert', record: { key: 'a', price: 5 } },
    { kind: 'update-before', record: { key: 'a', price: 5 } },
    { kind: 'update-after', record: { key: 'a', price: 1 } },
    // An earlier one that is equal changes nothing.
    { kind: 'insert', record: { key: null, price: 4 } },
  ]);
});

t.test('a ranking of a ranking, materialised', async () => {
  const table = (bids: Stream<Bid>) =>
    byKey(bids)
      .topN('last', { n: 1, by: (b) => b.price, ranks: false })
      .keyBy(({ record }) => record.key)
      .materialize('table');
  await everyWay(table, BIDS, [
    { kind: 'upsert', key: 'a', record: { key: 'a', price: 5 } },
    { kind: 'delete', key: 'a' },
    { kind: 'upsert', key: 'a', record: { key: 'a', price: 9 } },
    { kind: 'delete', key: 'a' },
    { kind: 'upsert', key: 'a', record: { key: 'a', price: 12 } },
    { kind: 'upsert', key: null, record: { key: null, price: 4 } },
    { kind: 'delete', key: null },
    { kind: 'upsert', key: null, record: { key: null, price: 20 } },
  ]);
});

t.test('only the last result of windows that fire several times', async () => {
  const final = (bids: Stream<Bid>) =>
    byKey(bids)
      .window(tumbling(10), { lateness: 20 })
      .aggregate('sums', (a) => ({ sum: a.sum((b) => b.price) }))
      .keyBy(({ key, window }) => [key, window.start])
      .suppress('final', { until: ({ window }) => window.end - 1, grace: 20 });
  await everyWay(
    final,
    [...BIDS, [[upTo(29)], [upTo(29)]]],
    [
      { key: 'a', window: { start: 0, end: 10 }, sum: 22 },
      { key: 'a', window: { start: 10, end: 20 }, sum: 12 },
      { key: null, window: { start: 0, end: 10 }, sum: 8 },
      { key: null, window: { start: 20, end: 30 }, sum: 20 },
    ],
  );
});
