/**
 * Everything worker 0 makes goes to worker 1: objects of six fields, two of them strings, made on one side and read
 * on the other.
 */
import { generate, job } from 'millrace';
import { hashKey, keyGroupOf, ownerOf } from '../../core/key.js';
import { blackhole, seen } from './blackhole.js';

const GROUPS = 128;

/** Numbers that worker 1 of 2 owns. */
const keys = Array.from({ length: 10_000 }, (_, n) => n).filter(
  (n) => ownerOf(keyGroupOf(hashKey(n), GROUPS), 2, GROUPS) === 1,
);
const names = Array.from({ length: 1_000 }, (_, n) => `user-${n * 7919}`);
const places = Array.from({ length: 100 }, (_, n) => `place ${n}`);

export default job('exchange', { maxParallelism: GROUPS }, (j) => {
  j.from('records', generate({ splits: 1, make: makeRecord }))
    .keyBy((r) => r.key)
    .process('read', {
      onRecord(r) {
        seen.sum += r.at + r.amount + r.rate + r.name.length + r.place.length;
      },
    })
    .to('out', blackhole());
});

export interface ExchangeRecord {
  readonly key: number;
  readonly at: number;
  readonly amount: number;
  readonly rate: number;
  readonly name: string;
  readonly place: string;
}

export function makeRecord(n: number): ExchangeRecord {
  return {
    key: keys[n % keys.length] as number,
    at: 1_700_000_000_000 + n,
    amount: n & 0xffff,
    rate: n * 0.001,
    name: names[n % names.length] as string,
    place: places[n % places.length] as string,
  };
}
