/**
 * Whether memory stays flat where more is made than is taken: a slow sink, a record that becomes a million, a million
 * timers at once. `npm run bench -- memory`, with `--seconds 20` for a shorter run of each, and
 * `memory timers` for one of them.
 *
 * Sampled is the resident memory of the process, all threads and their buffers in it, while the workers collect their
 * garbage all the time: what is left is what is kept. It fails when a sample after the warm-up is more than a
 * tenth from the median.
 */
import { type JobDefinition, run } from 'millrace';
import { expansionJob, slowSinkJob, timersJob } from './jobs/bounded.js';
import { median } from './statistics.js';

const MODULE = { url: new URL('./jobs/bounded.js', import.meta.url).href };
const JOBS: readonly JobDefinition<never>[] = [slowSinkJob, expansionJob, timersJob] as never;
const WORKERS = 2;

const SAMPLE_MS = 250;
const COLLECT_MS = 500;
/** Before it counts, as a part of the time that counts: heaps and tables grow to what their work needs. */
const WARM_UP = 1 / 2;
const DEVIATION_MAX = 0.1;

export interface MemoryRange {
  readonly minMb: number;
  readonly medianMb: number;
  readonly maxMb: number;
  /** Largest relative deviation from the median. */
  readonly deviation: number;
  /** Records that sources have put out. */
  readonly events: number;
}

export async function memoryOf(job: JobDefinition<never>, seconds: number): Promise<MemoryRange> {
  const handle = run(MODULE, job as JobDefinition<never, object>, {
    workers: WORKERS,
    state: false,
    params: { collectMs: COLLECT_MS },
  });
  const samples: number[] = [];
  const from = performance.now() + seconds * 1_000 * WARM_UP;
  const end = from + seconds * 1_000;
  while (performance.now() < end) {
    await Promise.race([new Promise((resolve) => setTimeout(resolve, SAMPLE_MS)), handle]);
    if (performance.now() >= from) samples.push(process.memoryUsage.rss() / 2 ** 20);
  }
  const { events } = await handle.metrics();
  await handle.cancel();
  const middle = median(samples);
  const [minMb, maxMb] = [Math.min(...samples), Math.max(...samples)];
  return { minMb, medianMb: middle, maxMb, deviation: Math.max(maxMb - middle, middle - minMb) / middle, events };
}

/** Prints a line for each of the jobs wanted, or for all; whether these are flat. */
export async function memory(seconds: number, wanted: readonly string[]): Promise<boolean> {
  console.log(`resident memory over ${seconds} s each, ${WORKERS} workers\n`);
  console.log(
    `${'job'.padEnd(12)}${'min'.padStart(9)}${'median'.padStart(9)}${'max'.padStart(9)}${'spread'.padStart(9)}`,
  );
  let flat = true;
  for (const job of JOBS) {
    if (wanted.length > 0 && !wanted.includes(job.name)) continue;
    const range = await memoryOf(job, seconds);
    const columns = [range.minMb, range.medianMb, range.maxMb].map((mb) => `${mb.toFixed(0)} MB`.padStart(9));
    const spread = `±${(range.deviation * 100).toFixed(1)} %`.padStart(9);
    const isFlat = range.deviation <= DEVIATION_MAX;
    console.log(
      `${job.name.padEnd(12)}${columns.join('')}${spread}  ${isFlat ? 'flat' : 'NOT FLAT'}, ${range.events} events`,
    );
    flat &&= isFlat;
  }
  return flat;
}
