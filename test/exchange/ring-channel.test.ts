/** The cross-worker channel in one thread: whatever is sent arrives, exactly, in order, through a ring of any size. */

import fc from 'fast-check';
import t from 'tap';
import { Batch } from '../../core/batch.js';
import type { Control } from '../../core/control.js';
import { MillraceError } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import type { Doorbell } from '../../engine/exchange/channel.js';
import { isRecordFailure } from '../../engine/exchange/record-error.js';
import { Ring } from '../../engine/exchange/ring.js';
import { RingInputChannel, RingOutputChannel } from '../../engine/exchange/ring-channel.js';
import { difference, recordLists } from './plain-values.js';

interface Row {
  readonly record: unknown;
  readonly timestamp: number;
  readonly hash: number;
}

class Bell implements Doorbell {
  rings = 0;

  ring(): void {
    this.rings += 1;
  }
}

class Pair {
  readonly consumer = new Bell();
  readonly producer = new Bell();
  readonly output: RingOutputChannel;
  readonly input: RingInputChannel;
  readonly into = new Batch(16);
  readonly received: (Row | Control)[] = [];
  private readonly keyed: boolean;

  constructor(bytes: number, keyed: boolean) {
    const buffer = Ring.allocate(bytes);
    this.keyed = keyed;
    this.output = new RingOutputChannel(new Ring(buffer), this.consumer, { keyed });
    this.input = new RingInputChannel(new Ring(buffer), this.producer);
  }

  /** Takes one element; false when there was none. */
  take(): boolean {
    const { ready } = this.input;
    this.into.release();
    const element = this.input.receive(this.into);
    if (ready !== (element !== undefined)) throw new Error('ready is not what receive gives');
    if (element === undefined) return false;
    if (element === 'records') {
      for (let at = 0; at < this.into.count; at += 1) this.received.push(this.row(at));
    } else this.received.push(element);
    return true;
  }

  private row(at: number): Row {
    const hash = this.keyed ? (this.into.hashes[at] as number) : 0;
    return { record: this.into.records[at], timestamp: this.into.timestamps[at] as number, hash };
  }

  /** Sends all of a batch, taking whenever there is no room. */
  sendAll(batch: Batch, from = 0): void {
    for (let at = from; at < batch.count; ) {
      const reached = this.output.send(batch, at);
      const rings = this.producer.rings;
      at = reached;
      if (at === batch.count) break;
      while (this.take() && this.producer.rings === rings);
      if (this.producer.rings === rings) throw new Error('a producer without room was not woken');
    }
  }

  drain(): void {
    while (this.take());
  }
}

function batchOf(rows: readonly Row[], keyed: boolean): Batch {
  const batch = new Batch(4);
  for (const { record, timestamp, hash } of rows) {
    if (keyed) batch.pushKeyed(record, timestamp, undefined, hash);
    else batch.push(record, timestamp);
  }
  return batch;
}

function rowsOf(records: readonly unknown[], timed: boolean, keyed: boolean): Row[] {
  return records.map((record, at) => ({
    record,
    timestamp: timed && at % 3 > 0 ? at * 1.5 : Number.NEGATIVE_INFINITY,
    hash: keyed ? Math.imul(at, 0x9e3779b1) : 0,
  }));
}

function throughRing(records: readonly unknown[], bytes = 4_096): unknown[] {
  const pair = new Pair(bytes, false);
  pair.sendAll(batchOf(rowsOf(records, false, false), false));
  pair.drain();
  return pair.received.map((row) => (row as Row).record);
}

t.test('random batches through small rings', (t) => {
  const sizes = fc.constantFrom(64, 128, 512, 2_048, 16_384);
  const batches = fc.array(recordLists, { maxLength: 6 });
  const takes = fc.array(fc.nat({ max: 3 }), { minLength: 6, maxLength: 6 });
  fc.assert(
    fc.property(sizes, batches, fc.boolean(), fc.boolean(), takes, (bytes, lists, timed, keyed, gaps) => {
      const pair = new Pair(bytes, keyed);
      const sent: (Row | Control)[] = [];
      for (const [index, list] of lists.entries()) {
        const rows = rowsOf(list, timed, keyed);
        pair.sendAll(batchOf(rows, keyed));
        sent.push(...rows);
        const control: Control =
          index % 2 === 0
            ? { kind: 'watermark', time: index }
            : { kind: 'barrier', checkpoint: index, last: index % 3 === 0 };
        while (!pair.output.sendControl(control)) if (!pair.take()) throw new Error('no room in an empty ring');
        sent.push(control);
        for (let gap = gaps[index] ?? 0; gap > 0; gap -= 1) pair.take();
      }
      pair.drain();
      const found = difference(sent, pair.received);
      if (found !== undefined) throw new Error(found);
    }),
    { numRuns: 500, interruptAfterTimeLimit: 60_000 },
  );
  t.end();
});

