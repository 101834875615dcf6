/**
 * Nexmark's queries, but for q6, in the package's own API. Columns and meanings are those of the SQL queries of that project.
 */
import { type Stream, session, sliding, state, tumbling } from 'millrace';
import type { Decimal, Row } from './answers.js';
import { type Auction, type Bid, isAuction, isBid, isPerson, type NexmarkEvent, type Person } from './events.js';

export type Query = (events: Stream<NexmarkEvent>) => Stream<Row>;

const bidsOf = (events: Stream<NexmarkEvent>): Stream<Bid> => events.filter(isBid);
const auctionsOf = (events: Stream<NexmarkEvent>): Stream<Auction> => events.filter(isAuction);
const personsOf = (events: Stream<NexmarkEvent>): Stream<Person> => events.filter(isPerson);

const row = (...columns: unknown[]): Row => ({ columns });
const upsert = (key: string | number, ...columns: unknown[]): Row => ({ key, columns });

/** Prices in euros, in thousandths: exact. */
const euros = (price: number): number => 908 * price;
const decimal = (thousandths: number): Decimal => ({ thousandths });

const DAY_MS = 86_400_000;
const dayStart = (time: number): number => Math.floor(time / DAY_MS) * DAY_MS;
const minuteOf = (time: number): string => MINUTES[Math.floor((time - dayStart(time)) / 60_000)] as string;
const MINUTES = Array.from({ length: 1_440 }, (_, at) => new Date(at * 60_000).toISOString().slice(11, 16));

let lastDay = { start: 0, text: '1970-01-01' };

/** Most times are of the same day as the one before. */
function dayOf(time: number): string {
  const start = dayStart(time);
  if (start !== lastDay.start) lastDay = { start, text: new Date(start).toISOString().slice(0, 10) };
  return lastDay.text;
}

const q0: Query = (events) => bidsOf(events).map((b) => row(b.auction, b.bidder, b.price, b.dateTime, b.extra));

const q1: Query = (events) =>
  bidsOf(events).map((b) => row(b.auction, b.bidder, decimal(euros(b.price)), b.dateTime, b.extra));

const q2: Query = (events) =>
  bidsOf(events)
    .filter((b) => b.auction % 123 === 0)
    .map((b) => row(b.auction, b.price));

const Q3_STATES = new Set(['OR', 'ID', 'CA']);

/** A person is unique: once it is there, auctions need not wait. */
const q3: Query = (events) =>
  auctionsOf(events)
    .filter((a) => a.category === 10)
    .keyBy((a) => a.seller)
    .connect(
      personsOf(events)
        .filter((p) => Q3_STATES.has(p.state))
        .keyBy((p) => p.id),
    )
    .process('sellers', {
      state: { person: state.value<readonly string[]>(), waiting: state.list<number>() },
      onFirst(auction, ctx) {
        const person = ctx.state.person.get();
        if (person) return [row(...person, auction.id)];
        ctx.state.waiting.add(auction.id);
        return undefined;
      },
      onSecond(person, ctx) {
        const columns = [person.name, person.city, person.state];
        ctx.state.person.set(columns);
        const waiting = ctx.state.waiting.get();
        ctx.state.waiting.clear();
        return waiting.map((id) => row(...columns, id));
      },
    });

/** What q4 and q9 keep of an auction. */
type Lot = Pick<Auction, 'category' | 'dateTime' | 'expires'>;

const isWithin = (bid: Bid, { dateTime, expires }: Lot): boolean => bid.dateTime >= dateTime && bid.dateTime <= expires;

interface Maximum {
  readonly category: number;
  readonly before: number | undefined;
  readonly after: number;
}

