/**
 * Micro-benchmark of the cross-worker channel: `node dist/bench/exchange.js [rounds] [records]`.
 *
 * A record has six fields, two of them short texts. Encoding and decoding alone, both in one thread, and a pipeline
 * of two threads: one makes the objects and sends them, the other receives them and reads every field. Rounds are
 * interleaved; the median and the best count, since others use the machine. The sums of both sides are compared.
 */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Batch } from '../core/batch.js';
import type { Doorbell } from '../engine/exchange/channel.js';
import { Ring } from '../engine/exchange/ring.js';
import { RingInputChannel, RingOutputChannel } from '../engine/exchange/ring-channel.js';

const BATCH = 1_024;
const RING_BYTES = 1 << 18;

interface Trade {
  readonly id: number;
  readonly account: string;
  readonly price: number;
  readonly volume: number;
  readonly symbol: string;
  readonly at: number;
}

const SYMBOLS = Array.from({ length: 500 }, (_, at) => `SYM${at}`);
const ACCOUNTS = Array.from({ length: 20_000 }, (_, at) => `acct-${at}`);

function trade(at: number): Trade {
  return {
    id: at,
    account: ACCOUNTS[(at * 7) % 20_000] as string,
    price: at * 0.25 + 0.125,
    volume: at & 1_023,
    symbol: SYMBOLS[at % 500] as string,
    at: 1_700_000_000_000 + at,
  };
}

function sumOf(record: Trade): number {
  return record.id + record.account.length + record.price + record.volume + record.symbol.charCodeAt(3) + record.at;
}

const SILENT: Doorbell = { ring() {} };

function fill(batch: Batch, from: number): void {
  batch.clear();
  for (let at = from; at < from + BATCH; at += 1) batch.pushKeyed(trade(at), at, undefined, at | 0);
}

function sumBatch(batch: Batch): number {
  let sum = 0;
  for (let at = 0; at < batch.count; at += 1) sum += sumOf(batch.records[at] as Trade);
  return sum;
}

class Pair {
  readonly output: RingOutputChannel;
  readonly input: RingInputChannel;
  readonly into = new Batch(BATCH);

  constructor() {
    const ring = new Ring(Ring.allocate(RING_BYTES));
    this.output = new RingOutputChannel(ring, SILENT, { keyed: true });
    this.input = new RingInputChannel(new Ring(ring.buffer), SILENT);
  }

  /** Adds the milliseconds spent in sending and in receiving one batch. */
  pass(batch: Batch, spent: { send: number; receive: number }): void {
    for (let sent = 0; sent < batch.count; ) {
      const before = performance.now();
      sent = this.output.send(batch, sent);
      spent.send += performance.now() - before;
      this.drain(spent);
    }
  }

  private drain(spent: { receive: number }): void {
    const before = performance.now();
    for (;;) {
      this.into.clear();
      if (this.input.receive(this.into) === undefined) break;
    }
    spent.receive += performance.now() - before;
  }
}

interface Result {
  readonly [name: string]: number;
}

function oneThread(pair: Pair, records: number): Result {
  const batches = Array.from({ length: 8 }, (_, at) => {
    const batch = new Batch(BATCH);
    fill(batch, at * BATCH);
    return batch;
  });
  const spent = { send: 0, receive: 0 };
  const start = performance.now();
  const rounds = Math.ceil(records / BATCH);
  for (let round = 0; round < rounds; round += 1) pair.pass(batches[round % 8] as Batch, spent);
  const total = performance.now() - start;
  const count = rounds * BATCH;
  return { encode: count / spent.send, decode: count / spent.receive, 'round trip, one thread': count / total };
}

class WordBell implements Doorbell {
  private readonly word: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.word = new Int32Array(buffer);
  }

  ring(): void {
    Atomics.add(this.word, 0, 1);
    Atomics.notify(this.word, 0);
  }

  get seen(): number {
    return Atomics.load(this.word, 0);
  }

  sleep(seen: number): void {
    Atomics.wait(this.word, 0, seen);
  }
}

interface Shared {
  readonly ring: SharedArrayBuffer;
  readonly producer: SharedArrayBuffer;
  readonly consumer: SharedArrayBuffer;
  readonly records: number;
}

function produce({ ring, producer, consumer, records }: Shared): number {
  const bell = new WordBell(producer);
  const output = new RingOutputChannel(new Ring(ring), new WordBell(consumer), { keyed: true });
  const batch = new Batch(BATCH);
  let sum = 0;
  for (let at = 0; at < records; at += BATCH) {
    fill(batch, at);
    sum += sumBatch(batch);
    for (let sent = 0; sent < batch.count; ) {
      const { seen } = bell;
      sent = output.send(batch, sent);
      if (sent < batch.count) bell.sleep(seen);
    }
  }
  for (let { seen } = bell; !output.sendControl({ kind: 'end' }); { seen } = bell) bell.sleep(seen);
  return sum;
}

function consume({ ring, producer, consumer }: Shared): { sum: number; count: number; sleeps: number } {
  const bell = new WordBell(consumer);
  const input = new RingInputChannel(new Ring(ring), new WordBell(producer));
  const into = new Batch(BATCH);
  const result = { sum: 0, count: 0, sleeps: 0 };
  for (;;) {
    const { seen } = bell;
    into.clear();
    const element = input.receive(into);
    if (element === undefined) {
      result.sleeps += 1;
      bell.sleep(seen);
    } else if (element !== 'records') return result;
    result.sum += sumBatch(into);
    result.count += into.count;
  }
}

async function twoThreads(worker: Worker, records: number): Promise<Result> {
  const word = (): SharedArrayBuffer => new SharedArrayBuffer(4);
  const shared: Shared = { ring: Ring.allocate(RING_BYTES), producer: word(), consumer: word(), records };
  const start = performance.now();
  worker.postMessage(shared);
  const { sum, count } = consume(shared);
  const rate = count / (performance.now() - start);
  const [sent] = (await once(worker, 'message')) as [number];
  if (Math.abs(sent - sum) > Math.abs(sum) * 1e-9) throw new Error(`sums differ: ${sent} was sent, ${sum} received`);
  return { 'pipeline, two threads': rate };
}

async function main(rounds: number, records: number): Promise<void> {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: 'producer' });
  await once(worker, 'online');
  const rates = new Map<string, number[]>();
  for (let round = 0; round < rounds; round += 1) {
    const results = { ...oneThread(new Pair(), records), ...(await twoThreads(worker, records)) };
    for (const [name, rate] of Object.entries(results)) rates.set(name, [...(rates.get(name) ?? []), rate / 1_000]);
  }
  for (const [name, all] of rates) {
    const sorted = all.slice(1).sort((a, b) => a - b);
    const median = sorted[sorted.length >> 1] as number;
    console.log(
      `${name.padEnd(24)} ${median.toFixed(2)} M records/s median, ${(sorted.at(-1) as number).toFixed(2)} best`,
    );
  }
  await worker.terminate();
}

if (isMainThread) await main(Number(process.argv[2] ?? 8), Number(process.argv[3] ?? 2_000_000));
else if (workerData === 'producer')
  parentPort?.on('message', (shared: Shared) => parentPort?.postMessage(produce(shared)));
