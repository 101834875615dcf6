/** A program of one file, job and all: each of its three workers imports it, and prints what stands before `run`. */
import { collect, generate, job, run } from 'millrace';

console.log('before');

const summing = job('summing', (j) =>
  j
    .from('numbers', generate({ count: 1_000, make: (n) => n }))
    .keyBy(() => 'all')
    .aggregate('sum', (a) => ({ sum: a.sum((n) => n) }))
    .to('results', collect()),
);

const { results, metrics } = await run(import.meta, summing, { workers: 3, state: false });

console.log(`after: ${metrics.events} events`);
console.log(`result: ${Math.max(...results.map(({ sum }) => sum))}`);
