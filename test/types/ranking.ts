/** Types of rankings and deduplications, and mistakes that do not compile. Never run; `tsc` is the test. */
import type { Change, Ranked, Stream, Upsert } from 'millrace';
import { recordsOf } from './same.js';

interface Bid {
  readonly auction: number;
  readonly price: number;
}

declare const bids: Stream<Bid>;
declare const changed: Stream<Change<Bid>>;

const byAuction = bids.keyBy((bid) => bid.auction);

recordsOf(byAuction.topN('a', { n: 3, by: (bid) => bid.price })).are<Change<Ranked<Bid>>>(true);
recordsOf(byAuction.topN('b', { n: 3, by: (bid) => [bid.price, 'x'], order: ['asc', 'desc'], ranks: false })).are<
  Change<Bid>
>(true);
recordsOf(changed.keyBy(({ record }) => record.auction).topN('c', { n: 1, by: (bid) => bid.price, changes: true })).are<
  Change<Ranked<Bid>>
>(true);
recordsOf(byAuction.deduplicate('d', { keep: 'first' })).are<Bid>(true);
recordsOf(byAuction.deduplicate('e', { keep: 'last' })).are<Change<Bid>>(true);
recordsOf(byAuction.deduplicate('f', { keep: 'first', by: 'event-time' })).are<Change<Bid>>(true);
recordsOf(changed.keyBy(({ record }) => record.auction).materialize('g')).are<Upsert<number, Bid>>(true);
recordsOf(byAuction.suppress('h', { every: '10s' })).are<Bid>(true);
recordsOf(byAuction.aggregate('i', (a) => ({ n: a.count() }), { miniBatch: true })).are<{
  readonly key: number;
  n: number;
}>(true);

recordsOf(byAuction.reduce('s', (a) => a, { miniBatch: { size: 100, delay: '1s' } })).are<Bid>(true);
recordsOf(byAuction.chunk('t', 100, { within: '1s' })).are<readonly Bid[]>(true);

recordsOf(
  changed
    .keyBy(({ record }) => record.auction)
    .aggregateChanges('q', (a) => ({ best: a.max((b) => b.price), n: a.count() })),
).are<Change<{ readonly key: number; best: number | null; n: number }>>(true);

// @ts-expect-error no such field
changed.keyBy(({ record }) => record.auction).aggregateChanges('r', (a) => ({ best: a.max((b) => b.cents) }));
// @ts-expect-error no such field
byAuction.topN('j', { n: 3, by: (bid) => bid.cents });
// @ts-expect-error what records are ranked by is a key
byAuction.topN('k', { n: 3, by: (bid) => bid });
// @ts-expect-error no such order
byAuction.topN('l', { n: 3, by: (bid) => bid.price, order: 'down' });
// @ts-expect-error which one is to be kept
byAuction.deduplicate('m', {});
// @ts-expect-error until when, or how often
byAuction.suppress('n', {});
// @ts-expect-error no such field
byAuction.suppress('o', { until: (bid) => bid.end });
// @ts-expect-error how long records wait
byAuction.chunk('u', 100);
// @ts-expect-error how many, and how long
byAuction.reduce('v', (a) => a, { miniBatch: { size: 100 } });
