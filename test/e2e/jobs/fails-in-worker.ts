/** A module that cannot be imported by a worker: it wants something that only the main thread has. */
import { isMainThread } from 'node:worker_threads';
import { fromIterable, job, print } from 'millrace';

if (!isMainThread) throw new Error('there is no window to draw in');

export default job('windowed', (j) => {
  j.from('numbers', fromIterable([1])).to('out', print());
});
