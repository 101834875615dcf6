/** A module whose import never comes to an end in a worker. */
import { isMainThread } from 'node:worker_threads';
import { fromIterable, job, print } from 'millrace';

if (!isMainThread) await new Promise(() => {});

export default job('waiting', (j) => {
  j.from('numbers', fromIterable([1])).to('out', print());
});
