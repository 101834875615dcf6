/**
 * What checkpoints cost keyed state: `node dist/bench/state.js seal [--json]`.
 *
 * A running sum over 100 K keys goes on for bursts of about a second, with and without a journal in turn (A B B A);
 * with one, each burst seals once and writes the rows that have changed, a slice a batch, to a rows file, and all of
 * that counts. In one second 20 K of the keys have records, in the next others. Reported are the median of the paired
 * ratios and their quartiles, and the ratio of the fastest bursts, which other processes disturb least; and the
 * longest pause of a seal, and the CPU time of writing, as a median.
 */

import { encodeRows, RowsFileWriter } from '../checkpoint/rows-file.js';
import { Batch, Inbox } from '../core/batch.js';
import type { Host } from '../core/host.js';
import { hashKey } from '../core/key.js';
import { TIME_MIN } from '../core/time.js';
import { aggregateBuilder } from '../operators/aggregate/aggregates.js';
import { composeAggregates } from '../operators/aggregate/compose-aggregates.js';
import { aggregateFold, foldFactory, type KeyedFold } from '../operators/fold.js';
import type { Operator, OperatorContext } from '../operators/operator.js';
import { MemoryState } from '../state/memory/memory-state.js';

const KEYS = 100_000;
const RECORDS = 1_024;
const BATCHES = 128;
const PAIRS = 16;
const WARM_UP = 2;
/** Rows written between two batches. */
const SLICE = 256;
const BURST_SECONDS = 1;

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] as number;
}

/** Batches over the keys [first, first + count), in a fixed pseudo-random order. */
function batchesOver(first: number, count: number, record: (key: number) => unknown): Batch[] {
  let seed = 12_345 + first;
  return Array.from({ length: BATCHES }, () => {
    const batch = new Batch(RECORDS);
    for (let at = 0; at < RECORDS; at += 1) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      const key = (first + ((seed >>> 8) % count)) * 7;
      batch.pushKeyed(record(key), 0, key, hashKey(key));
    }
    return batch;
  });
}

/** All keys once. */
function everyKey(count: number, record: (key: number) => unknown): Batch[] {
  return Array.from({ length: Math.ceil(count / RECORDS) }, (_, number) => {
    const batch = new Batch(RECORDS);
    for (let at = number * RECORDS; at < Math.min(count, (number + 1) * RECORDS); at += 1) {
      batch.pushKeyed(record(at * 7), 0, at * 7, hashKey(at * 7));
    }
    return batch;
  });
}

/** The operator `fold` over a state of its own, with an output that is thrown away. */
class RunningSum {
  readonly state: MemoryState;
  private readonly operator: Operator;
  private readonly output = new Batch(RECORDS);
  private sealed = false;

  constructor(fold: KeyedFold, journal: boolean) {
    this.state = new MemoryState({ maxParallelism: 128, journal });
    const unused = (): never => {
      throw new Error('not in this benchmark');
    };
    const names = { uid: 'bench', subtask: 0, parallelism: 1, host: undefined as unknown as Host };
    const calls = { side: unused, fail: unused, reject: unused, wake: () => {}, random: () => 0, awaitsBarrier: false };
    const checkpoints = { calls: undefined, askForCheckpoint: unused };
    const context: OperatorContext = {
      ...names,
      ...calls,
      ...checkpoints,
      output: this.output,
      state: this.state,
      watermark: TIME_MIN,
    };
    this.operator = foldFactory(fold)(context, []);
  }

  process(batches: readonly Batch[]): void {
    for (const batch of batches) {
      const inbox = new Inbox(batch);
      this.state.prepare(inbox);
      this.operator.process(inbox);
      this.output.clear();
      if (this.sealed) this.sealed = !this.state.drainSealed(SLICE);
    }
  }

  /** The writer of the rows that are to follow. */
  seal(): RowsFileWriter {
    const writer = new RowsFileWriter();
    this.state.seal(writer.of('bench'));
    this.sealed = true;
    return writer;
  }
}

interface Work {
  readonly fold: KeyedFold;
  readonly record: (key: number) => unknown;
}

const sum = (a: unknown, b: unknown): unknown => (a as number) + (b as number);
const a = aggregateBuilder<number>();
const many = composeAggregates({ count: a.count(), sum: a.sum((record) => record) });

const WORKS: Readonly<Record<string, Work>> = {
  'sum of integers': { fold: { create: (record) => record, add: sum, result: (acc) => acc }, record: () => 1 },
  'sum of fractions': { fold: { create: (record) => record, add: sum, result: (acc) => acc }, record: () => 0.25 },
  'count and sum, accumulators': {
    fold: aggregateFold(many, (acc, key) => many.keyedResult(acc, key)),
    record: () => 0.25,
  },
};

