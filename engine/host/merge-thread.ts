/**
 * The thread that merges files of rows: one a process, which ends when it has been idle for a while. Nothing waits for a
 * merge, so it yields to the threads that process records wherever the system can have one thread yield to another.
 */
import { Piscina } from 'piscina';
import type { FileRef } from '../../checkpoint/manifest.js';
import { type ErrorData, MillraceError } from '../../core/errors.js';
import type { MergeRequest } from './merge-task.js';

/** Of 19: a quarter of the time of the core, where another thread wants all of it. */
const NICE = 5;

let piscina: Piscina | undefined;

function thread(): Piscina {
  piscina ??= new Piscina({
    filename: new URL('./merge-task.js', import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: 5_000,
    niceIncrement: NICE,
  });
  return piscina;
}

export async function mergeOnThread(request: MergeRequest): Promise<FileRef> {
  const result = (await thread().run(request)) as { file: FileRef } | { error: ErrorData };
  if ('error' in result) throw MillraceError.fromJSON(result.error);
  return result.file;
}
