/**
 * Micro-benchmarks of keyed state: `node dist/bench/state.js [part of a name] [--json]`; with `seal` instead, what
 * checkpoints cost (bench/seal.ts).
 *
 * Each runs alone in bursts, interleaved with the others, and reports operations per CPU-second: the median of the
 * bursts after the first two.
 */
import { Batch, Inbox } from '../core/batch.js';
import type { Host } from '../core/host.js';
import { hashKey } from '../core/key.js';
import { TIME_MAX, TIME_MIN } from '../core/time.js';
import { aggregateBuilder } from '../operators/aggregate/aggregates.js';
import type { Operator, OperatorContext } from '../operators/operator.js';
import { session, sliding, type TimeWindows, tumbling } from '../operators/window/assigners.js';
import { SessionOperator } from '../operators/window/session-operator.js';
import { aggregateFold } from '../operators/window/window-fold.js';
import { WindowOperator } from '../operators/window/window-operator.js';
import { KeyIndex } from '../state/key-index.js';
import { MemoryState } from '../state/memory/memory-state.js';
import { sealBench } from './seal.js';

/** A burst does `operations` of something. */
interface Bench {
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

/** Parsers do not give the same string object for the same text. */
function copyOf(key: unknown): unknown {
  return typeof key === 'string' ? key.split('-').join('-') : key;
}

function batchesOf(keys: readonly unknown[]): Batch[] {
  const picks = randoms(RECORDS * BATCHES, keys.length);
  return Array.from({ length: BATCHES }, (_, number) => {
    const batch = new Batch(RECORDS);
    for (let at = 0; at < RECORDS; at += 1) {
      const key = copyOf(keys[picks[number * RECORDS + at] as number]);
      batch.pushKeyed(at, 0, key, hashKey(key));
    }
    return batch;
  });
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at * 7);
const fractions = (count: number): number[] => Array.from({ length: count }, (_, at) => at * 7.5 + 0.25);
/** Built by joining, as parsers do: not one shared object per key. */
const strings = (count: number): string[] => Array.from({ length: count }, (_, at) => ['key', at].join('-'));

function resolve(keys: readonly unknown[]): Bench {
  const batches = batchesOf(keys);
  const index = new KeyIndex(128);
  const burst = (): void => {
    for (const batch of batches) index.resolve(batch, 0);
  };
  for (const batch of batches) {
    index.resolve(batch, 0);
    for (const slot of batch.slots) index.retain(slot);
  }
  return { operations: RECORDS * BATCHES, burst };
}

function updateValues(step: number): Bench {
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
  return { operations: RECORDS * BATCHES, burst };
}

function timers(distinct: number): Bench {
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
  return { operations: RECORDS * 100, burst };
}

/** What an operator sees, with outputs that are thrown away. */
function contextOf(state: MemoryState, output: Batch): OperatorContext {
  const unused = (): never => {
    throw new Error('not in this benchmark');
  };
  const watermark = TIME_MIN;
  const names = { uid: 'bench', subtask: 0, parallelism: 1, host: undefined as unknown as Host };
  const calls = { side: unused, fail: unused, reject: unused, wake: () => {}, random: () => 0, awaitsBarrier: false };
  const checkpoints = { calls: undefined, askForCheckpoint: unused };
  return { ...names, ...calls, ...checkpoints, output, state, watermark };
}

/** Records at one a millisecond, a little out of order; the watermark follows every batch. */
function windows(keys: number, assigner: TimeWindows): Bench {
  const batches = batchesOf(numbers(keys));
  const state = new MemoryState({ maxParallelism: 128 });
  const output = new Batch(RECORDS);
  const a = aggregateBuilder<number>();
  const fold = aggregateFold({ count: a.count(), sum: a.sum((record) => record), worst: a.max((record) => record) });
  const options = { context: contextOf(state, output), latenessMs: 0, fold };
  const operator: Operator =
    assigner.kind === 'session'
      ? new SessionOperator({ ...options, assigner })
      : new WindowOperator({ ...options, assigner });
  const jitter = randoms(RECORDS, 200);
  let now = 0;
  const burst = (): void => {
    for (const batch of batches) {
      for (let at = 0; at < RECORDS; at += 1) batch.timestamps[at] = now + at - (jitter[at] as number);
      now += RECORDS;
      const inbox = new Inbox(batch);
      state.prepare(inbox);
      operator.process(inbox);
      while (!operator.onWatermark?.(now - 201)) output.clear();
      output.clear();
    }
  };
  return { operations: RECORDS * BATCHES, burst };
}

const BENCHES: Readonly<Record<string, () => Bench>> = {
  'resolve 100 K integers': () => resolve(numbers(100_000)),
  'resolve 100 K fractions': () => resolve(fractions(100_000)),
  'resolve 100 K strings': () => resolve(strings(100_000)),
  'resolve 1 M integers': () => resolve(numbers(1_000_000)),
  'prepare and update values, integers': () => updateValues(1),
  'prepare and update values, fractions': () => updateValues(0.25),
  'timers add and fire, 100 K times': () => timers(100_000),
  'timers add and fire, 10 times': () => timers(10),
  'window tumbling 10 s, 1 K keys': () => windows(1_000, tumbling('10s')),
  'window tumbling 100 s, 100 K keys': () => windows(100_000, tumbling('100s')),
  'window sliding 10 slides, 100 keys': () => windows(100, sliding('10s', '1s')),
  'window sliding 60 slides, 100 keys': () => windows(100, sliding('60s', '1s')),
  'window sliding 600 slides, 100 keys': () => windows(100, sliding('600s', '1s')),
  'window session, 1 K keys': () => windows(1_000, session('2s')),
  'window session, 100 K keys': () => windows(100_000, session('200s')),
};

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

function main(): void {
  if (process.argv.includes('seal')) return sealBench(process.argv.includes('--json'));
  const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  const names = Object.keys(BENCHES).filter((name) => wanted.every((part) => name.includes(part)));
  const benches = names.map((name) => (BENCHES[name] as () => Bench)());
  const rates = benches.map((): number[] => []);
  for (let round = 0; round < BURSTS; round += 1) {
    for (const [at, bench] of benches.entries()) {
      const start = cpuSeconds();
      bench.burst();
      (rates[at] as number[]).push(bench.operations / (cpuSeconds() - start));
    }
  }
  const results = names.map((name, at) => ({
    name,
    perCpuSecond: median((rates[at] as number[]).slice(WARM_UP)),
  }));
  if (process.argv.includes('--json')) console.log(JSON.stringify(results));
  else
    for (const { name, perCpuSecond } of results)
      console.log(`${(perCpuSecond / 1e6).toFixed(1).padStart(7)} M/s  ${name}`);
}

main();
