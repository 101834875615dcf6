/**
 * Functions can't cross threads, so each thread imports the job's module and takes the job from it: an export, or
 * what the module hands over by calling `run` at its top level.
 */
import { asMillraceError, MillraceError } from '../../core/errors.js';
import type { LogicalPlan } from '../graph/nodes.js';

/** What the engine needs of a job definition. */
export interface LoadableJob {
  readonly name: string;
  plan(params: unknown): LogicalPlan;
}

/** How to build the plan on another thread. Plain data. */
export interface JobAddress {
  readonly module: string;
  readonly job: string;
  readonly params: unknown;
}

const JOB = Symbol.for('millrace.job');
const RECEIVER = Symbol.for('millrace.receiver');
type Receiver = (job: LoadableJob) => void;
const threadGlobal = globalThis as { [RECEIVER]?: Receiver };

/** Marks an object as a job, for other copies of the package too. */
export function brandJob<T extends LoadableJob>(job: T): T {
  Object.defineProperty(job, JOB, { value: true });
  return job;
}

export function isJob(value: unknown): value is LoadableJob {
  return typeof value === 'object' && value !== null && JOB in value;
}

/** Set in threads that were started for a job: `run` gives the job to it instead of running it. */
export function jobReceiver(): Receiver | undefined {
  return threadGlobal[RECEIVER];
}

/** Imports the module and finds the job. A module that calls `run` never finishes its evaluation here. */
export async function loadJob(address: JobAddress): Promise<LoadableJob> {
  const handedOver = new Promise<LoadableJob>((resolve) => {
    threadGlobal[RECEIVER] = (job) => {
      if (job.name === address.job) resolve(job);
    };
  });
  const job = await Promise.race([handedOver, importJob(address)]);
  // A module may hand its job over while its evaluation is still going on: the import alone proves nothing.
  if (job) return job;
  throw new MillraceError(
    'MILL_JOB_NOT_IN_MODULE',
    `${address.module} neither exports job ${address.job} nor runs it at its top level`,
  );
}

export interface FoundJobs {
  /** The one meant: handed to `run`, exported as default, or the only one. */
  readonly main: LoadableJob | undefined;
  readonly all: readonly LoadableJob[];
}

/**
 * The jobs of a module, for whoever runs modules that they do not know, such as the command line. One that the module
 * hands to `run` at its top level is not started.
 */
export async function findJobs(module: string): Promise<FoundJobs> {
  const handedOver = new Promise<LoadableJob>((resolve) => {
    threadGlobal[RECEIVER] = resolve;
  });
  try {
    return await Promise.race([
      handedOver.then((job) => ({ main: job, all: [job] })),
      importModule(module).then(jobsOf),
    ]);
  } finally {
    delete threadGlobal[RECEIVER];
  }
}

function jobsOf(exports: Record<string, unknown>): FoundJobs {
  const all = [...new Set(Object.values(exports).filter(isJob))];
  const main = isJob(exports.default) ? exports.default : all.length === 1 ? all[0] : undefined;
  return { main, all };
}

async function importJob(address: JobAddress): Promise<LoadableJob | undefined> {
  const exports = await importModule(address.module);
  return Object.values(exports).find((value): value is LoadableJob => isJob(value) && value.name === address.job);
}

async function importModule(module: string): Promise<Record<string, unknown>> {
  await registerTypeScript(module);
  try {
    return await import(module);
  } catch (error) {
    throw asMillraceError(error, 'MILL_JOB_MODULE_FAILED', { position: module });
  }
}

/** Lets this thread import `.ts` files where Node can't strip types itself. */
export async function registerTypeScript(module: string): Promise<void> {
  if (!/\.[cm]?tsx?$/.test(module) || (process.features as { typescript?: unknown }).typescript) return;
  const { register } = await import('tsx/esm/api');
  register();
}
