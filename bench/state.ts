/**
 * Micro-benchmarks of keyed state: `node dist/bench/state.js [part of a name] [--json]`.
 *
 * Each runs alone in bursts, interleaved with the others, and reports operations per CPU-second: the median of the
 * bursts after the first two.
 */
import { Batch, Inbox } from '../core/batch.js';
import { hashKey } from '../core/key.js';
import { TIME_MAX } from '../core/time.js';
import { KeyIndex } from '../state/key-index.js';
import { MemoryState } from '../state/memory/memory-state.js';

/** A burst: does `operations` of something. */
interface Bench {
  readonly name: string;
  readonly operations: number;
  readonly burst: () => void;
}

const BURSTS = 9;
const WARM_UP = 2;
const RECORDS = 1_024;
const BATCHES = 512;

/** A fixed sequence of pseudo-random numbers below `limit` (a linear congruential generator). */
function randoms(count: number, limit: number): Uint32Array {
  let seed = 12_345;
  return Uint32Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % limit;
  });
}

function batchesOf(keys: readonly unknown[]): Batch[] {
  const picks = randoms(RECORDS * BATCHES, keys.length);
  return Array.from({ length: BATCHES }, (_, number) => {
    const batch = new Batch(RECORDS);
    for (let at = 0; at < RECORDS; at += 1) {
      const key = keys[picks[number * RECORDS + at] as number];
      batch.pushKeyed(at, 0, key, hashKey(key));
    }
    return batch;
  });
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at * 7);
const fractions = (count: number): number[] => Array.from({ length: count }, (_, at) => at * 7.5 + 0.25);
/** Built by joining, as parsers do: not one shared object per key. */
const strings = (count: number): string[] => Array.from({ length: count }, (_, at) => ['key', at].join('-'));

function resolve(name: string, keys: readonly unknown[]): Bench {
  const batches = batchesOf(keys);
  const index = new KeyIndex(128);
  const burst = (): void => {
    for (const batch of batches) index.resolve(batch, 0);
  };
  for (const batch of batches) {
    index.resolve(batch, 0);
    for (const slot of batch.slots) index.retain(slot);
  }
  return { name: `resolve ${name}`, operations: RECORDS * BATCHES, burst };
}

function updateValues(name: string, step: number): Bench {
  const batches = batchesOf(numbers(100_000));
  const state = new MemoryState({ maxParallelism: 128 });
  const table = state.value<number>('sum');
  const burst = (): void => {
    for (const batch of batches) {
      state.prepare(new Inbox(batch));
      const { slots, count } = batch;
      for (let at = 0; at < count; at += 1) {
        const slot = slots[at] as number;
        table.set(slot, (table.get(slot) ?? 0) + step);
      }
    }
  };
  return { name: `prepare and update values, ${name}`, operations: RECORDS * BATCHES, burst };
}

function timers(name: string, distinct: number): Bench {
  const batches = batchesOf(numbers(100_000)).slice(0, 100);
  const state = new MemoryState({ maxParallelism: 128 });
  const table = state.timers('event');
  const times = randoms(RECORDS * 100, distinct);
  const burst = (): void => {
    for (const [number, batch] of batches.entries()) {
      state.prepare(new Inbox(batch));
      for (let at = 0; at < RECORDS; at += 1) {
        table.add(batch.slots[at] as number, times[number * RECORDS + at] as number);
      }
    }
    while (table.take(TIME_MAX) >= 0);
  };
  return { name: `timers add and fire, ${name}`, operations: RECORDS * 100, burst };
}

const BENCHES: readonly (() => Bench)[] = [
  () => resolve('100 K integers', numbers(100_000)),
  () => resolve('100 K fractions', fractions(100_000)),
  () => resolve('100 K strings', strings(100_000)),
  () => resolve('1 M integers', numbers(1_000_000)),
  () => updateValues('integers', 1),
  () => updateValues('fractions', 0.25),
  () => timers('100 K times', 100_000),
  () => timers('10 times', 10),
];

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

function main(): void {
  const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  const benches = BENCHES.map((make) => make()).filter(({ name }) => wanted.every((part) => name.includes(part)));
  const rates = benches.map((): number[] => []);
  for (let round = 0; round < BURSTS; round += 1) {
    for (const [at, bench] of benches.entries()) {
      const start = cpuSeconds();
      bench.burst();
      (rates[at] as number[]).push(bench.operations / (cpuSeconds() - start));
    }
  }
  const results = benches.map(({ name }, at) => ({
    name,
    perCpuSecond: median((rates[at] as number[]).slice(WARM_UP)),
  }));
  if (process.argv.includes('--json')) console.log(JSON.stringify(results));
  else
    for (const { name, perCpuSecond } of results)
      console.log(`${(perCpuSecond / 1e6).toFixed(1).padStart(7)} M/s  ${name}`);
}

main();
