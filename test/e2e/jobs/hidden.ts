/** A job that workers do not find: only the main thread makes it. */
import { isMainThread } from 'node:worker_threads';
import { fromIterable, job, print } from 'millrace';

export const hidden = isMainThread
  ? job('hidden', (j) => {
      j.from('numbers', fromIterable([1])).to('out', print());
    })
  : undefined;