/** The highest bid of each auction as it changes, then the average of these. */
const q4: Query = (events) =>
  auctionsOf(events)
    .keyBy((a) => a.id)
    .connect(bidsOf(events).keyBy((b) => b.auction))
    .process('highest', {
      state: { lot: state.value<Lot>(), highest: state.value<number>(), early: state.list<Bid>() },
      onFirst({ category, dateTime, expires }, ctx): Maximum[] | undefined {
        const lot = { category, dateTime, expires };
        ctx.state.lot.set(lot);
        const prices = ctx.state.early.get().flatMap((bid) => (isWithin(bid, lot) ? [bid.price] : []));
        ctx.state.early.clear();
        if (prices.length === 0) return undefined;
        const after = Math.max(...prices);
        ctx.state.highest.set(after);
        return [{ category, before: undefined, after }];
      },
      onSecond(bid, ctx): Maximum[] | undefined {
        const lot = ctx.state.lot.get();
        if (!lot) ctx.state.early.add(bid);
        if (!lot || !isWithin(bid, lot)) return undefined;
        const before = ctx.state.highest.get();
        if (before !== undefined && before >= bid.price) return undefined;
        ctx.state.highest.set(bid.price);
        return [{ category: lot.category, before, after: bid.price }];
      },
    })
    .keyBy((m) => m.category)
    .process('average', {
      state: { sum: state.value<number>({ initial: 0 }), count: state.value<number>({ initial: 0 }) },
      onRecord({ before, after }, ctx) {
        const sum = ctx.state.sum.get() + after - (before ?? 0);
        const count = ctx.state.count.get() + (before === undefined ? 1 : 0);
        ctx.state.sum.set(sum);
        ctx.state.count.set(count);
        return [upsert(ctx.key, ctx.key, Math.trunc(sum / count))];
      },
    });

/** The auctions with the most bids of each window, all that share them. */
const q5: Query = (events) =>
  bidsOf(events)
    .keyBy((b) => b.auction)
    .window(sliding('10s', '2s'))
    .aggregate('counts', (a) => ({ num: a.count() }))
    .keyBy((c) => c.window.end)
    .process('most', {
      state: { num: state.value<number>({ initial: 0 }), auctions: state.list<number>() },
      onRecord({ key, num, window }, ctx) {
        const most = ctx.state.num.get();
        if (num < most) return undefined;
        if (num > most) ctx.state.auctions.clear();
        ctx.state.num.set(num);
        ctx.state.auctions.add(key);
        ctx.eventTimers.add(window.end - 1);
        return undefined;
      },
      onTimer(_time, ctx) {
        const num = ctx.state.num.get();
        const rows = ctx.state.auctions.get().map((auction) => row(auction, num));
        ctx.state.num.clear();
        ctx.state.auctions.clear();
        return rows;
      },
    });

/** Both ends count: a bid at the very end of a window is compared with its maximum, too. */
const q7: Query = (events) => {
  const bids = bidsOf(events);
  return bids
    .windowAll(tumbling('10s'))
    .aggregate('highest', (a) => ({ price: a.max((b) => b.price) }))
    .map(({ price, window }) => ({ price: price as number, end: window.end }))
    .keyBy((m) => m.price)
    .join(
      'of-that-price',
      bids.keyBy((b) => b.price),
      { within: ['-9999ms', '1ms'] },
      (_, b) => row(b.auction, b.price, b.bidder, b.dateTime, b.extra),
    );
};

/** Windows hold what is joined, and no more of it than they need. */
const q8: Query = (events) =>
  personsOf(events)
    .map(({ id, name }) => ({ id, name }))
    .keyBy((p) => p.id)
    .coGroup(
      'new-sellers',
      auctionsOf(events)
        .map((a) => a.seller)
        .keyBy((seller) => seller),
      { window: tumbling('10s') },
      (id, window, persons, sellers) =>
        sellers.length > 0
          ? [...new Set(persons.map(({ name }) => name))].map((name) => row(id, name, window.start))
          : [],
    );

const isBetter = (bid: Bid, best: Bid | undefined): boolean =>
  !best || bid.price > best.price || (bid.price === best.price && bid.dateTime < best.dateTime);

