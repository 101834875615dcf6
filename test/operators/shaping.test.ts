/** Chunks, samples and throttles by themselves, on a virtual clock; and options that are none. */
import fc from 'fast-check';
import type { Stream } from 'millrace';
import { harness } from 'millrace/testing';
import t from 'tap';
import { Batch, Inbox } from '../../core/batch.js';
import type { Host } from '../../core/host.js';
import { VirtualClock } from '../../engine/host/virtual-clock.js';
import { throttleFactory } from '../../operators/async/throttle.js';
import type { OperatorContext } from '../../operators/operator.js';
import { sampleFactory } from '../../operators/sample.js';

t.test('a chunk comes out when it has its size, or has waited', async (t) => {
  const h = await harness((numbers: Stream<number>) => numbers.chunk('chunks', 3, { within: '1s' }));
  for (const n of [1, 2, 3, 4]) h.send(n, { at: 10 * n });
  t.same(h.take(), [[1, 2, 3]]);
  h.advance(999);
  t.same(h.take(), []);
  h.advance(1);
  t.same(h.take(), [[4]]);
  h.send(5);
  h.end();
  t.same(h.take(), [[5]]);
  await h.close();
});

t.test('a throttle spreads records evenly', (t) => {
  const property = fc.property(
    fc.integer({ min: 1, max: 400 }),
    fc.integer({ min: 1, max: 30 }),
    (perSecond, count) => {
      const clock = new VirtualClock(0);
      const output = new Batch(1_024);
      const host = { elapsed: () => clock.now, timer: (ms: number, ring: () => void) => clock.timer(ms, ring) };
      const context = {
        host: host as Host,
        parallelism: 2,
        output,
        watermark: Number.NEGATIVE_INFINITY,
        awaitsBarrier: false,
        wake: () => {},
      } as unknown as OperatorContext;
      const operator = throttleFactory(perSecond)(context, []);
      const batch = new Batch(count);
      for (let n = 0; n < count; n += 1) batch.push(n, 0);
      operator.process(new Inbox(batch));
      // What waits is called for once what was before it is out; the clock alone moves it here.
      let rung = 0;
      while (clock.advance()) rung += 1;
      const wanted = Math.min(count, 64) - 1;
      if (perSecond < 2_000 && rung < Math.min(1, wanted)) throw new Error(`${rung} timers for ${count} records`);
      const every = 2_000 / perSecond;
      if (every >= 1 && Math.abs(clock.now - wanted * every) > 1e-6 * clock.now + 1)
        throw new Error(`${count} at ${perSecond} took ${clock.now} ms`);
    },
  );
  fc.assert(property, { numRuns: 1_000 });
  t.end();
});

t.test('a sample has about its share, and goes on from a checkpoint', (t) => {
  let seed = 1;
  const random = (): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed / 2 ** 32;
  };
  const output = new Batch(20_000);
  const context = { output, random } as unknown as OperatorContext;
  const batch = new Batch(10_000);
  for (let n = 0; n < 10_000; n += 1) batch.push(n, 0);
  sampleFactory({ fraction: 0.1 })(context, []).process(new Inbox(batch));
  t.ok(output.count > 850 && output.count < 1_150, `${output.count} of 10,000`);
  output.clear();
  const every = sampleFactory({ every: 3 });
  const first = every(context, []);
  const small = new Batch(4);
  for (let n = 0; n < 4; n += 1) small.push(n, 0);
  first.process(new Inbox(small));
  every(context, [first.snapshot?.(1, false).state]).process(new Inbox(small));
  t.same(output.records.slice(0, output.count), [2, 1]);
  t.end();
});

// biome-ignore lint/suspicious/noExplicitAny: of whatever records
const of = (build: (numbers: Stream<number>) => Stream<any>) =>
  harness((numbers: Stream<number>) => build(numbers.map((n) => n)));

t.test('options that are none, and a partitioner that chooses what is not there', async (t) => {
  for (const build of [
    (s: Stream<number>) => s.sample(1.5),
    (s: Stream<number>) => s.sample({ every: 0 }),
    (s: Stream<number>) => s.throttle('t', { perSecond: 0 }),
    (s: Stream<number>) => s.chunk('c', 0),
    (s: Stream<number>) => s.chunk('c', 1, { within: -1 }),
  ])
    await t.rejects(async () => of(build), { code: 'MILL_OPTION_INVALID' });
  for (const chosen of [-1, 1, 0.5, Number.NaN, undefined as never]) {
    const custom = (s: Stream<number>): Stream<number> => s.partitionCustom(() => chosen);
    // Also directly behind what the test sends.
    for (const h of [await of(custom), await harness(custom)]) {
      t.throws(() => h.send(1), { code: 'MILL_FUNCTION_FAILED' });
      await h.close();
    }
  }
});
