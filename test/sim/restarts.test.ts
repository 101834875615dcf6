/**
 * Jobs whose functions fail now and then, on a disk so slow that a checkpoint is often still being written when its
 * attempt fails, or the job is cancelled: the next attempt, or start, begins only when that has come to rest.
 */
import { fileSink, generate, type JobDefinition, job, ndjson } from 'millrace';
import t from 'tap';
import { Random } from '../../core/random.js';
import type { Coordinator } from '../../engine/coordinator/coordinator.js';
import { MemoryStorage } from '../../engine/host/memory-storage.js';
import { VirtualClock } from '../../engine/host/virtual-clock.js';
import { linesOn, live } from './life.js';

const OUT = '/out';
const COUNT = 60;
const KEYS = 3;
const SEEDS = 120;

const EXPECTED = Array.from({ length: COUNT }, (_, n) => `"${n % KEYS} ${Math.floor(n / KEYS) + 1}"`).sort();

/** Renaming a manifest takes up to 8 ms. */
class SlowDisk extends MemoryStorage {
  /** Epochs, in the order in which their manifests have appeared. */
  readonly epochs: number[] = [];

  constructor(
    private readonly clock: VirtualClock,
    private readonly random: Random,
  ) {
    super();
  }

  override async rename(from: string, to: string): Promise<void> {
    const [, digits] = /(\d{12})-[^/]*\.manifest$/.exec(to) ?? [];
    if (digits !== undefined) await new Promise<void>((done) => this.clock.timer(this.random.below(8), done));
    await super.rename(from, to);
    if (digits !== undefined) this.epochs.push(Number(digits));
  }
}

interface Place {
  readonly seed: number;
  readonly random: Random;
  readonly clock: VirtualClock;
  readonly disk: SlowDisk;
  readonly workers: number;
}

function placeFor(seed: number): Place {
  const random = new Random(seed);
  const clock = new VirtualClock(1_700_000_000_000);
  return { seed, random, clock, disk: new SlowDisk(clock, random), workers: 1 + random.below(3) };
}

/** Counts by key; fails `failures` times on its way, after some records each. */
function stumbling(random: Random, failures: number): JobDefinition {
  let left = failures;
  let next = random.below(COUNT);
  const stumble = <T>(record: T): T => {
    next -= 1;
    if (next >= 0 || left === 0) return record;
    left -= 1;
    next = random.below(COUNT);
    throw new Error('stumbled');
  };
  return job('stumbling', (j) => {
    j.from('numbers', generate({ count: COUNT, rate: 2_000, make: (n) => ({ key: n % KEYS }) }))
      .map(stumble)
      .keyBy(({ key }) => key)
      .aggregate('counts', (a) => ({ n: a.count() }))
      .map(({ key, n }) => `${key} ${n}`)
      .to('rows', fileSink(OUT, ndjson(), { roll: { every: 3 } }));
  });
}

/** Each record once, and no checkpoint of an attempt that was over. */
async function wrongWith({ disk }: Place): Promise<string | undefined> {
  const rows = await linesOn(disk, OUT);
  if (rows.join() !== EXPECTED.join()) return `${rows.length} rows, expected ${EXPECTED.length}`;
  const risen = disk.epochs.every((epoch, at) => at === 0 || epoch > (disk.epochs[at - 1] as number));
  return risen ? undefined : `checkpoints ${disk.epochs}`;
}

t.test(`${SEEDS} jobs that fail up to three times`, async (t) => {
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const place = placeFor(seed);
    const definition = stumbling(place.random, 1 + place.random.below(3));
    const restart = { kind: 'fixed-delay', attempts: 3, delay: place.random.below(2) } as const;
    await live({ ...place, definition, restart });
    const wrong = await wrongWith(place);
    if (wrong) t.fail(`seed ${seed}: ${wrong}`);
  }
  t.pass();
});

t.test(`${SEEDS} jobs that are cancelled, or fail for good, and started again`, async (t) => {
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const place = placeFor(seed);
    const { random, clock, disk } = place;
    const cancelled = async (coordinator: Coordinator): Promise<void> => {
      await new Promise<void>((done) => clock.timer(random.below(60), done));
      await coordinator.cancel();
    };
    const outcome = await live({
      ...place,
      definition: stumbling(random, random.below(2)),
      meanwhile: cancelled,
    }).catch(() => 'failed');
    const epochs = [...disk.epochs];
    // Whatever is still under way somewhere.
    while (clock.advance()) for (let turn = 0; turn < 100; turn += 1) await null;
    if (disk.epochs.length !== epochs.length) t.fail(`seed ${seed}: a checkpoint after it had ${outcome}`);
    await live({ ...place, seed: seed + SEEDS, definition: stumbling(random, 0) });
    const wrong = await wrongWith(place);
    if (wrong) t.fail(`seed ${seed}: ${wrong}`);
  }
  t.pass();
});