const won = (a: Auction, b: Bid): Row => {
  const { id, itemName, description, initialBid, reserve, dateTime, expires, seller, category, extra } = a;
  const lot = [id, itemName, description, initialBid, reserve, dateTime, expires, seller, category, extra];
  return upsert(id, ...lot, b.auction, b.bidder, b.price, b.dateTime, b.extra);
};

const q9: Query = (events) =>
  auctionsOf(events)
    .keyBy((a) => a.id)
    .connect(bidsOf(events).keyBy((b) => b.auction))
    .process('winning', {
      state: { auction: state.value<Auction>(), best: state.value<Bid>(), early: state.list<Bid>() },
      onFirst(auction, ctx) {
        ctx.state.auction.set(auction);
        let best: Bid | undefined;
        for (const bid of ctx.state.early.get()) if (isWithin(bid, auction) && isBetter(bid, best)) best = bid;
        ctx.state.early.clear();
        if (!best) return undefined;
        ctx.state.best.set(best);
        return [won(auction, best)];
      },
      onSecond(bid, ctx) {
        const auction = ctx.state.auction.get();
        if (!auction) ctx.state.early.add(bid);
        if (!auction || !isWithin(bid, auction) || !isBetter(bid, ctx.state.best.get())) return undefined;
        ctx.state.best.set(bid);
        return [won(auction, bid)];
      },
    });

const q10: Query = (events) =>
  bidsOf(events).map((b) =>
    row(b.auction, b.bidder, b.price, b.dateTime, b.extra, dayOf(b.dateTime), minuteOf(b.dateTime)),
  );

const q11: Query = (events) =>
  bidsOf(events)
    .keyBy((b) => b.bidder)
    .window(session('10s'))
    .aggregate('sessions', (a) => ({ count: a.count() }))
    .map(({ key, count, window }) => row(key, count, window.start, window.end));

/** By the clock: its answer is another one each time. */
const q12: Query = (events) =>
  bidsOf(events)
    .keyBy((b) => b.bidder)
    .window(tumbling('10s'), { time: 'processing' })
    .aggregate('counts', (a) => ({ count: a.count() }))
    .map(({ key, count, window }) => row(key, count, window.start, window.end));

const SIDE_ROWS = 10_000;
const side = new Map(Array.from({ length: SIDE_ROWS }, (_, key) => [key, String(key)]));

const q13: Query = (events) =>
  bidsOf(events).map((b) => row(b.auction, b.bidder, b.price, b.dateTime, side.get(b.auction % SIDE_ROWS) ?? null));

const HOUR_MS = 3_600_000;

function bidTimeType(time: number): string {
  const hour = Math.floor((time % DAY_MS) / HOUR_MS);
  if (hour >= 8 && hour <= 18) return 'dayTime';
  return hour <= 6 || hour >= 20 ? 'nightTime' : 'otherTime';
}

function countOf(letter: string, text: string): number {
  let count = 0;
  for (let at = text.indexOf(letter); at >= 0; at = text.indexOf(letter, at + 1)) count += 1;
  return count;
}

const q14: Query = (events) =>
  bidsOf(events).flatMap((b) => {
    const price = euros(b.price);
    if (price <= 1_000_000_000 || price >= 50_000_000_000) return [];
    return [
      row(b.auction, b.bidder, decimal(price), bidTimeType(b.dateTime), b.dateTime, b.extra, countOf('c', b.extra)),
    ];
  });

/** Price classes: below 10,000; below 1,000,000; the rest. Bits of a mask. */
const classOf = (price: number): number => (price < 10_000 ? 1 : price < 1_000_000 ? 2 : 4);

/** Bids, and different bidders and auctions, each in all and by class of price. */
type Counts = number[];

interface Masks {
  get(key: number): number | undefined;
  set(key: number, mask: number): void;
}

