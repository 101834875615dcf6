/**
 * What is measured again and again: endless jobs (bench/case-run.ts) and Nexmark's queries (bench/peers/ours.ts), each run in a
 * process of its own that says what it has cost warm, and of which is known what it has cost from start to end.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { QUERIES } from './nexmark/queries.js';
import { type Cost, finished } from './process-cost.js';

export interface Case {
  readonly what: string;
  /** Records a second that the design asks for; of `unit`. */
  readonly must?: number;
  readonly unit?: 'perSecond' | 'perCpuSecond';
  readonly job: string;
  /** Of the exports of its module; default: its default. */
  readonly export?: string;
  readonly workers: number;
  readonly params?: object;
  readonly state?: {
    readonly backend: 'memory' | 'level';
    readonly checkpointEvery: string;
    readonly memoryMb?: number;
  };
  /** It takes longer than others to be warm. */
  readonly warmUp?: number;
}

const sums = { job: 'shapes', export: 'sums', workers: 1 } as const;
const slides = { job: 'shapes', export: 'slides', workers: 1 } as const;
const oneSecond = { backend: 'level', checkpointEvery: '1s' } as const;

export const CASES: Readonly<Record<string, Case>> = {
  stateless: {
    what: 'map, filter, map in one chain, 1 worker',
    must: 6e6,
    unit: 'perSecond',
    job: 'stateless',
    workers: 1,
  },
  'keyed-sum': {
    what: 'running sum, 100 K number keys, 1 worker',
    must: 5e6,
    unit: 'perSecond',
    job: 'keyed-sum',
    workers: 1,
  },
  exchange: {
    what: 'objects from worker to worker, 6 fields',
    must: 5e6,
    unit: 'perSecond',
    job: 'exchange',
    workers: 2,
  },
  'flights-engine': {
    what: 'the flights job without parsing, 1 worker',
    must: 5e5,
    unit: 'perCpuSecond',
    job: 'flights',
    workers: 1,
    warmUp: 3,
  },
  'sliding-10': {
    what: 'counts in windows of 10 slides',
    must: 2e6,
    unit: 'perCpuSecond',
    ...slides,
    params: { ratio: 10 },
  },
  'sliding-600': { what: 'the same of 600 slides', ...slides, params: { ratio: 600 }, warmUp: 2 },
  'sums-1-worker': { what: 'running sum in two splits, 1 worker', ...sums, params: { splits: 2 } },
  'sums-2-workers': { what: 'the same on 2 workers', ...sums, workers: 2, params: { splits: 2 } },
  'sums-20k': { what: 'running sum of 20 K keys, no checkpoints', ...sums, params: { keys: 20_000 } },
  'sums-20k-level': {
    what: 'the same in LevelDB, a checkpoint a second',
    ...sums,
    params: { keys: 20_000 },
    state: oneSecond,
  },
  'sums-200k': { what: 'running sum of 200 K keys, no checkpoints', ...sums, params: { keys: 200_000 } },
  'sums-200k-level': {
    what: 'the same in LevelDB, a checkpoint a second',
    ...sums,
    params: { keys: 200_000 },
    state: oneSecond,
  },
};

export const QUERY_NAMES = Object.keys(QUERIES);

export interface Sample {
  readonly warm: Cost;
  /** From the start of the process to its end, children included. */
  readonly cold: Cost;
}

export interface HowLong {
  /** Of endless jobs: warm-up and measurement each. */
  readonly ms: number;
  /** Of Nexmark's queries. */
  readonly events: number;
}

/** Of the checkout that this file was compiled in. */
export const DIST = fileURLToPath(new URL('..', import.meta.url));

/** `generator` only makes Nexmark's events. */
export async function sampled(name: string, { ms, events }: HowLong, dist = DIST): Promise<Sample> {
  const command =
    name in CASES
      ? ['bench/case-run.js', name, '--ms', `${ms}`]
      : ['bench/peers/ours.js', ...(name === 'generator' ? ['generator', 'q0'] : [name]), '--events', `${events}`];
  const [script, ...rest] = command;
  const { lines, cpuSeconds } = await finished([process.execPath, join(dist, script as string), ...rest]);
  const line = lines[0] as { readonly warm: Cost; readonly cold: Cost };
  return { warm: line.warm, cold: { events: line.cold.events, cpuSeconds } };
}
