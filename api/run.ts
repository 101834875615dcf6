/**
 * Runs jobs, on worker threads or on the caller's own thread.
 */
import { CheckpointStore } from '../checkpoint/checkpoint-store.js';
import { MillraceError } from '../core/errors.js';
import type { Storage } from '../core/host.js';
import { LIMITS } from '../core/limits.js';
import { type Duration, durationMs } from '../core/time.js';
import { type CheckpointOptions, Coordinator } from '../engine/coordinator/coordinator.js';
import type { Fleet } from '../engine/coordinator/fleet.js';
import type { RestartPolicy } from '../engine/coordinator/restart-strategy.js';
import type { StartOptions } from '../engine/coordinator/starting-point.js';
import { type PhysicalPlan, physicalPlan } from '../engine/graph/chain.js';
import { InlineFleet } from '../engine/host/inline-fleet.js';
import { type JobAddress, jobReceiver } from '../engine/host/job-module.js';
import { NodeHost } from '../engine/host/node-host.js';
import { MainPool, mergeOnPool } from '../engine/host/task-pool.js';
import { ThreadFleet } from '../engine/host/thread-fleet.js';
import { DEFAULT_SETTINGS, type EngineSettings } from '../engine/worker/settings.js';
import type { JobDefinition } from './job.js';
import { JobHandle } from './job-handle.js';

/** Options of any run. */
export interface InlineRunOptions<P = unknown> {
  /** Replace the job's defaults of the same name. Plain data. */
  readonly params?: Partial<P>;
  /**
   * Starts over: first removes what earlier runs of the job's sinks have written, and the job's checkpoints. Nobody is
   * asked.
   */
  readonly fresh?: boolean;
  /**
   * What to do after a failure. Default: with checkpoints, three restarts with growing delays; without, give up.
   */
  readonly restart?: RestartPolicy;
  /**
   * Where the job's checkpoints are kept, a directory of its own. The next run of the job goes on from the newest one,
   * with any number of workers; one that has finished says so. Default: with a module `.millrace/<job>`, below the
   * working directory; without one, none. `false`: none.
   */
  readonly state?: string | false;
  /**
   * Starts from a savepoint, or goes back to a checkpoint that the state directory still has: a directory, or the name
   * or number of a checkpoint. Refused if anything newer is there, unless `withdraw` says that it may be taken back.
   */
  readonly from?: string;
  /** With `from`: what file sinks have shown since then is withdrawn. */
  readonly withdraw?: boolean;
  /** Goes on though the checkpoint holds state of operators that the job has no more; it is dropped for good. */
  readonly allowDroppedState?: boolean;
  /** How often a checkpoint is taken; default every 10 seconds. */
  readonly checkpointEvery?: Duration;
  /**
   * What holds keyed state: `level`, the most recently used of it in memory and the rest on the disk, in the state
   * directory; `memory`, all of it on the heap, which is a little faster. Default: `level`, and `memory` with `state:
   * false`, which `level` can't do with. It may change from run to run.
   */
  readonly backend?: 'memory' | 'level';
  /** With `level`, how much keyed state each worker holds in memory, in MiB; default 256. */
  readonly stateMemoryMb?: number;
}

/** Options of a run on worker threads. */
export interface RunOptions<P = unknown> extends InlineRunOptions<P> {
  /** Worker threads; default: one per core. */
  readonly workers?: number;
  /** Heap limit of each worker in MiB; default: Node's. */
  readonly workerMemoryMb?: number;
  /** Runs it on the caller's thread all the same. */
  readonly inline?: boolean;
}

/** What of `import.meta` is needed. */
export interface ModuleMeta {
  readonly url: string;
}

/**
 * Starts a job and returns its handle. With the module's `import.meta` it runs on worker threads, which import that
 * module again; the job must be exported from it or run at its top level, and in those threads `run` never returns,
 * so that what follows it happens once. Without `import.meta` it runs on the caller's thread, where the job's
 * functions may use anything in scope.
 *
 * With a module the job keeps state in `.millrace/<job>`, from which the next run goes on: see `state` and `fresh`.
 *
 * The handle is awaited for the end, or iterated over for results. A definition or option that makes no sense throws
 * a `MillraceError` at once; a job that fails rejects with one.
 *
 * @example
 * const { metrics } = await run(import.meta, wordCount, { workers: 4 })
 * const { results } = await run(wordCount)                     // inline
 * for await (const row of run(import.meta, hourly)) show(row)  // as they come
 */
export function run<R, P>(job: JobDefinition<R, P>, options?: InlineRunOptions<P>): JobHandle<R>;
export function run<R, P>(module: ModuleMeta, job: JobDefinition<R, P>, options?: RunOptions<P>): JobHandle<R>;
export function run<R, P>(
  first: ModuleMeta | JobDefinition<R, P>,
  second?: JobDefinition<R, P> | InlineRunOptions<P>,
  third?: RunOptions<P>,
): JobHandle<R> {
  if ('plan' in first) return start(first, undefined, withState((second ?? {}) as InlineRunOptions<P>, false));
  const job = second as JobDefinition<R, P>;
  const receive = jobReceiver();
  if (!receive) return start(job, first.url, withState(third ?? {}, stateDirectoryOf(job.name)));
  receive(job);
  return new NeverHandle() as unknown as JobHandle<R>;
}

/** Options with what `state` has come to. */
type Settled<P> = RunOptions<P> & { readonly state: string | false };

