/**
 * Nexmark's generator, as the project of that name makes events since 2024, with its three random streams seeded: 1001 for the
 * padding, 1002 for channels and addresses, 2000 and the first event's id for the events of a split. Checked by digests of
 * its events (test/nexmark).
 *
 * A split's whole state is how many events it has made, and how many random numbers it has drawn for them.
 */
import type { NexmarkEvent } from './events.js';
import { SplitRandom } from './split-random.js';

/** Where a split goes on: events made, and random numbers drawn for them. */
export type GeneratorState = readonly [count: number, drawn: number];

export interface GeneratorOptions {
  /** Events a second of event time, all splits together. */
  readonly rate: number;
  readonly splits: number;
  /** Of the split. */
  readonly firstEventId: number;
  readonly state?: GeneratorState | undefined;
}

const BASE_TIME = 1_436_918_400_000;

const PEOPLE = 1;
const AUCTIONS = 3;
const PROPORTION = 50;

const FIRST_PERSON = 1_000;
const FIRST_AUCTION = 1_000;
const FIRST_CATEGORY = 10;
const CATEGORIES = 5;
const IN_FLIGHT = 100;
const ACTIVE_PEOPLE = 1_000;
const LEAD = 10;
const HOT_GROUP = 100;
const CHANNELS = 10_000;

const POOL_CHARS = 1 << 20;
const PERSON_BYTES = 200;
const AUCTION_BYTES = 500;
const BID_BYTES = 100;

const words = (text: string): readonly string[] => text.split(' ');
const FIRST_NAMES = words('Peter Paul Luke John Saul Vicky Kate Julie Sarah Deiter Walter');
const LAST_NAMES = words('Shultz Abrams Spencer White Bartels Walton Smith Jones Noris');
const CITIES = 'Phoenix,Los Angeles,San Francisco,Boise,Portland,Bend,Redmond,Seattle,Kent,Cheyenne'.split(',');
const STATES = words('AZ CA ID OR WA WY');
const FOUR_DIGITS = Array.from({ length: 10_000 }, (_, at) => String(at).padStart(4, '0'));
const HOT_CHANNELS = words('Google Facebook Baidu Apple');

interface Tables {
  readonly pool: string;
  readonly hotUrls: readonly string[];
  readonly channels: readonly string[];
  readonly urls: readonly string[];
}

let made: Tables | undefined;

/** The same for all splits of a process. */
function tables(): Tables {
  made ??= { pool: poolOf(new SplitRandom(1_001)), ...channelsOf(new SplitRandom(1_002)) };
  return made;
}

function poolOf(random: SplitRandom): string {
  const codes = Buffer.alloc(POOL_CHARS);
  for (let at = 0; at < POOL_CHARS; ) {
    let drawn = random.int32();
    for (let of = 0; of < 6 && at < POOL_CHARS; of += 1, at += 1) {
      codes[at] = 97 + (drawn % 26);
      drawn = Math.trunc(drawn / 26);
    }
  }
  return codes.toString('latin1');
}

function channelsOf(random: SplitRandom): Omit<Tables, 'pool'> {
  const name = (): string => text(random, 5, UNDERSCORE);
  const url = (): string => `https://www.nexmark.com/${name()}/${name()}/${name()}/item.htm?query=1`;
  const hotUrls = Array.from({ length: HOT_CHANNELS.length }, url);
  const channels: string[] = [];
  const urls: string[] = [];
  for (let at = 0; at < CHANNELS; at += 1) {
    const plain = url();
    channels.push(`channel-${at}`);
    urls.push(random.below(10) > 0 ? `${plain}&channel_id=${channelId(at)}` : plain);
  }
  return { hotUrls, channels, urls };
}

/** As Java's `Math.abs(Integer.reverse(at))`, which leaves the least integer negative. */
function channelId(at: number): number {
  let reversed = 0;
  for (let bit = 0; bit < 32; bit += 1) if ((at >>> bit) & 1) reversed |= 1 << (31 - bit);
  return reversed === -0x80000000 ? reversed : Math.abs(reversed);
}

const BLANK = 32;
const UNDERSCORE = 95;
const letters = Buffer.alloc(128);

/** Letters with `special` among them, blanks at the ends left out. */
function text(random: SplitRandom, max: number, special = BLANK): string {
  let end = 3 + random.below(max - 3);
  for (let at = 0; at < end; at += 1) letters[at] = random.below(13) === 0 ? special : 97 + random.below(26);
  let from = 0;
  while (end > 0 && letters[end - 1] === BLANK) end -= 1;
  while (from < end && letters[from] === BLANK) from += 1;
  return letters.toString('latin1', from, end);
}

/** 100 times the powers of a million, at even distances of its exponent. */
const POWERS = Float64Array.from({ length: 1_024 }, (_, at) => exactPrice(at / 1_024));

function exactPrice(exponent: number): number {
  return 10 ** (6 * exponent) * 100;
}

/**
 * A hundred times a random power of a million, rounded. The nearest power that is known, times the exponential of what is
 * left by its series, is right to twelve places and costs a sixth; it is not used where it might be rounded otherwise.
 */
