/** The sources that need nothing outside: generated and given records. */
import t from 'tap';
import { type GenerateOptions, generate } from '../../connectors/memory/generator-source.js';
import { fromIterable } from '../../connectors/memory/iterable-source.js';
import { Batch } from '../../core/batch.js';
import { TIME_MIN } from '../../core/time.js';
import { ManualHost, settle, until } from '../host/manual-host.js';
import { sourceConformance } from './source-conformance.js';
import { DrivenReader, readAll, splitsOf } from './source-driver.js';

const host = (): ManualHost => new ManualHost();

sourceConformance(t, {
  name: 'generate',
  host,
  source: () => generate({ count: 10, make: (n) => n }),
  expected: [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
});
sourceConformance(t, {
  name: 'generate in splits',
  host,
  parallelism: 3,
  source: () => generate({ count: 7, make: (n) => ({ n }) }),
  expected: [
    [{ n: 0 }, { n: 3 }, { n: 6 }],
    [{ n: 1 }, { n: 4 }],
    [{ n: 2 }, { n: 5 }],
  ],
});
sourceConformance(t, {
  name: 'generate nothing',
  host,
  source: () => generate({ count: 0, make: (n) => n }),
  expected: [[]],
});
sourceConformance(t, {
  name: 'generate at a rate',
  host,
  source: () => generate({ count: 5, rate: 2, make: (n) => n }),
  expected: [[0, 1, 2, 3, 4]],
  idle: (host) => host.advance(500),
});
sourceConformance(t, {
  name: 'an array',
  host,
  source: () => fromIterable(['a', 'b', 'c']),
  expected: [['a', 'b', 'c']],
});
sourceConformance(t, { name: 'an empty array', host, source: () => fromIterable([]), expected: [[]] });
sourceConformance(t, { name: 'a set', host, source: () => fromIterable(new Set([1, 2, 3])), expected: [[1, 2, 3]] });
sourceConformance(t, {
  name: 'a generator function',
  host,
  source: () =>
    fromIterable(function* () {
      for (let n = 0; n < 9; n += 1) yield n;
    }),
  expected: [[0, 1, 2, 3, 4, 5, 6, 7, 8]],
});
sourceConformance(t, {
  name: 'an async generator function',
  host,
  source: () =>
    fromIterable(async function* () {
      for (let n = 0; n < 9; n += 1) yield n;
    }),
  expected: [[0, 1, 2, 3, 4, 5, 6, 7, 8]],
});

function readerOf<T>(options: GenerateOptions<T>, on: ManualHost): DrivenReader {
  return new DrivenReader(generate(options), { id: '0', first: 0, step: options.splits ?? 1 } as never, undefined, on);
}

t.test('generate gives timestamps, or none', async (t) => {
  const on = host();
  const timed = readerOf({ count: 3, make: (n) => ({ n }), timestamp: (record, n) => record.n * 10 + n }, on);
  await timed.read();
  t.same(timed.timestamps, [0, 11, 22]);
  const untimed = readerOf({ count: 2, make: (n) => n }, on);
  await untimed.read();
  t.same(untimed.timestamps, [TIME_MIN, TIME_MIN]);
});

t.test('generate keeps its rate without drift, whenever it is polled', async (t) => {
  const on = host();
  const driven = readerOf({ rate: 3_000, splits: 2, make: (n) => n }, on);
  for (let second = 1; second <= 20; second += 1) {
    for (let step = 0; step < 7; step += 1) {
      on.advance(1_000 / 7);
      while (driven.poll(100) === 'more');
    }
    t.equal(driven.records.length, second * 1_500, `after ${second} s`);
  }
  t.same(driven.records.slice(0, 3), [0, 2, 4]);
});

t.test('generate makes up for at most a second', async (t) => {
  const on = host();
  const driven = readerOf({ rate: 100, make: (n) => n }, on);
  on.pause(60_000);
  while (driven.poll(1_000) === 'more');
  t.equal(driven.records.length, 100);
  on.pause(1_000);
  while (driven.poll(1_000) === 'more');
  t.equal(driven.records.length, 200, 'and goes on at its rate');
});

t.test('a rate below one a second still gives records', async (t) => {
  const on = host();
  const driven = readerOf({ rate: 0.1, make: (n) => n }, on);
  for (let second = 0; second < 100; second += 1) {
    driven.poll(10);
    on.advance(1_000);
  }
  driven.poll(10);
  t.equal(driven.records.length, 10);
});

t.test('generate wakes when records are due, not before, and not for each', async (t) => {
  const on = host();
  const driven = readerOf({ rate: 10_000, make: (n) => n }, on);
  t.equal(driven.poll(1_024), 'wait');
  on.advance(4.9);
  t.equal(driven.wakes, 0);
  on.advance(0.1);
  t.equal(driven.wakes, 1);
  t.equal(driven.poll(1_024), 'wait');
  t.equal(driven.records.length, 50);
});

t.test('an error of make names the number and loses no record', async (t) => {
  const make = (n: number): number => {
    if (n === 3) throw new TypeError('three');
    return n;
  };
  const driven = readerOf({ count: 9, make }, host());
  const batch = new Batch(8);
  t.throws(() => driven.reader.poll(batch), { code: 'MILL_FUNCTION_FAILED', message: 'TypeError: three', position: 3 });
  t.same(batch.records.slice(0, batch.count), [0, 1, 2]);
  t.equal(driven.reader.position(), 3);
});

t.test('generate refuses options that are none', (t) => {
  const make = (n: number): number => n;
  for (const wrong of [
    { count: -1 },
    { count: 1.5 },
    { rate: 0 },
    { rate: Number.NaN },
    { splits: 0 },
    { splits: 1.5 },
  ]) {
    t.throws(() => generate({ make, ...wrong }), { code: 'MILL_OPTION_INVALID' }, JSON.stringify(wrong));
  }
  t.equal(generate({ make }).bounded, false);
  t.equal(generate({ make, count: 1 }).bounded, true);
  t.end();
});

t.test('a text is an iterable', async (t) => {
  t.same(await readAll(fromIterable('abc'), host()), ['a', 'b', 'c']);
});

t.test('an iterator cannot be resumed, its function can', async (t) => {
  const numbers = function* (): Generator<number> {
    yield 1;
    yield 2;
  };
  const on = host();
  t.same(await readAll(fromIterable(numbers()), on), [1, 2]);
  const driven = new DrivenReader(fromIterable(numbers()), { id: '0' }, 1, on);
  t.match(driven.failure, { code: 'MILL_OPTION_INVALID' });
  t.equal(driven.reader.position(), 1);
});

t.test('errors of iterables fail the job', async (t) => {
  const on = host();
  const sync = fromIterable(function* () {
    yield 1;
    throw new Error('torn');
  });
  await t.rejects(readAll(sync, on), { code: 'MILL_SOURCE_FAILED', message: 'torn', position: 1 });
  const async = fromIterable(async function* () {
    yield 1;
    throw new Error('torn');
  });
  await t.rejects(readAll(async, on), { code: 'MILL_SOURCE_FAILED', message: 'torn' });
  const early = fromIterable((): number[] => {
    throw new Error('no input');
  });
  await t.rejects(readAll(early, on), { code: 'MILL_SOURCE_FAILED', message: 'no input' });
  await t.rejects(readAll(fromIterable((() => 7) as never), on), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => fromIterable(7 as never), { code: 'MILL_OPTION_INVALID' });
});

t.test('of an async iterable at most one batch is taken ahead', async (t) => {
  const on = host();
  let taken = 0;
  const source = fromIterable(async function* () {
    for (;;) {
      taken += 1;
      yield taken;
    }
  });
  const [split] = await splitsOf(source, on);
  const driven = new DrivenReader(source, split as never, undefined, on);
  await until(() => taken >= 1_024, 'a batch is taken');
  await settle();
  t.equal(taken, 1_024);
  t.equal(driven.poll(2_000), 'wait');
  await settle();
  t.equal(taken, 2_048, 'the next is taken once there is room');
  await driven.reader.close();
  await settle();
  t.equal(taken, 2_048);
});

t.test('closing does not wait for an async iterable that never yields', async (t) => {
  const on = host();
  const source = fromIterable(async function* (): AsyncGenerator<number> {
    await new Promise(() => undefined);
    yield 1;
  });
  const driven = new DrivenReader(source, { id: '0' }, undefined, on);
  t.equal(driven.poll(1), 'wait');
  await driven.reader.close();
  t.pass('closed');
});

t.test('closing ends the iteration', async (t) => {
  let returned = false;
  const source = fromIterable(function* () {
    try {
      for (;;) yield 1;
    } finally {
      returned = true;
    }
  });
  const driven = new DrivenReader(source, { id: '0' }, undefined, host());
  driven.poll(2);
  await driven.reader.close();
  t.equal(returned, true);
});
