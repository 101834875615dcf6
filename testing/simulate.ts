/**
 * Runs a whole job in simulation: several virtual workers on one thread, a seeded scheduler, a virtual clock, files
 * in memory. A seed is a run: it can be repeated exactly.
 */
import type { JobDefinition } from '../api/job.js';
import { JobHandle, type JobResult } from '../api/job-handle.js';
import { LIMITS } from '../core/limits.js';
import { Random } from '../core/random.js';
import { Coordinator } from '../engine/coordinator/coordinator.js';
import type { RestartPolicy } from '../engine/coordinator/restart-strategy.js';
import { physicalPlan } from '../engine/graph/chain.js';
import { type PlantedFaults, Simulation } from '../engine/host/simulated-host.js';
import type { EngineSettings } from '../engine/worker/settings.js';

/** What a simulated run is made with. */
export interface SimulateOptions<P = unknown> {
  /** Decides everything that is left to chance. */
  readonly seed: number;
  /** Virtual workers; default 2. */
  readonly workers?: number;
  readonly params?: Partial<P>;
  readonly restart?: RestartPolicy;
  /** Sizes of batches and channels; by default drawn by the seed, from one record upwards. */
  readonly settings?: Partial<EngineSettings>;
  /** Files by path that the job finds. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Gives up after so many actions of the scheduler; default 1,000,000. */
  readonly actionsMax?: number;
  /** @internal Plants faults in tests of the engine. */
  readonly plant?: PlantedFaults;
}

/** How a simulated run ended, and how to see that it was the same run. */
export interface SimulationResult<R> extends JobResult<R> {
  /** A hash of everything that happened, in order: equal for equal seeds. */
  readonly trace: number;
  /** How many actions the scheduler has chosen. */
  readonly actions: number;
  /** What `print()` sinks have printed. */
  readonly printed: string;
  /** Reads a file that the job has written, or that it was given; undefined when there is none. */
  file(path: string): Promise<Uint8Array | undefined>;
  /** Names of the files in a directory, sorted. */
  list(directory: string): Promise<readonly string[]>;
}

/**
 * Runs `job` to its end under one seed. Rejects as the job does; with `MILL_STALLED` if it can never end.
 *
 * @example
 * for (let seed = 0; seed < 100; seed += 1) {
 *   const { results } = await simulate(totals, { seed, workers: 3 })
 *   t.same(sorted(results), expected, `seed ${seed}`)
 * }
 */
export async function simulate<R, P>(
  job: JobDefinition<R, P>,
  options: SimulateOptions<P>,
): Promise<SimulationResult<R>> {
  const { seed, workers = 2, restart = { kind: 'none' }, params } = options;
  const settings = { ...drawSettings(new Random(seed ^ 0x5eed)), ...options.settings };
  const simulation = new Simulation({
    seed,
    workers,
    settings,
    ...(options.actionsMax === undefined ? {} : { actionsMax: options.actionsMax }),
    ...(options.plant === undefined ? {} : { plant: options.plant }),
  });
  const host = simulation.host();
  for (const [path, content] of Object.entries(options.files ?? {})) await putFile(simulation, path, content);
  const logical = job.plan(params);
  const plan = physicalPlan(logical);
  const coordinator = new Coordinator({ plan, fleet: simulation.fleet(plan, host), restart, fresh: false });
  const handle = new JobHandle<R>(coordinator, logical, job.resultsOf(params));
  const result = await simulation.run(handle.then((ended) => ended));
  return {
    ...result,
    trace: simulation.trace,
    actions: simulation.actions,
    printed: simulation.printed.join(''),
    file: (path) => readFile(simulation, path),
    list: async (directory) => (await simulation.storage.list(directory)).map(({ name }) => name),
  };
}

/** Small sizes are where the bugs are: half of all runs have batches of fewer than five records. */
function drawSettings(random: Random): EngineSettings {
  const batchRecords = random.below(2) === 0 ? 1 + random.below(4) : 1 + random.below(64);
  return {
    batchRecords,
    ringBytes: 1 << (8 + random.below(6)),
    flushMs: random.below(10),
    sliceMs: LIMITS.sliceMs,
    watermarkMs: random.below(30),
  };
}

async function putFile(simulation: Simulation, path: string, content: string | Uint8Array): Promise<void> {
  const directory = path.slice(0, path.lastIndexOf('/'));
  if (directory !== '') await simulation.storage.makeDirectory(directory);
  const file = await simulation.storage.write(path);
  await file.write(typeof content === 'string' ? new TextEncoder().encode(content) : content);
  await file.sync();
  await file.close();
}

async function readFile(simulation: Simulation, path: string): Promise<Uint8Array | undefined> {
  const stat = await simulation.storage.stat(path);
  if (!stat || stat.directory) return undefined;
  const bytes = new Uint8Array(stat.sizeBytes);
  const file = await simulation.storage.read(path);
  for (let at = 0; at < bytes.length; ) at += await file.read(bytes.subarray(at), at);
  await file.close();
  return bytes;
}
