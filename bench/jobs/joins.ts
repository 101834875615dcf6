/**
 * Joins of two generated streams, a record a millisecond each, over 100,000 keys.
 */
import { generate, type JobBuilder, job, type KeyedStream, tumbling } from 'millrace';
import { blackhole } from './blackhole.js';

interface Event {
  readonly key: number;
  readonly at: number;
}

const KEYS = 100_000;

/** Every key in turn; `later` ms behind the other stream's record of that key. */
function inTurn(j: JobBuilder, name: string, later: number): KeyedStream<number, Event> {
  return keyed(j, name, (n) => ({ key: n % KEYS, at: n + later }));
}

/** Any key at any time. */
function atRandom(j: JobBuilder, name: string, salt: number): KeyedStream<number, Event> {
  return keyed(j, name, (n) => ({ key: (Math.imul(n ^ salt, 0x9e3779b1) >>> 0) % KEYS, at: n }));
}

function keyed(j: JobBuilder, name: string, make: (n: number) => Event): KeyedStream<number, Event> {
  return j
    .from(name, generate({ splits: 1, make }))
    .eventTime((event) => event.at, { outOfOrder: '1s' })
    .keyBy((event) => event.key);
}

interface Pair {
  readonly key: number;
  readonly ms: number;
}

const pairOf = (left: Event, right: Event): Pair => ({ key: left.key, ms: right.at - left.at });
const out = blackhole<Pair>((pair) => pair.ms);

/** Each record has one match. */
export const intervalJoin = job('interval-join', (j) => {
  inTurn(j, 'left', 0)
    .join('pairs', inTurn(j, 'right', 500), { within: ['0s', '10s'] }, pairOf)
    .to('out', out);
});

/** The same, with rows that wait for a match that may not come. */
export const outerIntervalJoin = job('outer-interval-join', (j) => {
  inTurn(j, 'left', 0)
    .join('pairs', inTurn(j, 'right', 500), { within: ['0s', '10s'], type: 'full' }, (left, right) => ({
      key: left?.key ?? 0,
      ms: right?.at ?? 0,
    }))
    .to('out', out);
});

/** Of the 10,000 records of a window and input, one in ten has a match. */
export const windowJoin = job('window-join', (j) => {
  atRandom(j, 'left', 0)
    .join('pairs', atRandom(j, 'right', 0x5bd1e995), { window: tumbling('10s') }, pairOf)
    .to('out', out);
});

/** As many versions as records; a version for each record. */
export const temporalJoin = job('temporal-join', (j) => {
  const versions = keyed(j, 'versions', (n) => ({ key: n % (KEYS / 10), at: n }));
  const records = keyed(j, 'records', (n) => ({ key: n % (KEYS / 10), at: n + 50_000 }));
  records.temporalJoin('valid', versions, pairOf).to('out', out);
});
