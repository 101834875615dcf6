/** Jobs that are built otherwise in a worker than on the main thread. */
import { isMainThread } from 'node:worker_threads';
import { fromIterable, job, print } from 'millrace';

const numbers = fromIterable([1, 2, 3]);

export const operators = job('operators', (j) => {
  const stream = j.from('numbers', numbers);
  (isMainThread ? stream : stream.map((n) => n + 1)).to('out', print());
});

export const names = job('names', (j) => {
  j.from('numbers', numbers).to(isMainThread ? 'out' : 'elsewhere', print());
});

export const options = job('options', (j) => {
  j.from('numbers', numbers)
    .map((n) => n + 1, { onError: isMainThread ? 'skip' : 'fail' })
    .to('out', print());
});

export const failing = job('failing', (j) => {
  if (!isMainThread) throw new Error('not on this thread');
  j.from('numbers', numbers).to('out', print());
});
