/**
 * What agents cost beside their models: CPU of a run and of a step, how long acts wait for a checkpoint, memory of runs under
 * way, and what a stalled model does to checkpoints and to a stream beside it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { run } from 'millrace';
import agentActs, { agentActsParams } from './jobs/agent-acts.js';
import agentDark, { agentDarkParams } from './jobs/agent-dark.js';
import agentStalled, { agentStalledParams } from './jobs/agent-stalled.js';
import agentSteps from './jobs/agent-steps.js';
import { median } from './statistics.js';

const moduleOf = (name: string) => ({ url: new URL(`./jobs/${name}.js`, import.meta.url).href });

const RUNS = 20_000;
const STEPS = 20;

export async function agents(): Promise<void> {
  const costs = [];
  for (let round = 0; round < 3; round += 1) costs.push([await stepsCost(0), await stepsCost(STEPS)] as const);
  const perRun = median(costs.map(([none]) => none / RUNS)) * 1_000;
  const perStep = median(costs.map(([none, all]) => (all - none) / (RUNS * STEPS))) * 1_000;
  console.log(`a run: ${perRun.toFixed(0)} µs of CPU; a step of it: ${perStep.toFixed(1)} µs (must: 20)`);
  const waits = await acts();
  console.log(
    `an act waits for its checkpoint: median ${quantile(waits, 0.5).toFixed(0)} ms, p99 ${quantile(waits, 0.99).toFixed(0)} ms, of ${waits.length} (must: median 200)`,
  );
  await stalled();
  console.log(
    `with a candidate beside it production makes ${(100 * (await darkRatio())).toFixed(1)} % of its runs (must: 95)`,
  );
  // The first one pays for what is there once.
  await heapWith(1);
  const [one, many] = [await heapWith(1), await heapWith(1_001)];
  const bytes = many - one;
  console.log(
    `a run that waits for its model, with a prompt of 4 KB: ${(bytes / 1_000 / 1_024).toFixed(1)} KiB (must: 64)`,
  );
}

/** Runs a second of production, with a candidate beside it and without, in turns. */
async function darkRatio(): Promise<number> {
  const ratios: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const [alone, both, bothAgain, aloneAgain] = [
      await darkMs(false),
      await darkMs(true),
      await darkMs(true),
      await darkMs(false),
    ];
    ratios.push((alone + aloneAgain) / (both + bothAgain));
  }
  return median(ratios);
}

async function darkMs(dark: boolean): Promise<number> {
  return withState(async (state) => {
    const startedAt = performance.now();
    const params = { ...agentDarkParams, dark };
    await run(moduleOf('agent-dark'), agentDark, { params, state, workers: 1, checkpointEvery: '1s' });
    return performance.now() - startedAt;
  });
}

/** Bytes on the heap of a job whose mailbox is full, behind so many runs at a stalled model. */
async function heapWith(inFlight: number): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  return withState(async (state) => {
    const params = { ...agentStalledParams, runs: inFlight + 2_000, inFlight };
    const handle = run(moduleOf('agent-stalled'), agentStalled, {
      params,
      state,
      inline: true,
      checkpointEvery: '500ms',
    });
    await Promise.race([pause(4_000), handle]);
    collect();
    const { heapUsed, external } = process.memoryUsage();
    await handle.cancel();
    return heapUsed + external;
  });
}

/** Milliseconds of CPU of a whole job, checkpoints and journal included. */
async function stepsCost(steps: number): Promise<number> {
  return withState(async (state) => {
    const before = process.cpuUsage();
    await run(moduleOf('agent-steps'), agentSteps, {
      params: { runs: RUNS, steps },
      state,
      workers: 1,
      checkpointEvery: '1s',
    });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  });
}

async function acts(): Promise<number[]> {
  const { waits } = agentActsParams;
  waits[0] = 0;
  await withState(async (state) => {
    const handle = run(moduleOf('agent-acts'), agentActs, {
      params: agentActsParams,
      state,
      workers: 1,
      checkpointEvery: '1s',
    });
    await Promise.race([pause(12_000), handle]);
    await handle.cancel();
  });
  return [...waits.slice(1, 1 + (waits[0] as number))];
}

async function stalled(): Promise<void> {
  const { latencies } = agentStalledParams;
  await withState(async (state) => {
    latencies[0] = 0;
    const handle = run(moduleOf('agent-stalled'), agentStalled, {
      params: agentStalledParams,
      state,
      workers: 1,
      checkpointEvery: '500ms',
    });
    const durations: number[] = [];
    let epoch = 0;
    for (const end = Date.now() + 12_000; Date.now() < end; ) {
      await Promise.race([pause(100), handle]);
      const { checkpoint } = await handle.metrics();
      if (checkpoint && checkpoint.epoch !== epoch) durations.push(checkpoint.durationMs ?? 0);
      epoch = checkpoint?.epoch ?? 0;
    }
    await handle.cancel();
    const beside = [...latencies.slice(1, 1 + (latencies[0] as number))];
    console.log(
      `1,000 runs wait for a stalled model, mailbox full: ${durations.length} checkpoints, longest ${Math.max(...durations).toFixed(0)} ms (must: 300); a stream beside: p50 ${quantile(beside, 0.5).toFixed(1)} ms, p99 ${quantile(beside, 0.99).toFixed(1)} ms`,
    );
  });
}

async function withState<T>(measure: (state: string) => Promise<T>): Promise<T> {
  const state = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  try {
    return await measure(state);
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
