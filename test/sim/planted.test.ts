/**
 * The simulation is worth something only if it finds bugs: each is planted here and has to be found, within a few
 * hundred seeds, by the same check that passes without it.
 */
import t from 'tap';
import { Random } from '../../core/random.js';
import type { Doorbell } from '../../engine/exchange/channel.js';
import { RingWriter } from '../../engine/exchange/ring.js';
import { HeapTimerTable } from '../../state/tables/timer-table.js';
import { checkSeed } from './check-seed.js';
import { OvertakenChannel } from './overtaken-channel.js';
import { randomJob } from './random-job.js';

const SEEDS_MAX = 300;

/** The first failure that some seed shows, or undefined. */
async function firstFailure(
  faults: Parameters<typeof checkSeed>[1] = {},
  { seeds = SEEDS_MAX, without = /^$/ }: { seeds?: number; without?: RegExp } = {},
): Promise<string | undefined> {
  for (let seed = 0; seed < seeds; seed += 1) {
    if (without.test(randomJob(seed).description)) continue;
    const { failure } = await checkSeed(seed, { actionsMax: 20_000, ...faults });
    if (failure) return `seed ${seed}: ${failure}`;
  }
  return undefined;
}

t.test('without a planted bug all is well', async (t) => {
  t.equal(await firstFailure({}, { seeds: 100 }), undefined);
});

t.test('a watermark that overtakes a record', async (t) => {
  const failure = await firstFailure({
    plant: { output: (channel) => new OvertakenChannel(channel, 'watermark', 20) },
  });
  t.ok(failure, `found by ${failure}`);
});

t.test('a frame lost where the ring wraps', async (t) => {
  const { commit } = RingWriter.prototype;
  RingWriter.prototype.commit = function (this: RingWriter, bytes: number) {
    const { tail } = this as unknown as { tail: number };
    if (tail !== 0 && (tail & (this.ring.capacity - 1)) === 0) return;
    commit.call(this, bytes);
  };
  t.teardown(() => {
    RingWriter.prototype.commit = commit;
  });
  const failure = await firstFailure();
  t.ok(failure, `found by ${failure}`);
});

t.test('a timer fired early', async (t) => {
  const earliest = Object.getOwnPropertyDescriptor(HeapTimerTable.prototype, 'earliest') as PropertyDescriptor;
  const { take } = HeapTimerTable.prototype;
  Object.defineProperty(HeapTimerTable.prototype, 'earliest', {
    configurable: true,
    get(this: HeapTimerTable) {
      return (earliest.get?.call(this) as number) - 1;
    },
  });
  HeapTimerTable.prototype.take = function (this: HeapTimerTable, until: number) {
    return take.call(this, until + 1);
  };
  t.teardown(() => {
    Object.defineProperty(HeapTimerTable.prototype, 'earliest', earliest);
    HeapTimerTable.prototype.take = take;
  });
  // Sessions set a timer again that finds them still open: they would go on for ever.
  const failure = await firstFailure({}, { without: /session/ });
  t.ok(failure, `found by ${failure}`);
});

t.test('a wake-up lost', async (t) => {
  const deaf = (doorbell: Doorbell): Doorbell => {
    const random = new Random(11);
    return { ring: () => random.below(20) > 0 && doorbell.ring() };
  };
  const failure = await firstFailure({ plant: { doorbell: deaf } });
  t.match(failure, /nothing can happen any more/);
});
