/** Finds the job in a user's module, without starting it where the module does that itself. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MillraceError } from '../core/errors.js';
import { type FoundJobs, findJobs, type LoadableJob } from '../engine/host/job-module.js';

export interface LoadedJob {
  /** Of the module, for the workers. */
  readonly url: string;
  readonly job: LoadableJob;
}

/** The job of the module at `path`, relative to the working directory: the only one, the default one or the named one. */
export async function loadJobModule(path: string, name?: string): Promise<LoadedJob> {
  const file = resolve(path);
  if (!existsSync(file)) throw new MillraceError('MILL_FILE_MISSING', `There is no job module ${file}`);
  const url = pathToFileURL(file).href;
  return { url, job: choose(await findJobs(url), file, name) };
}

function choose({ main, all }: FoundJobs, file: string, name: string | undefined): LoadableJob {
  const chosen = name === undefined ? main : all.find((job) => job.name === name);
  if (chosen) return chosen;
  const names = all.map((job) => job.name).join(', ');
  if (all.length === 0) {
    throw new MillraceError('MILL_JOB_NOT_IN_MODULE', `${file} exports no job and runs none at its top level`, {
      hint: 'Export the job: export default job(name, (j) => { … }).',
    });
  }
  throw new MillraceError(
    'MILL_JOB_NOT_IN_MODULE',
    `${file} has ${name === undefined ? 'several jobs' : `no job ${name}`}: ${names}`,
    {
      hint: 'Say which with --job <name>, or export one as default.',
    },
  );
}
