/**
 * One seed: a random job under a random schedule against its model; with crashes, also its checkpoints and files.
 */
import type { SimulateOptions, SimulationResult } from 'millrace/testing';
import { simulate } from 'millrace/testing';
import { OUT, type RandomJob, randomJob } from './random-job.js';
import { growingJob, lateJob } from './special-jobs.js';
import type { Event } from './steps.js';

export interface SeedReport {
  readonly seed: number;
  readonly trace: number;
  readonly actions: number;
  readonly crashes: number;
  readonly epoch: number;
  /** What went wrong; undefined: nothing. */
  readonly failure: string | undefined;
}

/** Without checkpoints, results handed to the caller. */
export function checkSeed(seed: number, faults: Partial<SimulateOptions> = {}): Promise<SeedReport> {
  const options = { workers: 2 + (seed % 3), ...faults };
  return check(seed, randomJob(seed), options, async ({ results }) => results as readonly Event[]);
}

/** The process dies up to three times, loses what it had not synced, and goes on with another number of workers. */
export function checkCrashSeed(seed: number, faults: Partial<SimulateOptions> = {}): Promise<SeedReport> {
  const crashes = { checkpointEvery: '3ms', crashes: 1 + (seed % 3) } as const;
  const several = { workers: 2 + (seed % 3), rescale: true };
  switch (seed % 6) {
    case 0:
      // What is late is certain only where one source subtask speaks for all.
      return check(seed, lateJob(seed), { ...crashes, workers: 1, ...faults }, committed);
    case 1:
      return check(seed, growingJob(seed), { ...crashes, ...several, ...faults }, committed);
    default:
      return check(seed, randomJob(seed, 'files'), { ...crashes, ...several, ...faults }, committed);
  }
}

async function check(
  seed: number,
  { definition, expected, description }: RandomJob,
  options: Partial<SimulateOptions>,
  eventsOf: (result: SimulationResult<Event>) => Promise<readonly Event[]>,
): Promise<SeedReport> {
  const place = `${description}, ${options.workers} workers`;
  try {
    const result = await simulate(definition, { seed, actionsMax: 200_000, ...options });
    const difference = firstDifference(expected, await eventsOf(result));
    const { trace, actions, crashes, epoch } = result;
    return {
      seed,
      trace,
      actions,
      crashes,
      epoch,
      failure: difference && `${place}, ${crashes} crashes: ${difference}`,
    };
  } catch (error) {
    return { seed, trace: 0, actions: 0, crashes: 0, epoch: 0, failure: `${place}: ${String(error)}` };
  }
}

/** What a reader of the directory sees, who leaves files in progress alone; there must be none of these at the end. */
async function committed(result: SimulationResult<Event>): Promise<readonly Event[]> {
  const names = await result.list(OUT).catch(() => []);
  const stray = names.find((name) => !name.endsWith('.ndjson') || name.startsWith('.'));
  if (stray !== undefined) throw new Error(`a stray file: ${stray}`);
  const events: Event[] = [];
  for (const name of names) {
    const text = new TextDecoder().decode(await result.file(`${OUT}/${name}`));
    for (const line of text.split('\n')) if (line !== '') events.push(JSON.parse(line) as Event);
  }
  return events;
}

const lineOf = ({ id, key, at, v }: Event): string => JSON.stringify([id, key, at, v]);

/** Order does not count. */
function firstDifference(expected: readonly Event[], actual: readonly Event[]): string | undefined {
  const [wanted, got] = [expected.map(lineOf).sort(), actual.map(lineOf).sort()];
  const at = wanted.findIndex((line, index) => line !== got[index]);
  if (at >= 0) return `expected ${wanted[at]}, got ${got[at] ?? 'nothing'} (${wanted.length} against ${got.length})`;
  return got.length > wanted.length ? `did not expect ${got[wanted.length]}` : undefined;
}
