/**
 * One seed: a random job under a random schedule against its model.
 */
import type { SimulateOptions } from 'millrace/testing';
import { simulate } from 'millrace/testing';
import { randomJob } from './random-job.js';
import type { Event } from './steps.js';

export interface SeedReport {
  readonly seed: number;
  readonly trace: number;
  readonly actions: number;
  /** What went wrong; undefined: nothing. */
  readonly failure: string | undefined;
}

export async function checkSeed(seed: number, faults: Partial<SimulateOptions> = {}): Promise<SeedReport> {
  const { definition, expected, description } = randomJob(seed);
  const workers = 2 + (seed % 3);
  try {
    const { results, trace, actions } = await simulate(definition, { seed, workers, actionsMax: 200_000, ...faults });
    const difference = firstDifference(expected, results);
    const failure = difference && `${description}, ${workers} workers: ${difference}`;
    return { seed, trace, actions, failure };
  } catch (error) {
    return { seed, trace: 0, actions: 0, failure: `${description}, ${workers} workers: ${String(error)}` };
  }
}

const lineOf = ({ id, key, at, v }: Event): string => JSON.stringify([id, key, at, v]);

/** Order does not count. */
function firstDifference(expected: readonly Event[], actual: readonly Event[]): string | undefined {
  const [wanted, got] = [expected.map(lineOf).sort(), actual.map(lineOf).sort()];
  const at = wanted.findIndex((line, index) => line !== got[index]);
  if (at >= 0) return `expected ${wanted[at]}, got ${got[at] ?? 'nothing'} (${wanted.length} against ${got.length})`;
  return got.length > wanted.length ? `did not expect ${got[wanted.length]}` : undefined;
}
