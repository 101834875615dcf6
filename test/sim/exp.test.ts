import { fileSink, generate, type JobDefinition, job, ndjson } from 'millrace';
import { Random } from '../../core/random.js';
import { MemoryStorage } from '../../engine/host/memory-storage.js';
import { VirtualClock } from '../../engine/host/virtual-clock.js';
import { linesOn, live } from './life.js';

const OUT = '/out';
const COUNT = 60;
const KEYS = 3;

class SlowDisk extends MemoryStorage {
  readonly manifests: string[] = [];
  constructor(
    private readonly clock: VirtualClock,
    private readonly random: Random,
  ) {
    super();
  }
  override async rename(from: string, to: string): Promise<void> {
    if (!to.endsWith('.manifest')) return super.rename(from, to);
    await new Promise<void>((resolve) => this.clock.timer(this.random.below(8), resolve));
    await super.rename(from, to);
    this.manifests.push(to);
  }
}

const from = Number(process.argv[2] ?? 0),
  n = Number(process.argv[3] ?? 500);
let bad = 0;
for (let seed = from; seed < from + n; seed += 1) {
  const random = new Random(seed);
  let left = 1 + random.below(3);
  let next = 1 + random.below(COUNT);
  const stumble = (record: { key: number; n: number }) => {
    next -= 1;
    if (next <= 0 && left > 0) {
      left -= 1;
      next = 1 + random.below(COUNT);
      throw new Error('stumbled');
    }
    return record;
  };
  const counting: JobDefinition = job('counting', (j) => {
    j.from('numbers', generate({ count: COUNT, rate: 2_000, make: (n) => ({ key: n % KEYS, n }) }))
      .map(stumble)
      .keyBy(({ key }) => key)
      .aggregate('counts', (a) => ({ n: a.count() }))
      .to('rows', fileSink(OUT, ndjson(), { roll: { every: 3 } }));
  });
  const expected = Array.from({ length: COUNT }, (_, n) =>
    JSON.stringify({ key: n % KEYS, n: Math.floor(n / KEYS) + 1 }),
  ).sort();
  const clock = new VirtualClock(1_700_000_000_000);
  const disk = new SlowDisk(clock, random);
  try {
    await live({
      disk,
      clock,
      seed,
      definition: counting,
      workers: 1 + random.below(3),
      restart: { kind: 'fixed-delay', attempts: 5, delay: random.below(2) },
    });
    const rows = await linesOn(disk, OUT);
    if (JSON.stringify(rows) !== JSON.stringify(expected)) {
      bad += 1;
      console.log(seed, 'rows', rows.length);
    }
  } catch (e) {
    bad += 1;
    console.log(seed, (e as Error).message);
  }
  const epochs = disk.manifests.map((m) => Number(m.split('/').at(-1)?.slice(0, 12)));
  if (epochs.some((e, at) => at > 0 && e <= (epochs[at - 1] as number))) {
    bad += 1;
    console.log(seed, epochs.join());
  }
}
console.log({ bad });
