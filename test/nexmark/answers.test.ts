/**
 * Nexmark's queries give the answers that they should: on one worker and two, with state on the heap and on disk, and when
 * the process dies in the middle.
 */
import { callback, fileSink, fromIterable, job, ndjson, run } from 'millrace';
import { simulate } from 'millrace/testing';
import t, { type Test } from 'tap';
import { answerOf, type Row, Table } from '../../bench/nexmark/answers.js';
import type { Auction, Bid, NexmarkEvent } from '../../bench/nexmark/events.js';
import { rowsOf } from '../../bench/nexmark/nexmark.js';
import { nexmark } from '../../bench/nexmark/nexmark-source.js';
import { QUERIES, type Query } from '../../bench/nexmark/queries.js';
import { AT_1_000, AT_10_000, type Expected } from './expected.js';

const EVENTS = 20_000;

async function check(
  t: Pick<Test, 'same'>,
  expected: Expected,
  rate: number,
  workers: number,
  backend: 'memory' | 'level',
) {
  for (const [query, [rows, checksum]] of Object.entries(expected)) {
    const found = answerOf(await rowsOf({ query, events: EVENTS, rate, splits: 1, workers, backend }));
    t.same(found, { rows, checksum }, `${query}, ${workers} workers, ${backend}`);
  }
}

t.test('at 10,000 events a second', (t) => check(t, AT_10_000, 10_000, 1, 'memory'));
t.test('at 1,000 events a second', (t) => check(t, AT_1_000, 1_000, 1, 'memory'));
t.test('on two workers, with state on disk', (t) => check(t, AT_1_000, 1_000, 2, 'level'));

/** Deaths in the middle, in simulation: fewer events, of more event time. */
t.test('the process dies in the middle, and goes on with other workers', async (t) => {
  for (const query of ['q3', 'q4', 'q5', 'q7', 'q8', 'q9', 'q11', 'q18', 'q19', 'q20', 'q23']) {
    const rows = async (crashes: number): Promise<string[]> => {
      const definition = job('nexmark', (j) => {
        const events = j.from('events', nexmark({ events: 3_000, rate: 100 }));
        (QUERIES[query] as Query)(events.eventTime((event) => event.dateTime, { outOfOrder: '4s' })).to(
          'rows',
          fileSink('/rows', ndjson()),
        );
      });
      const settings = { batchRecords: 64 };
      const result = await simulate(definition, {
        seed: 5,
        workers: 2,
        checkpointEvery: '20ms',
        crashes,
        rescale: true,
        settings,
      });
      const table = new Table();
      // A sink that has had nothing to write has made no directory.
      for (const name of await result.list('/rows').catch(() => [])) {
        const lines = Buffer.from((await result.file(`/rows/${name}`)) as Uint8Array).toString();
        for (const line of lines.split('\n').filter(Boolean)) table.add(JSON.parse(line) as Row);
      }
      return [...table.rows()].sort();
    };
    // Of an upsert the files' order is not that of time: its keys are what is compared.
    const [calm, stormy] = [await rows(0), await rows(3)];
    if (!['q4', 'q9', 'q18'].includes(query)) t.same(stormy, calm, query);
    else t.equal(stormy.length, calm.length, query);
  }
});

// What the generator's data has no case of

const bid = (auction: number, dateTime: number, price: number, bidder = 1): Bid => ({
  type: 2,
  auction,
  bidder,
  price,
  channel: 'c',
  url: 'u',
  dateTime,
  extra: '',
});

const auction = (id: number, dateTime: number, expires: number): Auction => ({
  type: 1,
  id,
  itemName: 'i',
  description: 'd',
  initialBid: 1,
  reserve: 1,
  dateTime,
  expires,
  seller: 1,
  category: 10,
  extra: '',
});

async function answered(query: string, events: readonly NexmarkEvent[]): Promise<unknown[]> {
  const table = new Table();
  await run(
    job('made-up', (j) => {
      const all = j.from('events', fromIterable(events)).eventTime((event) => event.dateTime, { outOfOrder: '4s' });
      (QUERIES[query] as Query)(all).to(
        'rows',
        callback((row) => table.add(row)),
      );
    }),
  );
  return [...table.rows()].map((text) => JSON.parse(text) as unknown).sort();
}

t.test('q7: a bid at the very end of a window counts for it too; equal prices are all given', async (t) => {
  const events = [bid(1, 1_000, 50), bid(2, 2_000, 50), bid(3, 3_000, 40), bid(4, 10_000, 50), bid(5, 12_000, 90)];
  t.same(await answered('q7', events), [
    [1, 50, 1, 1_000, ''],
    [2, 50, 1, 2_000, ''],
    [4, 50, 1, 10_000, ''],
    [5, 90, 1, 12_000, ''],
  ]);
});

t.test('q9: of equal prices the earlier bid wins, of equal times the first to arrive', async (t) => {
  const lot = auction(7, 1_000, 5_000);
  const row = (b: Bid): unknown[] => [7, 'i', 'd', 1, 1, 1_000, 5_000, 1, 10, '', 7, b.bidder, b.price, b.dateTime, ''];
  const early = bid(7, 2_000, 50, 1);
  t.same(await answered('q9', [lot, bid(7, 3_000, 50, 2), early, bid(7, 2_000, 50, 3)]), [row(early)]);
  const outside = [bid(7, 999, 99, 4), bid(7, 5_001, 99, 5), bid(7, 5_000, 60, 6)];
  t.same(await answered('q9', [outside[0] as Bid, lot, ...outside.slice(1)]), [row(outside[2] as Bid)]);
});

t.test('q11: a bid at exactly the end of a session joins it; a millisecond later it does not', async (t) => {
  const events = [bid(1, 0, 1), bid(1, 10_000, 1), bid(1, 20_001, 1)];
  t.same(await answered('q11', events), [
    [1, 1, 20_001, 30_001],
    [1, 2, 0, 20_000],
  ]);
});

t.test('q4: bids before their auction count if they are within it', async (t) => {
  const events = [
    bid(7, 1_000, 30),
    bid(7, 999, 99),
    auction(7, 1_000, 5_000),
    bid(7, 2_000, 20),
    auction(8, 1_000, 2_000),
  ];
  t.same(await answered('q4', events), [[10, 30]]);
});
