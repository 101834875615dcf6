/**
 * Micro-benchmark of the cross-worker channel: `node dist/bench/exchange.js [rounds] [records]`.
 *
 * A record has six fields, two of them short texts. Encoding and decoding alone, both in one thread, and a pipeline
 * of two threads: one makes the objects and sends them, the other receives them and reads every field. Rounds are
 * interleaved. Rates are of the median batch, which other processes on the machine do not disturb: the slower of
 * producer and consumer is what two threads reach on two idle cores; the wall clock says what they reached here and
 * now. The sums of both sides are compared.
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

  /** Sends and receives a batch; adds the milliseconds that each took. */
  pass(batch: Batch, spent: Spent): void {
    let sending = 0;
    let receiving = 0;
    for (let sent = 0; sent < batch.count; ) {
      const start = performance.now();
      sent = this.output.send(batch, sent);
      const middle = performance.now();
      this.drain();
      sending += middle - start;
      receiving += performance.now() - middle;
    }
    spent.sending.push(sending);
    spent.receiving.push(receiving);
  }

  private drain(): void {
    do this.into.clear();
    while (this.input.receive(this.into) !== undefined);
  }
}

/** Milliseconds, batch by batch. */
interface Spent {
  readonly sending: number[];
  readonly receiving: number[];
}

interface Result {
  readonly [name: string]: number;
}

/** Records a millisecond in the median batch, which no other process has interrupted. */
function medianRate(spent: readonly number[]): number {
  return BATCH / median(spent);
}

function oneThread(pair: Pair, records: number): Result {
  const batches = Array.from({ length: 8 }, (_, at) => {
    const batch = new Batch(BATCH);
    fill(batch, at * BATCH);
    return batch;
  });
  const spent: Spent = { sending: [], receiving: [] };
  for (let round = 0; round * BATCH < records; round += 1) pair.pass(batches[round % 8] as Batch, spent);
  const both = spent.sending.map((sending, at) => sending + (spent.receiving[at] as number));
  return {
    encode: medianRate(spent.sending),
    decode: medianRate(spent.receiving),
    'both, one thread': medianRate(both),
  };
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

interface Side {
  readonly sum: number;
  readonly count: number;
  /** Milliseconds a record of each batch, sleep aside. */
  readonly spent: number[];
}

function produce({ ring, producer, consumer, records }: Shared): Side {
  const bell = new WordBell(producer);
  const output = new RingOutputChannel(new Ring(ring), new WordBell(consumer), { keyed: true });
  const batch = new Batch(BATCH);
  const spent: number[] = [];
  let sum = 0;
  for (let at = 0; at < records; at += BATCH) {
    let start = performance.now();
    let took = 0;
    fill(batch, at);
    for (let sent = 0; sent < batch.count; ) {
      const { seen } = bell;
      sent = output.send(batch, sent);
      if (sent === batch.count) break;
      took += performance.now() - start;
      bell.sleep(seen);
      start = performance.now();
    }
    spent.push((took + performance.now() - start) / BATCH);
    sum += sumBatch(batch);
  }
  for (let { seen } = bell; !output.sendControl({ kind: 'end' }); { seen } = bell) bell.sleep(seen);
  return { sum, count: records, spent };
}

function consume({ ring, producer, consumer }: Shared): Side {
  const bell = new WordBell(consumer);
  const input = new RingInputChannel(new Ring(ring), new WordBell(producer));
  const into = new Batch(BATCH);
  const spent: number[] = [];
  let sum = 0;
  let count = 0;
  for (;;) {
    const { seen } = bell;
    into.clear();
    const start = performance.now();
    const element = input.receive(into);
    if (element === undefined) bell.sleep(seen);
    else if (element !== 'records') return { sum, count, spent };
    if (into.count === 0) continue;
    sum += sumBatch(into);
    count += into.count;
    spent.push((performance.now() - start) / into.count);
  }
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number;
}

async function twoThreads(worker: Worker, records: number): Promise<Result> {
  const word = (): SharedArrayBuffer => new SharedArrayBuffer(4);
  const shared: Shared = { ring: Ring.allocate(RING_BYTES), producer: word(), consumer: word(), records };
  const start = performance.now();
  worker.postMessage(shared);
  const received = consume(shared);
  const rate = received.count / (performance.now() - start);
  const [sent] = (await once(worker, 'message')) as [Side];
  if (Math.abs(sent.sum - received.sum) > Math.abs(sent.sum) * 1e-9) {
    throw new Error(`sums differ: ${sent.sum} was sent, ${received.sum} received`);
  }
  return {
    'two threads, wall clock': rate,
    'two threads, producer': 1 / median(sent.spent),
    'two threads, consumer': 1 / median(received.spent),
  };
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