const CORNERS: Record<string, unknown[]> = {
  'numbers that are not what they seem': [0, -0, 1, Number.NaN, 2 ** 31, -(2 ** 31), 2 ** 53, 0.5],
  'fields that turn to doubles': [{ a: 1 }, { a: 2 }, { a: -0 }, { a: 0.5 }, { a: 3 }],
  'lone surrogates': ['\ud800', 'a\udc00', '\udc00\ud800', 'plain'],
  'lone surrogates in fields': [{ a: 'x' }, { a: '\ud800' }, { a: '😀' }, { a: 'ÿ' }],
  'a field __proto__': [JSON.parse('{"__proto__":1,"a":2}'), JSON.parse('{"__proto__":{"b":1}}')],
  'fields of Object.prototype': [
    { constructor: 1, hasOwnProperty: 2, toString: 'x' },
    { constructor: 3, hasOwnProperty: 4, toString: 'y' },
  ],
  'a megabyte of text': ['x'.repeat(1 << 20), { a: '€'.repeat(1 << 19) }],
  'a hundred fields': Array.from({ length: 50 }, (_, row) =>
    Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`field ${at}`, at % 2 ? row * at : `${row}`])),
  ),
  'three hundred fields': Array.from({ length: 5 }, (_, row) =>
    Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`f${at}`, row])),
  ),
  'alternating shapes': Array.from({ length: 500 }, (_, at) => (at % 2 ? { a: at } : { b: `${at}`, c: null })),
  'shapes in runs': Array.from({ length: 2_000 }, (_, at) => (at % 200 < 100 ? { a: at } : { b: `${at}`, c: null })),
  'more shapes than are kept': Array.from({ length: 2_000 }, (_, at) => ({ [`f${at >> 4}`]: at })),
  'order of keys': Array.from({ length: 100 }, (_, at) => (at < 50 ? { a: 1, b: 2 } : { b: 1, a: 2 })),
  'undefined and missing': [{ a: 1, b: undefined }, { a: 1 }, { a: undefined, b: null }, { a: 1, b: undefined }],
  'empty objects': [{}, {}, {}],
  'arrays as records': [[1, 2], [], [[3]], [undefined]],
  'null records': [null, undefined, null, 1, undefined],
  'booleans and absences': [{ ok: true }, { ok: false }, { ok: null }, { ok: undefined }, { ok: true }],
  'only absences': [{ a: null }, { a: undefined }, { a: null }],
  'absences, then values': [
    ...Array.from({ length: 80 }, () => ({ a: null, b: 1 })),
    ...Array.from({ length: 80 }, (_, at) => ({ a: `${at}`, b: 1 })),
  ],
  'nested data': Array.from({ length: 300 }, (_, at) => ({
    id: at,
    tags: ['a', `${at}`],
    at: new Date(at),
    inner: { big: 2n ** BigInt(at) },
  })),
  'null prototypes': [Object.create(null), Object.assign(Object.create(null) as object, { a: 1 })],
  'texts of all lengths': Array.from({ length: 200 }, (_, at) => ({ a: 'x'.repeat(at), b: 'ÿ'.repeat(200 - at) })),
  'wide texts of all lengths': Array.from({ length: 200 }, (_, at) => ({ a: '€'.repeat(at), b: 'y'.repeat(200 - at) })),
  'a wide text among many': Array.from({ length: 1_000 }, (_, at) => ({ a: at === 700 ? '€' : 'abc' })),
};

for (const [name, records] of Object.entries(CORNERS)) {
  t.test(name, (t) => {
    for (const bytes of [64, 1_024, 65_536])
      t.equal(difference(records, throughRing(records, bytes)), undefined, `${bytes} bytes`);
    t.end();
  });
}

t.test('inherited fields that anyone can see are not taken for own ones', (t) => {
  Object.defineProperty(Object.prototype, 'polluted', { value: 1, enumerable: true, configurable: true });
  try {
    const records = Array.from({ length: 100 }, (_, at) => ({ a: at }));
    t.equal(difference(records, throughRing(records)), undefined);
  } finally {
    delete (Object.prototype as { polluted?: number }).polluted;
  }
  t.end();
});

