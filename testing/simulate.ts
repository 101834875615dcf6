/**
 * Runs a whole job in simulation: several virtual workers on one thread, a seeded scheduler, a virtual clock, files
 * in memory. A seed is a run: it can be repeated exactly.
 */
import type { JobDefinition } from '../api/job.js';
import { JobHandle, type JobResult } from '../api/job-handle.js';
import { CheckpointStore } from '../checkpoint/checkpoint-store.js';
import { mergeIn } from '../checkpoint/merge-in.js';
import type { Storage } from '../core/host.js';
import { LIMITS } from '../core/limits.js';
import { Random } from '../core/random.js';
import { type Duration, durationMs } from '../core/time.js';
import { Coordinator, type CoordinatorOptions } from '../engine/coordinator/coordinator.js';
import type { RestartPolicy } from '../engine/coordinator/restart-strategy.js';
import { type PhysicalPlan, physicalPlan } from '../engine/graph/chain.js';
import type { LogicalPlan } from '../engine/graph/nodes.js';
import { MemoryStorage } from '../engine/host/memory-storage.js';
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
  /** Takes checkpoints this often, in virtual time; left out: none. */
  readonly checkpointEvery?: Duration;
  /**
   * How often the process dies at most, at a call of the disk or in between, where the seed says: as by `kill -9`, or
   * with the power cut, so that what was not synced is lost, wholly or in part, that of earlier lives included. The job
   * then goes on from its newest checkpoint.
   */
  readonly crashes?: number;
  /** After each crash, goes on with another number of workers. */
  readonly rescale?: boolean;
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
  /** How often the process has died. */
  readonly crashes: number;
  /** The last checkpoint's epoch; 0 without checkpoints. */
  readonly epoch: number;
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
  const disk = new MemoryStorage();
  for (const [path, content] of Object.entries(options.files ?? {})) await putFile(disk, path, content);
  const random = new Random(options.seed ^ 0x5eed);
  const ended: Life<R>[] = [];
  const logical = job.plan(options.params);
  const program: Program = { logical, plan: physicalPlan(logical) };
  for (;;) {
    const life = await live<R, P>(program, options, disk, random, ended.length, ended.at(-1)?.simulation.clock.now);
    ended.push(life);
    if (life.result) return resultOf(life.result, disk, ended, await epochOf(disk));
    if (random.below(2) === 0) disk.kill();
    else disk.crash(() => random.next());
  }
}

/** One process: to the end of the job, or to its own. */
interface Life<R> {
  readonly simulation: Simulation;
  /** Undefined: it has died. */
  readonly result: JobResult<R> | undefined;
}

/** Virtual state directory. */
const STATE = '/state';

/** The job, built once for all its lives. */
interface Program {
  readonly logical: LogicalPlan;
  readonly plan: PhysicalPlan;
}

async function live<R, P>(
  { logical, plan }: Program,
  options: SimulateOptions<P>,
  disk: MemoryStorage,
  random: Random,
  lives: number,
  startAt: number | undefined,
): Promise<Life<R>> {
  const { seed, restart = { kind: 'none' }, crashes = 0 } = options;
  const workers = lives > 0 && options.rescale ? 1 + random.below(4) : (options.workers ?? 2);
  const simulation = new Simulation({
    seed: seed + lives * 0x9e3779b1,
    workers,
    settings: { ...drawSettings(random), ...options.settings },
    disk,
    ...(lives < crashes ? drawDeath(random) : {}),
    ...(startAt === undefined ? {} : { startAt }),
    ...(options.actionsMax === undefined ? {} : { actionsMax: options.actionsMax }),
    ...(options.plant === undefined ? {} : { plant: options.plant }),
  });
  const host = simulation.host();
  const checkpoints = checkpointsOf(options.checkpointEvery, random.below(4) === 0 ? 6 : 1_000, simulation);
  const coordinator = new Coordinator({
    plan,
    fleet: simulation.fleet(plan, host),
    restart,
    fresh: false,
    checkpoints,
  });
  const handle = new JobHandle<R>(coordinator, logical);
  return { simulation, result: await simulation.run(handle.then((ended) => ended)) };
}

function checkpointsOf(
  every: Duration | undefined,
  timeoutMs: number,
  simulation: Simulation,
): CoordinatorOptions['checkpoints'] {
  if (every === undefined) return undefined;
  const store = new CheckpointStore(simulation.storage, STATE);
  const everyMs = durationMs(every, 'checkpointEvery');
  // Few, so that even short runs merge.
  return { store, everyMs, timeoutMs, filesMax: 2, merge: (task) => mergeIn(simulation.storage, STATE, task) };
}

/** Half of them at a call of the disk: there are far fewer of these than of other actions. */
function drawDeath(random: Random): { diesAt: number } | { diesAfterActions: number } {
  return random.below(2) === 0 ? { diesAt: 1 + random.below(45) } : { diesAfterActions: 20 + random.below(260) };
}

async function epochOf(disk: MemoryStorage): Promise<number> {
  return (await new CheckpointStore(disk, STATE).newest())?.epoch ?? 0;
}

function resultOf<R>(
  result: JobResult<R>,
  disk: MemoryStorage,
  lives: readonly Life<R>[],
  epoch: number,
): SimulationResult<R> {
  return {
    ...result,
    crashes: lives.length - 1,
    epoch,
    trace: lives.reduce((hash, { simulation }) => (Math.imul(hash, 31) + simulation.trace) | 0, 0),
    actions: lives.reduce((sum, { simulation }) => sum + simulation.actions, 0),
    printed: lives.flatMap(({ simulation }) => simulation.printed).join(''),
    file: (path) => readFile(disk, path),
    list: async (directory) => (await disk.list(directory)).map(({ name }) => name),
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
    backend: 'memory',
    stateBytes: LIMITS.stateBytes,
    baseLagMax: 1 + random.below(3),
  };
}

async function putFile(storage: Storage, path: string, content: string | Uint8Array): Promise<void> {
  const directory = path.slice(0, path.lastIndexOf('/'));
  if (directory !== '') await storage.makeDirectory(directory);
  const file = await storage.write(path);
  await file.write(typeof content === 'string' ? new TextEncoder().encode(content) : content);
  await file.sync();
  await file.close();
}

async function readFile(storage: Storage, path: string): Promise<Uint8Array | undefined> {
  const stat = await storage.stat(path);
  if (!stat || stat.directory) return undefined;
  const bytes = new Uint8Array(stat.sizeBytes);
  const file = await storage.read(path);
  for (let at = 0; at < bytes.length; ) at += await file.read(bytes.subarray(at), at);
  await file.close();
  return bytes;
}