function price(random: SplitRandom): number {
  const exponent = random.double();
  const at = Math.trunc(exponent * 1_024);
  const x = (exponent - at / 1_024) * (6 * Math.LN10);
  const series = 1 + x * (1 + x * (1 / 2 + x * (1 / 6 + x * (1 / 24 + x / 120))));
  const near = (POWERS[at] as number) * series + 0.5;
  const rounded = Math.floor(near);
  const rest = near - rounded;
  return rest > 1e-4 && rest < 1 - 1e-4 ? rounded : Math.floor(exactPrice(exponent) + 0.5);
}

export class NexmarkGenerator {
  /** Events made. */
  count: number;
  readonly random: SplitRandom;
  private readonly firstEventId: number;
  private readonly delayMicros: number;
  private readonly tables = tables();

  constructor({ rate, splits, firstEventId, state }: GeneratorOptions) {
    this.firstEventId = firstEventId;
    this.delayMicros = (1e6 / rate) * splits;
    this.count = state?.[0] ?? 0;
    this.random = new SplitRandom(2_000 + firstEventId, state?.[1]);
  }

  get state(): GeneratorState {
    return [this.count, this.random.drawn];
  }

  next(): NexmarkEvent {
    const number = 1 + this.count;
    this.count += 1;
    const id = this.firstEventId + number;
    const epoch = Math.floor(id / PROPORTION);
    const rest = id % PROPORTION;
    const dateTime = this.timeOf(number);
    if (rest < PEOPLE) return this.person(epoch, dateTime);
    if (rest < PEOPLE + AUCTIONS) return this.auction(epoch, epoch * AUCTIONS + rest - PEOPLE, number, dateTime);
    return this.bid(epoch, epoch * AUCTIONS + AUCTIONS - 1, dateTime);
  }

  private timeOf(number: number): number {
    return BASE_TIME + Math.floor(Math.trunc(number * this.delayMicros) / 1_000);
  }

  private person(lastPerson: number, dateTime: number): NexmarkEvent {
    const { random } = this;
    const name = `${FIRST_NAMES[random.below(11)]} ${LAST_NAMES[random.below(9)]}`;
    const emailAddress = `${text(random, 7)}@${text(random, 5)}.com`;
    const creditCard = `${this.digits()} ${this.digits()} ${this.digits()} ${this.digits()}`;
    const city = CITIES[random.below(10)] as string;
    const state = STATES[random.below(6)] as string;
    const length = 8 + name.length + emailAddress.length + creditCard.length + city.length + state.length;
    const extra = this.extra(length, PERSON_BYTES);
    return { type: 0, id: lastPerson + FIRST_PERSON, name, emailAddress, creditCard, city, state, dateTime, extra };
  }

  private auction(lastPerson: number, lastAuction: number, number: number, dateTime: number): NexmarkEvent {
    const { random } = this;
    const seller = random.below(4) > 0 ? hot(lastPerson) : this.anyPerson(lastPerson);
    const category = FIRST_CATEGORY + random.below(CATEGORIES);
    const initialBid = price(random);
    const horizon = this.timeOf(number + Math.floor((IN_FLIGHT * PROPORTION) / AUCTIONS)) - dateTime;
    const expires = dateTime + 1 + random.below(Math.max(2 * horizon, 1));
    const itemName = text(random, 20);
    const description = text(random, 100);
    const reserve = initialBid + price(random);
    const extra = this.extra(48 + itemName.length + description.length, AUCTION_BYTES);
    return {
      type: 1,
      id: lastAuction + FIRST_AUCTION,
      itemName,
      description,
      initialBid,
      reserve,
      dateTime,
      expires,
      seller: seller + FIRST_PERSON,
      category,
      extra,
    };
  }

  private bid(lastPerson: number, lastAuction: number, dateTime: number): NexmarkEvent {
    const { random } = this;
    const { hotUrls, channels, urls } = this.tables;
    const auction = random.below(2) > 0 ? hot(lastAuction) : this.anyAuction(lastAuction);
    const bidder = random.below(4) > 0 ? hot(lastPerson) + 1 : this.anyPerson(lastPerson);
    const offered = price(random);
    const isHot = random.below(2) > 0;
    const channel = random.below(isHot ? HOT_CHANNELS.length : CHANNELS);
    return {
      type: 2,
      auction: auction + FIRST_AUCTION,
      // The base is added twice, there as here.
      bidder: bidder + 2 * FIRST_PERSON,
      price: offered,
      channel: (isHot ? HOT_CHANNELS : channels)[channel] as string,
      url: (isHot ? hotUrls : urls)[channel] as string,
      dateTime,
      extra: this.extra(32, BID_BYTES),
    };
  }

  private anyPerson(last: number): number {
    const people = last + 1;
    const active = Math.min(people, ACTIVE_PEOPLE);
    return people - active + this.random.below(active + LEAD);
  }

  private anyAuction(last: number): number {
    const first = Math.max(last - IN_FLIGHT, 0);
    return first + this.random.below(last - first + 1 + LEAD);
  }

  private digits(): string {
    return FOUR_DIGITS[this.random.below(10_000)] as string;
  }

  private extra(size: number, average: number): string {
    if (size > average) return '';
    const wanted = average - size;
    const delta = Math.floor(0.2 * wanted + 0.5);
    const length = wanted - delta + (delta === 0 ? 0 : this.random.below(2 * delta));
    const from = this.random.below(POOL_CHARS - length);
    return this.tables.pool.slice(from, from + length);
  }
}

/** The first of its group of a hundred. */
function hot(last: number): number {
  return Math.floor(last / HOT_GROUP) * HOT_GROUP;
}