/** Counts somebody who is new: in all, and in this class. `from` is where his counts begin. */
function countNew(counts: Counts, from: number, masks: Masks, key: number, bit: number): void {
  const before = masks.get(key) ?? 0;
  if ((before & bit) !== 0) return;
  masks.set(key, before | bit);
  if (before === 0) counts[from] = (counts[from] as number) + 1;
  countIn(counts, from, bit);
}

function countIn(counts: Counts, from: number, bit: number): void {
  const at = from + (bit === 4 ? 3 : bit);
  counts[at] = (counts[at] as number) + 1;
}

interface CountState {
  readonly counts: { get(): Counts; set(counts: Counts): void };
  readonly bidders: Masks;
  readonly auctions: Masks;
}

function counted({ bidder, auction, price }: Bid, state: CountState): Counts {
  const bit = classOf(price);
  const counts = state.counts.get().slice();
  counts[0] = (counts[0] as number) + 1;
  countIn(counts, 0, bit);
  countNew(counts, 4, state.bidders, bidder, bit);
  countNew(counts, 8, state.auctions, auction, bit);
  state.counts.set(counts);
  return counts;
}

const NO_COUNTS: Counts = new Array<number>(12).fill(0);

const q15: Query = (events) =>
  bidsOf(events)
    .keyBy((b) => dayStart(b.dateTime))
    .process('days', {
      state: {
        counts: state.value<Counts>({ initial: NO_COUNTS }),
        bidders: state.map<number, number>(),
        auctions: state.map<number, number>(),
      },
      onRecord: (bid, ctx) => [upsert(ctx.key, dayOf(bid.dateTime), ...counted(bid, ctx.state))],
    });

const q16: Query = (events) =>
  bidsOf(events)
    .keyBy((b) => [b.channel, dayStart(b.dateTime)])
    .process('channels', {
      state: {
        counts: state.value<Counts>({ initial: NO_COUNTS }),
        bidders: state.map<number, number>(),
        auctions: state.map<number, number>(),
        latest: state.value<string>({ initial: '' }),
      },
      onRecord(bid, ctx) {
        const minute = minuteOf(bid.dateTime);
        if (minute > ctx.state.latest.get()) ctx.state.latest.set(minute);
        const counts = counted(bid, ctx.state);
        const day = dayOf(bid.dateTime);
        return [upsert(`${bid.channel} ${day}`, bid.channel, day, ctx.state.latest.get(), ...counts)];
      },
    });

const q17: Query = (events) =>
  bidsOf(events)
    .keyBy((b) => [b.auction, dayStart(b.dateTime)])
    .aggregate('days', (a) => ({
      all: a.count(),
      low: a.count((b) => b.price < 10_000),
      middle: a.count((b) => b.price >= 10_000 && b.price < 1_000_000),
      high: a.count((b) => b.price >= 1_000_000),
      min: a.min((b) => b.price),
      max: a.max((b) => b.price),
      sum: a.sum((b) => b.price),
    }))
    .map(({ key: [auction, day], all, low, middle, high, min, max, sum }) =>
      upsert(`${auction} ${day}`, auction, dayOf(day), all, low, middle, high, min, max, Math.trunc(sum / all), sum),
    );

/** Of equal times the later arrival counts. */
const q18: Query = (events) =>
  bidsOf(events)
    .keyBy((b) => [b.bidder, b.auction])
    .reduce('last', (last, b) => (b.dateTime >= last.dateTime ? b : last))
    .map((b) =>
      upsert(`${b.bidder} ${b.auction}`, b.auction, b.bidder, b.price, b.channel, b.url, b.dateTime, b.extra),
    );

const q19: Query = (events) =>
  bidsOf(events)
    .keyBy((b) => b.auction)
    .topN('best', { n: 10, by: (b) => b.price })
    .map(
      ({ kind, record: { rank, record: b } }): Row => ({
        columns: [b.auction, b.bidder, b.price, b.channel, b.url, b.dateTime, b.extra, rank],
        removed: kind === 'delete' || kind === 'update-before',
      }),
    );

