/**
 * Functions can't cross threads, so each thread imports the job's module and takes the job from it. A module that
 * calls `run` at its top level never finishes its evaluation here: from that moment on everything it has defined
 * will do.
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
const DEFINED = Symbol.for('millrace.defined');
type Receiver = (job: LoadableJob) => void;
const threadGlobal = globalThis as { [RECEIVER]?: Receiver; [DEFINED]?: Map<string, LoadableJob> };
threadGlobal[DEFINED] ??= new Map();

/** Marks an object as a job, for other copies of the package too. */
export function brandJob<T extends LoadableJob>(job: T): T {
  Object.defineProperty(job, JOB, { value: true });
  // A thread that is looking for a job finds it here even where its module does not export it.
  if (threadGlobal[RECEIVER]) threadGlobal[DEFINED]?.set(job.name, job);
  return job;
}

export function isJob(value: unknown): value is LoadableJob {
  return typeof value === 'object' && value !== null && JOB in value;
}

/** Set in threads that were started for a job: `run` gives the job to it instead of running it. */
export function jobReceiver(): Receiver | undefined {
  return threadGlobal[RECEIVER];
}

/** Imports the module and finds the job. */
export async function loadJob(address: JobAddress): Promise<LoadableJob> {
  const wanted = (job: LoadableJob | undefined): boolean => job?.name === address.job;
  const running = new Promise<LoadableJob>((resolve) => {
    threadGlobal[RECEIVER] = (job) => {
      const found = wanted(job) ? job : threadGlobal[DEFINED]?.get(address.job);
      if (found) resolve(found);
    };
  });
  const imported = importModule(address.module).then(
    (exports) => Object.values(exports).filter(isJob).find(wanted) ?? threadGlobal[DEFINED]?.get(address.job),
  );
  const job = await Promise.race([running, imported]);
  if (job) return job;
  throw new MillraceError(
    'MILL_JOB_NOT_IN_MODULE',
    `importing ${address.module} does not define job ${address.job}: it is neither exported nor made at the top level`,
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