/** Shares of the throughput. */
interface Loss {
  readonly low: number;
  readonly median: number;
  readonly high: number;
  readonly ofFastest: number;
}

/** Lost throughput: journal and a seal a second, against none. */
function measureLoss({ fold, record }: Work, changed: number): Loss {
  const plain = new RunningSum(fold, false);
  const journaled = new RunningSum(fold, true);
  const sets = Array.from({ length: KEYS / changed }, (_, at) => batchesOver(at * changed, changed, record));
  for (const batch of everyKey(KEYS, record)) for (const one of [plain, journaled]) one.process([batch]);
  journaled.seal();
  while (!journaled.state.drainSealed(SLICE));
  let passes = 4;
  const burst = (one: RunningSum, round: number): number => {
    const start = cpuSeconds();
    const writer = one === journaled ? one.seal() : null;
    for (let pass = 0; pass < passes; pass += 1) one.process(sets[round % sets.length] as Batch[]);
    writer?.finish();
    return cpuSeconds() - start;
  };
  const losses: number[] = [];
  const fastest = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY] as [number, number];
  for (let round = 0; round < PAIRS + WARM_UP; round += 1) {
    const order = round % 2 === 0 ? [plain, journaled] : [journaled, plain];
    const times = new Map(order.map((one) => [one, burst(one, round)]));
    const [before, after] = [times.get(plain) as number, times.get(journaled) as number];
    if (round < WARM_UP) passes = Math.max(1, Math.round((passes * BURST_SECONDS) / before));
    else {
      losses.push(1 - before / after);
      fastest[0] = Math.min(fastest[0], before);
      fastest[1] = Math.min(fastest[1], after);
    }
  }
  const [low, median, high] = [0.25, 0.5, 0.75].map((share) => quantile(losses, share)) as [number, number, number];
  return { low, median, high, ofFastest: 1 - fastest[0] / fastest[1] };
}

interface Sealing {
  readonly pauseMs: number;
  readonly drainMs: number;
  readonly sizeBytes: number;
}

/** Seals `changed` of `keys` keys, and writes them. */
function measureSealing({ fold, record }: Work, keys: number, changed: number): Sealing {
  const running = new RunningSum(fold, true);
  running.process(everyKey(keys, record));
  running.seal();
  while (!running.state.drainSealed(SLICE));
  const sealings: Sealing[] = [];
  for (let round = 0; round < 9; round += 1) {
    running.process(everyKey(keys, record).filter((_, at) => at % Math.round(keys / changed) === 0));
    const from = performance.now();
    const writer = running.seal();
    const pauseMs = performance.now() - from;
    const start = cpuSeconds();
    while (!running.state.drainSealed(SLICE));
    const { sizeBytes } = encodeRows(writer.finish()).facts;
    sealings.push({ pauseMs, drainMs: (cpuSeconds() - start) * 1_000, sizeBytes });
  }
  return {
    pauseMs: Math.max(...sealings.slice(WARM_UP).map(({ pauseMs }) => pauseMs)),
    drainMs: quantile(
      sealings.slice(WARM_UP).map(({ drainMs }) => drainMs),
      0.5,
    ),
    sizeBytes: (sealings[0] as Sealing).sizeBytes,
  };
}

export function sealBench(json: boolean): void {
  const print = (text: string, data: object): void => console.log(json ? JSON.stringify(data) : text);
  for (const [name, work] of Object.entries(WORKS)) {
    const sealing = measureSealing(work, 1_000_000, 100_000);
    const { pauseMs, drainMs, sizeBytes } = sealing;
    const text = `pause at most ${pauseMs.toFixed(3)} ms, writing ${drainMs.toFixed(0)} CPU-ms, ${sizeBytes} bytes`;
    print(`seal 100 K of 1 M rows, ${name}: ${text}`, { name, keys: 1_000_000, changed: 100_000, ...sealing });
  }
  for (const [name, work] of Object.entries(WORKS)) {
    const loss = measureLoss(work, 20_000);
    const percent = (share: number): string => (share * 100).toFixed(1);
    const { low, median, high, ofFastest } = loss;
    const text = `${percent(median)} % (${percent(low)} to ${percent(high)}; of the fastest ${percent(ofFastest)})`;
    print(`loss by a seal a second, 20 K of 100 K rows, ${name}: ${text}`, { name, keys: KEYS, changed: 20_000, loss });
  }
}
