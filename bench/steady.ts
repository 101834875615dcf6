/**
 * Measures endless jobs in the middle of their run: start-up and warm-up are over, and the rates are differences of
 * counters within one job. CPU time is the whole process's, all threads.
 */
import { type JobDefinition, run } from 'millrace';
import { median } from './statistics.js';

export interface Measurement {
  /** Records a second of wall time, the median of the windows. */
  readonly perSecond: number;
  /** Records a CPU-second. */
  readonly perCpuSecond: number;
  /** Largest relative deviation of a window from the median. */
  readonly spread: number;
}

export interface SteadyOptions {
  readonly workers: number;
  readonly warmUpMs?: number;
  readonly windows?: number;
  readonly windowMs?: number;
}

interface Sample {
  readonly events: number;
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Runs the default job of `module` and measures what its sources put out. */
export async function steady<P>(
  module: URL,
  job: JobDefinition<never, P>,
  options: SteadyOptions,
): Promise<Measurement> {
  const { workers, warmUpMs = 2_000, windows = 5, windowMs = 1_000 } = options;
  const handle = run({ url: module.href }, job, { workers, state: false });
  const sample = async (): Promise<Sample> => {
    const { events } = await handle.metrics();
    const { user, system } = process.cpuUsage();
    return { events, wallMs: performance.now(), cpuMs: (user + system) / 1_000 };
  };
  await Promise.race([pause(warmUpMs), handle]);
  const samples = [await sample()];
  for (let window = 0; window < windows; window += 1) {
    await pause(windowMs);
    samples.push(await sample());
  }
  await handle.cancel();
  return measurement(samples);
}

function measurement(samples: readonly Sample[]): Measurement {
  const wall: number[] = [];
  const cpu: number[] = [];
  for (let at = 1; at < samples.length; at += 1) {
    const [before, after] = [samples[at - 1] as Sample, samples[at] as Sample];
    const events = after.events - before.events;
    wall.push((events * 1_000) / (after.wallMs - before.wallMs));
    cpu.push((events * 1_000) / (after.cpuMs - before.cpuMs));
  }
  const middle = median(cpu);
  return {
    perSecond: median(wall),
    perCpuSecond: middle,
    spread: Math.max(...cpu.map((rate) => Math.abs(rate - middle) / middle)),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
