/**
 * What checkpoints cost: the longest pause around each, and the throughput with and without them, with a million keys
 * of state of which 100,000 change from one to the next.
 *
 * A pause is seen from two sides: the longest gap between two batches at the sink, beside gaps that the machine makes
 * between checkpoints; and the longest turn of the worker while it was cut and wrote its rows.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from 'millrace';
import hotKeys, { hotKeysParams } from './jobs/hot-keys.js';
import { median } from './steady.js';

const MODULE = new URL('./jobs/hot-keys.js', import.meta.url).href;
const POLL_MS = 20;

interface Run {
  readonly perSecond: number;
  /** Longest gap between two batches: around each checkpoint, and in a like span without one. */
  readonly pauses: readonly number[];
  readonly others: readonly number[];
  readonly durations: readonly number[];
  /** The longest turn of the worker while it was cut and wrote its rows. */
  readonly turns: readonly number[];
}

export async function checkpoints(rounds = 3, seconds = 12): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const withThem: Run[] = [];
  const without: Run[] = [];
  for (let round = 0; round < rounds; round += 1) {
    without.push(await measure(undefined, seconds));
    withThem.push(await measure(join(directory, String(round)), seconds));
  }
  await rm(directory, { recursive: true, force: true });
  const pauses = withThem.flatMap((each) => each.pauses);
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  console.log(`${pauses.length} checkpoints, 1 M keys, 100 K changed`);
  console.log(`longest gap around one: median ${ms(quantile(pauses, 0.5))}, p99 ${ms(quantile(pauses, 0.99))}`);
  const others = withThem.flatMap((each) => each.others);
  console.log(`longest gap between them: median ${ms(quantile(others, 0.5))}, p99 ${ms(quantile(others, 0.99))}`);
  const turns = withThem.flatMap((each) => each.turns);
  const turn = quantile(turns, 0.99);
  console.log(`longest turn of the worker: median ${ms(quantile(turns, 0.5))}, p99 ${ms(turn)} (must: 5 ms)`);
  const durations = withThem.flatMap((each) => each.durations);
  console.log(`duration: median ${ms(quantile(durations, 0.5))}, p99 ${ms(quantile(durations, 0.99))}`);
  const ratios = withThem.map((each, at) => each.perSecond / (without[at] as Run).perSecond);
  console.log(
    `throughput with checkpoints each second / without: ${median(ratios).toFixed(3)} (${ratios.map((r) => r.toFixed(3)).join(', ')})`,
  );
  return turn <= 5;
}

async function measure(state: string | undefined, seconds: number): Promise<Run> {
  const { gap } = hotKeysParams;
  const options = { state: state ?? false, checkpointEvery: '1s' } as const;
  const handle = run({ url: MODULE }, hotKeys, { workers: 1, params: hotKeysParams, ...options });
  await Promise.race([pause(4_000), handle]);
  const result = { pauses: [] as number[], others: [] as number[], durations: [] as number[], turns: [] as number[] };
  const before = await handle.metrics();
  const startedAt = performance.now();
  let epoch = before.checkpoint?.epoch;
  gap[0] = 0;
  for (let turn = 0; performance.now() - startedAt < seconds * 1_000; turn += 1) {
    await pause(POLL_MS);
    const { checkpoint } = turn % 20 === 0 || state !== undefined ? await handle.metrics() : before;
    if (checkpoint?.epoch === epoch) {
      // Half a second after the last one is between two.
      if (turn % 25 === 12) result.others.push(take(gap));
      continue;
    }
    epoch = checkpoint?.epoch;
    result.pauses.push(take(gap));
    result.durations.push(checkpoint?.durationMs ?? 0);
    result.turns.push(checkpoint?.pauseMs ?? 0);
  }
  const after = await handle.metrics();
  const perSecond = ((after.events - before.events) * 1_000) / (performance.now() - startedAt);
  await handle.cancel();
  return { ...result, perSecond };
}

function take(gap: Float64Array): number {
  const longest = gap[0] as number;
  gap[0] = 0;
  return longest;
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