t.test('every kind of control', (t) => {
  const pair = new Pair(64, false);
  const controls: Control[] = [
    { kind: 'watermark', time: Number.POSITIVE_INFINITY },
    { kind: 'watermark', time: Number.NEGATIVE_INFINITY },
    { kind: 'watermark', time: 1_700_000_000_000.5 },
    { kind: 'status', idle: true },
    { kind: 'status', idle: false },
    { kind: 'barrier', checkpoint: 2 ** 40, last: false },
    { kind: 'end' },
    { kind: 'barrier', checkpoint: 1, last: true },
  ];
  for (const control of controls) {
    while (!pair.output.sendControl(control)) t.ok(pair.take());
  }
  pair.drain();
  t.strictSame(pair.received, controls);
  t.equal(pair.input.receive(pair.into), undefined);
  t.end();
});

t.test('a full ring says no until it is read, and then rings', (t) => {
  const pair = new Pair(64, false);
  const mark: Control = { kind: 'watermark', time: 1 };
  let sent = 0;
  while (pair.output.sendControl(mark)) sent += 1;
  t.equal(sent, 4);
  t.equal(pair.consumer.rings, 4);
  t.equal(pair.producer.rings, 0);
  t.ok(pair.take());
  t.equal(pair.producer.rings, 1);
  t.ok(pair.output.sendControl(mark));
  pair.drain();
  t.equal(pair.producer.rings, 1, 'nobody waits any more');
  t.end();
});

t.test('a record that is not plain is named, those before it are sent, those after it can be', (t) => {
  const records: unknown[] = Array.from({ length: 300 }, (_, at) => ({ a: at, b: 'text' }));
  records[7] = { a: 7, b: new URL('http://x') };
  records[150] = { a: () => 1, b: 'text' };
  records[299] = Symbol('x');
  for (const bytes of [128, 65_536]) {
    const pair = new Pair(bytes, false);
    const batch = batchOf(rowsOf(records, true, false), false);
    const failures: (readonly [number, string])[] = [];
    let from = 0;
    for (;;) {
      try {
        pair.sendAll(batch, from);
        break;
      } catch (error) {
        if (!isRecordFailure(error) || !(error instanceof MillraceError)) throw error;
        failures.push([error.recordIndex, error.message]);
        from = error.recordIndex + 1;
        if (from === batch.count) break;
      }
    }
    pair.drain();
    t.strictSame(failures, [
      [7, 'record.b is an instance of class URL'],
      [150, 'record.a is a function (a)'],
      [299, 'record is a symbol (Symbol(x))'],
    ]);
    const good = records.filter((_, at) => ![7, 150, 299].includes(at));
    t.equal(
      difference(
        good,
        pair.received.map((row) => (row as Row).record),
      ),
      undefined,
    );
  }
  t.end();
});

t.test('a record beyond the limit is refused', (t) => {
  const pair = new Pair(1_024, false);
  const batch = batchOf(rowsOf(['small', 'x'.repeat(LIMITS.recordBytesMax + 1)], false, false), false);
  try {
    pair.sendAll(batch);
    t.fail('no error');
  } catch (error) {
    t.ok(error instanceof MillraceError && error.code === 'MILL_RECORD_TOO_LARGE');
    t.ok(isRecordFailure(error) && error.recordIndex === 1);
  }
  pair.drain();
  t.strictSame(
    pair.received.map((row) => (row as Row).record),
    ['small'],
  );
  t.end();
});

t.test('decoded records are ordinary and stand by themselves', (t) => {
  const records = Array.from({ length: 100 }, (_, at) => ({ id: at, name: `a name of more than 13 units ${at}` }));
  const pair = new Pair(16_384, true);
  pair.sendAll(batchOf(rowsOf(records, true, true), true));
  pair.drain();
  const kept = pair.received.map((row) => (row as Row).record);
  pair.sendAll(
    batchOf(
      rowsOf(
        records.map(({ id }) => ({ id: -id, name: 'z'.repeat(30) })),
        true,
        true,
      ),
      true,
    ),
  );
  pair.drain();
  t.equal(difference(records, kept), undefined, 'later frames do not reach into earlier records');
  t.ok(kept.every((record) => Object.getPrototypeOf(record) === Object.prototype && !Object.isFrozen(record)));
  t.end();
});
