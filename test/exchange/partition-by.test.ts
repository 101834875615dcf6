/** Records dealt by a function or by chance, over channels that have no room for them now and then. */
import fc from 'fast-check';
import t from 'tap';
import { Batch } from '../../core/batch.js';
import type { OutputChannel } from '../../engine/exchange/channel.js';
import { LinkWriter } from '../../engine/exchange/link-writer.js';
import type { Partition } from '../../engine/graph/nodes.js';

const RUNS = 1_000;

/** Takes as many records at a time as it is told. */
class Narrow implements OutputChannel {
  readonly taken: unknown[] = [];
  private calls = 0;

  constructor(private readonly rooms: readonly number[]) {}

  send(batch: Batch, from: number): number {
    const room = this.rooms[this.calls % this.rooms.length] as number;
    this.calls += 1;
    const to = Math.min(batch.count, from + room);
    for (let at = from; at < to; at += 1) this.taken.push(batch.records[at]);
    return to;
  }

  sendControl(): boolean {
    return true;
  }
}

function deal(
  partition: Partition,
  channels: readonly Narrow[],
  count: number,
  random: () => number = () => 0,
  batchMax = Math.max(1, count),
): void {
  const writer = new LinkWriter({
    partition,
    channels,
    maxParallelism: 128,
    batchRecords: 2,
    consumer: { operator: 'reader' },
    producer: { operator: 'writer' },
    position: () => undefined,
    random,
  });
  for (let from = 0; from < count; from += batchMax) {
    const batch = new Batch(batchMax);
    for (let n = from; n < Math.min(count, from + batchMax); n += 1) batch.push(n, n);
    writer.offer(batch);
    while (!writer.drain());
  }
  while (!writer.flush());
}

/** Some of them 0, and the last one not: it goes on at last. */
const rooms = fc
  .tuple(fc.array(fc.nat(2), { maxLength: 5 }), fc.integer({ min: 1, max: 3 }))
  .map(([some, last]) => [...some, last]);

t.test('a function is asked once for each record, in order, however often a channel has no room', (t) => {
  fc.assert(
    fc.property(
      fc.array(rooms, { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(99), { maxLength: 40 }),
      (all, picks) => {
        const asked: number[] = [];
        const choose = (n: number, subtasks: number): number => {
          asked.push(n);
          return (picks[n] as number) % subtasks;
        };
        const channels = all.map((each) => new Narrow(each));
        deal({ kind: 'custom', choose: choose as never }, channels, picks.length);
        t.same(asked, [...picks.keys()]);
        for (const [at, { taken }] of channels.entries())
          t.same(
            taken,
            [...picks.keys()].filter((n) => (picks[n] as number) % channels.length === at),
          );
      },
    ),
    { numRuns: RUNS },
  );
  t.end();
});

t.test('a draw is not drawn anew where a channel has no room: the same numbers deal the same way', (t) => {
  fc.assert(
    fc.property(fc.array(rooms, { minLength: 2, maxLength: 4 }), fc.nat(), fc.nat(40), (all, seed, count) => {
      const dealt = [all, all.map(() => [99])].map((each) => {
        let state = seed;
        const random = (): number => {
          state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
          return state / 2 ** 32;
        };
        const channels = each.map((one) => new Narrow(one));
        deal({ kind: 'shuffle' }, channels, count, random);
        return channels.map(({ taken }) => taken);
      });
      t.same(dealt[0], dealt[1]);
    }),
    { numRuns: RUNS },
  );
  t.end();
});

t.test('what a function chooses is one of the subtasks', (t) => {
  for (const chosen of [-1, 2, 0.5, Number.NaN, undefined, null, '1', 1n]) {
    const choose = (): unknown => chosen;
    t.throws(() => deal({ kind: 'custom', choose }, [new Narrow([9]), new Narrow([9])], 1), {
      code: 'MILL_FUNCTION_FAILED',
    });
  }
  const first = new Narrow([9]);
  deal({ kind: 'custom', choose: () => -0 }, [first, new Narrow([9])], 3);
  t.same(first.taken, [0, 1, 2]);
  t.end();
});

t.test('in turns: every record once, in order on its channel, to no more subtasks than asked for', (t) => {
  const subtasks = fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined });
  fc.assert(
    fc.property(fc.array(rooms, { minLength: 1, maxLength: 4 }), subtasks, fc.nat(40), (all, wanted, count) => {
      const channels = all.map((each) => new Narrow(each));
      deal({ kind: 'rebalance', subtasks: wanted }, channels, count, undefined, 3);
      const used = Math.min(wanted ?? channels.length, channels.length);
      const batches = Math.ceil(count / 3);
      for (const [at, { taken }] of channels.entries()) {
        t.equal(taken.length > 0, at < used && taken.length > 0, 'nothing beyond them');
        t.ok(at >= used || taken.length >= 3 * Math.floor(batches / used) - 3, 'each has its share');
        t.same(
          taken,
          [...(taken as number[])].sort((a, b) => a - b),
        );
      }
      t.same(
        channels.flatMap(({ taken }) => taken as number[]).sort((a, b) => a - b),
        [...Array(count).keys()],
      );
    }),
    { numRuns: RUNS },
  );
  t.end();
});
