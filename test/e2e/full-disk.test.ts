/**
 * A real disk that gets full under a running job, its state and its output: a typed error, or a restart once there is
 * room again, and each row once. Where no disk may be mounted there is only the simulation (test/sim/disk-full.test.ts).
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JobHandle, type RunOptions, run } from 'millrace';
import t from 'tap';
import { committedRows, strayNames } from './committed-rows.js';
import { failureOf } from './failure-of.js';
import { byKey, type Count, counting, countsUpTo } from './jobs/counting.js';
import { withDisk } from './small-disk.js';
import { until } from './until.js';

t.setTimeout(120_000);

const MODULE = { url: new URL('./jobs/counting.js', import.meta.url).href };
const COUNT = 400;

class SmallDisk {
  constructor(private readonly root: string) {}

  get out(): string {
    return join(this.root, 'out');
  }

  start(options: RunOptions, rate = 400): JobHandle<unknown> {
    const params = { out: this.out, count: COUNT, rate };
    const state = join(this.root, 'state');
    return run(MODULE, counting, { state, checkpointEvery: '20ms', workers: 2, ...options, params });
  }

  /** Not a byte is left. */
  fill(): void {
    for (let sizeBytes = 1 << 20, n = 0; sizeBytes >= 1; n += 1) {
      try {
        writeFileSync(join(this.root, `filler-${n}`), new Uint8Array(sizeBytes));
      } catch {
        sizeBytes >>= 1;
      }
    }
  }

  free(): void {
    for (let n = 0; n < 1_000; n += 1) rmSync(join(this.root, `filler-${n}`), { force: true });
  }
}

async function hasCheckpoints(handle: JobHandle<unknown>, count: number): Promise<void> {
  await until(async () => ((await handle.metrics()).checkpoint?.count ?? 0) >= count);
}

for (const backend of ['memory', 'level'] as const) {
  t.test(`${backend}: it fails, and the next start goes on`, async (t) => {
    const root = t.testdir({});
    await withDisk(t, root, 'size=4m', async () => {
      const disk = new SmallDisk(root);
      const handle = disk.start({ backend, restart: { kind: 'none' } });
      await hasCheckpoints(handle, 2);
      disk.fill();
      t.match(await failureOf(() => handle), { code: 'MILL_DISK_FULL', hint: /space/ });
      t.match(await failureOf(() => disk.start({ backend, restart: { kind: 'none' } })), { code: 'MILL_DISK_FULL' });
      disk.free();
      const { status, resumed } = await disk.start({ backend, workers: 3 }, 1e6);
      t.match({ status, resumed }, { status: 'finished', resumed: true });
      t.same(committedRows<Count>(disk.out).sort(byKey), countsUpTo(COUNT));
      t.same(strayNames(disk.out), []);
    });
  });

  t.test(`${backend}: it restarts by itself once there is room`, async (t) => {
    const root = t.testdir({});
    await withDisk(t, root, 'size=4m', async () => {
      const disk = new SmallDisk(root);
      const handle = disk.start({ backend, restart: { kind: 'fixed-delay', attempts: 100, delay: 20 } });
      await hasCheckpoints(handle, 2);
      disk.fill();
      await until(async () => (await handle.metrics()).restarts >= 2);
      disk.free();
      t.equal((await handle).status, 'finished');
      t.same(committedRows<Count>(disk.out).sort(byKey), countsUpTo(COUNT));
      t.same(strayNames(disk.out), []);
    });
  });
}
