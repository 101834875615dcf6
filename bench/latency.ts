/**
 * How long a record takes from when it is due to when its result is there, at fixed rates, checkpoints on: `npm run bench -- latency
 * [--load 0.5] [--rate N] [--workers 1|2] [--state memory|level] [--seconds 20]`. Without a rate it is a share of what the same
 * job does when there is always more.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type JobHandle, run } from 'millrace';
import { type Counts, percentile, sumOf } from './histogram.js';
import pacedSum, { type Latencies, pacedParams } from './jobs/paced-sum.js';

const MODULE = { url: new URL('./jobs/paced-sum.js', import.meta.url).href };
const SHARES = [0.5, 0.99, 0.999, 0.9999, 1];
const CALIBRATION_MS = 8_000;

interface Setting {
  readonly workers: number;
  readonly backend: 'memory' | 'level';
  readonly keys: number;
}

export async function latency(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      load: { type: 'string', default: '0.5' },
      rate: { type: 'string' },
      workers: { type: 'string' },
      state: { type: 'string' },
      keys: { type: 'string', default: String(pacedParams.keys) },
      seconds: { type: 'string', default: '20' },
    },
  });
  const workers = values.workers === undefined ? [1, 2] : [Number(values.workers)];
  const backends = values.state === undefined ? (['memory', 'level'] as const) : [values.state as Setting['backend']];
  console.log('          state   workers    records/s   p50 ms   p99 ms  p99.9 ms  p99.99 ms  max ms   checkpoints');
  for (const count of workers)
    for (const backend of backends) {
      const setting: Setting = { workers: count, backend, keys: Number(values.keys) };
      const perSecond =
        values.rate === undefined ? Number(values.load) * (await capacityOf(setting)) : Number(values.rate);
      const { counts, checkpoints } = await measured(setting, Math.round(perSecond), Number(values.seconds));
      const times = SHARES.map((share) => (percentile(counts, share) / 1_000).toFixed(3).padStart(8)).join(' ');
      const head = `latency   ${backend.padEnd(8)}${String(count).padStart(6)} ${String(Math.round(perSecond)).padStart(12)}`;
      console.log(`${head} ${times}   ${checkpoints}`);
    }
}

/** Records a second when there is always more, in the second half of the time. */
async function capacityOf(setting: Setting): Promise<number> {
  return withJob(setting, Number.MAX_SAFE_INTEGER, async (handle) => {
    await pause(CALIBRATION_MS / 2);
    const [before, from] = [await handle.metrics(), performance.now()];
    await pause(CALIBRATION_MS / 2);
    const after = await handle.metrics();
    return ((after.events - before.events) * 1_000) / (performance.now() - from);
  });
}

async function measured(
  setting: Setting,
  perSecond: number,
  seconds: number,
): Promise<{ readonly counts: Counts; readonly checkpoints: number }> {
  return withJob(setting, perSecond, async (handle) => {
    const byThread = new Map<number, Counts>();
    const until = performance.now() + pacedParams.warmUpMs + seconds * 1_000;
    for await (const { thread, counts } of handle as AsyncIterable<Latencies>) {
      byThread.set(thread, counts);
      if (performance.now() >= until) break;
    }
    return { counts: sumOf(byThread.values()), checkpoints: (await handle.metrics()).checkpoint?.count ?? 0 };
  });
}

async function withJob<T>(
  { workers, backend, keys }: Setting,
  perSecond: number,
  use: (handle: JobHandle<unknown>) => Promise<T>,
): Promise<T> {
  const state = await mkdtemp(join(tmpdir(), 'millrace-latency-'));
  const params = { ...pacedParams, keys, perSecond, splits: workers };
  const handle = run(MODULE, pacedSum, { params, workers, state, backend, checkpointEvery: '1s' });
  try {
    return await use(handle as JobHandle<unknown>);
  } finally {
    await handle.cancel();
    await rm(state, { recursive: true, force: true });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