const bidAndAuction = (b: Bid, a: Auction): Row => {
  const bid = [b.auction, b.bidder, b.price, b.channel, b.url, b.dateTime, b.extra];
  const { itemName, description, initialBid, reserve, dateTime, expires, seller, category, extra } = a;
  return row(...bid, itemName, description, initialBid, reserve, dateTime, expires, seller, category, extra);
};

/** An auction is unique and does not change: bids wait only for one that has not come. */
const q20: Query = (events) =>
  auctionsOf(events)
    .keyBy((a) => a.id)
    .connect(bidsOf(events).keyBy((b) => b.auction))
    .process('of-category-10', {
      state: { auction: state.value<Auction | 'other'>(), early: state.list<Bid>() },
      onFirst(auction, ctx) {
        const wanted = auction.category === 10;
        ctx.state.auction.set(wanted ? auction : 'other');
        const early = ctx.state.early.get();
        ctx.state.early.clear();
        return wanted ? early.map((bid) => bidAndAuction(bid, auction)) : undefined;
      },
      onSecond(bid, ctx) {
        const auction = ctx.state.auction.get();
        if (auction === undefined) ctx.state.early.add(bid);
        return auction === undefined || auction === 'other' ? undefined : [bidAndAuction(bid, auction)];
      },
    });

const CHANNEL_IDS: Readonly<Record<string, string>> = { apple: '0', google: '1', facebook: '2', baidu: '3' };
const CHANNEL_ID = /&channel_id=([^&]*)/;

const q21: Query = (events) =>
  bidsOf(events).flatMap((b) => {
    const id = CHANNEL_IDS[b.channel.toLowerCase()] ?? CHANNEL_ID.exec(b.url)?.[1];
    return id === undefined ? [] : [row(b.auction, b.bidder, b.price, b.channel, id)];
  });

const q22: Query = (events) =>
  bidsOf(events).map((b) => {
    const pieces = b.url.split('/');
    return row(b.auction, b.bidder, b.price, b.channel, pieces[3] ?? null, pieces[4] ?? null, pieces[5] ?? null);
  });

const allThree = (b: Bid, p: Person, a: Auction): Row => {
  const bid = [b.bidder, b.price, b.channel, b.url, b.extra];
  const person = [p.id, p.name, p.emailAddress, p.creditCard, p.city, p.state, p.extra];
  const { itemName, description, initialBid, reserve, dateTime, expires, seller, category, extra } = a;
  return row(...bid, ...person, itemName, description, initialBid, reserve, dateTime, expires, seller, category, extra);
};

const personId = (event: NexmarkEvent): number =>
  event.type === 0 ? event.id : event.type === 1 ? event.seller : event.bidder;

const q23: Query = (events) =>
  events.keyBy(personId).process('all-three', {
    state: { person: state.value<Person>(), bids: state.list<Bid>(), auctions: state.list<Auction>() },
    onRecord(event, ctx) {
      const { person, bids, auctions } = ctx.state;
      if (event.type === 0) {
        person.set(event);
        return bids.get().flatMap((bid) => auctions.get().map((auction) => allThree(bid, event, auction)));
      }
      const known = person.get();
      if (event.type === 1) {
        auctions.add(event);
        return known && bids.get().map((bid) => allThree(bid, known, event));
      }
      bids.add(event);
      return known && auctions.get().map((auction) => allThree(event, known, auction));
    },
  });

export const QUERIES: Readonly<Record<string, Query>> = {
  q0,
  q1,
  q2,
  q3,
  q4,
  q5,
  q7,
  q8,
  q9,
  q10,
  q11,
  q12,
  q13,
  q14,
  q15,
  q16,
  q17,
  q18,
  q19,
  q20,
  q21,
  q22,
  q23,
};
