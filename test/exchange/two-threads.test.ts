/**
 * A million records between two threads through a small ring, each side asleep on its doorbell word whenever the
 * other is slower: a lost wake-up hangs, and the time limit of the wait tells.
 */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import t from 'tap';
import { Batch } from '../../core/batch.js';
import type { Doorbell } from '../../engine/exchange/channel.js';
import { Ring } from '../../engine/exchange/ring.js';
import { RingInputChannel, RingOutputChannel } from '../../engine/exchange/ring-channel.js';

const RECORDS = 1_000_000;
const BATCH = 512;
const PATIENCE_MS = 30_000;

/** A word that counts rings; a sleeper waits for it to move on from what it saw before it last looked for work. */
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
    if (Atomics.wait(this.word, 0, seen, PATIENCE_MS) === 'timed-out') throw new Error('a wake-up was lost');
  }
}

interface Shared {
  readonly ring: SharedArrayBuffer;
  readonly producer: SharedArrayBuffer;
  readonly consumer: SharedArrayBuffer;
}

function recordAt(at: number): object {
  return {
    id: at,
    price: at / 4,
    name: `item ${at % 977}`,
    open: at % 3 === 0,
    note: at % 5 === 0 ? null : 'a note beyond thirteen units',
  };
}

function produce(shared: Shared): void {
  const bell = new WordBell(shared.producer);
  const output = new RingOutputChannel(new Ring(shared.ring), new WordBell(shared.consumer), { keyed: true });
  const batch = new Batch(BATCH);
  const push = (at: number): void => batch.pushKeyed(recordAt(at), at, undefined, at | 0);
  for (let at = 0; at < RECORDS; ) {
    batch.clear();
    while (batch.count < BATCH && at < RECORDS) push(at++);
    for (let sent = 0; sent < batch.count; ) {
      const { seen } = bell;
      sent = output.send(batch, sent);
      if (sent < batch.count) bell.sleep(seen);
    }
  }
  for (let { seen } = bell; !output.sendControl({ kind: 'end' }); { seen } = bell) bell.sleep(seen);
}

/** Number of records, or what was wrong with one. */
function consume(shared: Shared): number | string {
  const bell = new WordBell(shared.consumer);
  const input = new RingInputChannel(new Ring(shared.ring), new WordBell(shared.producer));
  const into = new Batch(BATCH);
  let count = 0;
  for (;;) {
    const { seen } = bell;
    into.clear();
    const element = input.receive(into);
    if (element === undefined) bell.sleep(seen);
    else if (element !== 'records') return count;
    for (let at = 0; at < into.count; at += 1, count += 1) {
      const wrong =
        into.timestamps[at] !== count || into.hashes[at] !== count || !same(into.records[at], recordAt(count));
      if (wrong) return `record ${count} is ${JSON.stringify(into.records[at])}`;
    }
  }
}

function same(a: unknown, b: object): boolean {
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  return (
    left.id === right.id &&
    left.price === right.price &&
    left.name === right.name &&
    left.open === right.open &&
    left.note === right.note
  );
}

if (isMainThread) {
  for (const bytes of [2_048, 65_536]) {
    t.test(`a million records through ${bytes} bytes`, async (t) => {
      const word = (): SharedArrayBuffer => new SharedArrayBuffer(4);
      const shared: Shared = { ring: Ring.allocate(bytes), producer: word(), consumer: word() };
      const worker = new Worker(fileURLToPath(import.meta.url), { workerData: shared });
      await once(worker, 'online');
      t.equal(consume(shared), RECORDS);
      await once(worker, 'exit');
    });
  }
} else produce(workerData as Shared);
