/** Where the state is that a command is about: a directory, or a job's module, whose job keeps it in the usual place. */
import { stat } from 'node:fs/promises';
import { stateDirectoryOf } from '../api/run.js';
import { CheckpointReader } from '../checkpoint/checkpoint-reader.js';
import { MillraceError } from '../core/errors.js';
import { NodeStorage } from '../engine/host/node-storage.js';
import { loadJobModule } from './load-job-module.js';

export const TARGET = 'a state directory or savepoint, or the file that defines the job';

/** Opens what `target` means, for reading; no lock is taken. */
export async function readerOf(target: string, jobName?: string): Promise<CheckpointReader> {
  return new CheckpointReader(new NodeStorage(), await directoryOf(target, jobName));
}

async function directoryOf(target: string, jobName: string | undefined): Promise<string> {
  const found = await stat(target).catch(() => undefined);
  if (found?.isFile()) return stateDirectoryOf((await loadJobModule(target, jobName)).job.name);
  if (found) return target.replace(/(?<=.)\/+$/, '');
  throw new MillraceError('MILL_CHECKPOINT_MISSING', `There is no ${target}, neither a directory nor a file`);
}
