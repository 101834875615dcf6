/** Starts a job that fails, and looks at it no more. */
import { fromIterable, job, print, run } from 'millrace';

const failing = job('failing', (j) => {
  j.from('numbers', fromIterable([1]))
    .map(() => {
      throw new Error('nobody is listening');
    })
    .to('out', print());
});

run(failing);
console.log('started');
