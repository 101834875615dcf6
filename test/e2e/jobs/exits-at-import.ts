/** A module that ends the worker that imports it. */
import { isMainThread } from 'node:worker_threads';
import { fromIterable, job, print } from 'millrace';

if (!isMainThread) process.exit(3);

export default job('exiting', (j) => {
  j.from('numbers', fromIterable([1])).to('out', print());
});