function withState<P>(options: RunOptions<P>, fallback: string | false): Settled<P> {
  const state = options.state ?? fallback;
  if (state === '') throw new MillraceError('MILL_OPTION_INVALID', 'state is an empty text, expected a directory');
  return { ...options, state };
}

function start<R, P>(job: JobDefinition<R, P>, module: string | undefined, options: Settled<P>): JobHandle<R> {
  const params = checkParams(options.params ?? {});
  const logical = job.plan(params);
  const plan = physicalPlan(logical);
  const inline = module === undefined || options.inline === true;
  const address = inline ? undefined : { module, job: job.name, params };
  const fleet = makeFleet(plan, address, options);
  const { state } = options;
  const coordinator = new Coordinator({
    plan,
    fleet,
    restart: options.restart ?? (state === false ? { kind: 'none' } : RESTART),
    fresh: options.fresh ?? false,
    checkpoints: state === false ? undefined : checkpointOptions(fleet.host.storage, state, options),
    start: startOptions(options),
  });
  return new JobHandle<R>(coordinator, logical);
}

function startOptions<P>({ state, from, withdraw, allowDroppedState, fresh }: Settled<P>): StartOptions {
  if (from !== undefined && state === false)
    throw new MillraceError('MILL_OPTION_INVALID', 'from needs a state directory, and state is off');
  if (from !== undefined && fresh)
    throw new MillraceError('MILL_OPTION_INVALID', 'fresh and from: the job can start over, or from there, not both');
  return { from, withdraw, allowDroppedState };
}

/** Where a job keeps its state unless told otherwise. */
export function stateDirectoryOf(job: string): string {
  return `.millrace/${job}`;
}

function checkpointOptions(storage: Storage, stateDirectory: string, options: RunOptions): CheckpointOptions {
  return {
    store: new CheckpointStore(storage, stateDirectory),
    everyMs: durationMs(options.checkpointEvery ?? CHECKPOINT_EVERY, 'checkpointEvery'),
    timeoutMs: LIMITS.checkpointTimeoutMs,
    filesMax: LIMITS.stateFilesMax,
    merge: (task) => mergeOnPool({ stateDirectory, task }),
  };
}

const CHECKPOINT_EVERY = '10s';

/** A bug fails the job within seconds; what passes by itself is waited out. */
const RESTART: RestartPolicy = {
  kind: 'exponential',
  initial: '200ms',
  max: '10s',
  factor: 3,
  resetAfter: '10m',
  attempts: 3,
};

function makeFleet<P>(plan: PhysicalPlan, address: JobAddress | undefined, options: Settled<P>): Fleet {
  const host = new NodeHost(new MainPool(address));
  const settings = settingsOf(options);
  if (!address) return new InlineFleet(plan, settings, host);
  const workers = checkWorkers(options.workers ?? host.pool.threads, plan.logical.maxParallelism);
  return new ThreadFleet({
    plan,
    address,
    workers,
    settings,
    host,
    workerMemoryMb: checkMemory('workerMemoryMb', options.workerMemoryMb),
  });
}

function settingsOf<P>(options: Settled<P>): EngineSettings {
  const { state, stateMemoryMb, backend = state === false ? 'memory' : 'level' } = options;
  if (backend !== 'memory' && backend !== 'level')
    throw new MillraceError('MILL_OPTION_INVALID', `backend is ${String(backend)}, expected 'memory' or 'level'`);
  if (backend === 'level' && state === false)
    throw new MillraceError(
      'MILL_OPTION_INVALID',
      "backend 'level' keeps state on disk, and needs `state`, a directory",
    );
  const mb = checkMemory('stateMemoryMb', stateMemoryMb);
  return { ...DEFAULT_SETTINGS, backend, ...(mb === undefined ? {} : { stateBytes: mb * 2 ** 20 }) };
}

function checkWorkers(workers: number, maxParallelism: number): number {
  const most = Math.min(LIMITS.workersMax, maxParallelism);
  if (Number.isInteger(workers) && workers >= 1 && workers <= most) return workers;
  throw new MillraceError('MILL_OPTION_INVALID', `workers is ${workers}, expected an integer from 1 to ${most}`);
}

function checkMemory(name: string, mb: number | undefined): number | undefined {
  if (mb === undefined || (Number.isFinite(mb) && mb >= 1)) return mb;
  throw new MillraceError('MILL_OPTION_INVALID', `${name} is ${mb}, expected a number from 1`);
}

function checkParams<P>(params: P): P {
  try {
    return structuredClone(params);
  } catch (cause) {
    throw new MillraceError('MILL_PARAMS_INVALID', `params can't be given to other threads: ${String(cause)}`, {
      cause,
    });
  }
}

/** What `run` returns in a worker: nothing that is awaited of it ever comes. */
class NeverHandle {
  // biome-ignore lint/suspicious/noThenProperty: awaiting it is the point
  then(): Promise<never> {
    return new Promise(() => {});
  }

  [Symbol.asyncIterator](): AsyncIterator<never> {
    return { next: () => this.then() };
  }

  results(): AsyncIterable<never> {
    return { [Symbol.asyncIterator]: () => this[Symbol.asyncIterator]() };
  }

  readonly status = 'running';

  metrics(): Promise<never> {
    return this.then();
  }

  stop(): Promise<never> {
    return this.then();
  }

  cancel(): Promise<never> {
    return this.then();
  }

  savepoint(): Promise<never> {
    return this.then();
  }
}
