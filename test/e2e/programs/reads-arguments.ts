/** A program of one file whose job depends on the command line, on every thread that works for it. */
import { collect, fromIterable, job, run } from 'millrace';

const factor = Number(process.argv[2]);

const scaled = job('scaled', (j) =>
  j
    .from('numbers', fromIterable([1, 2, 3]))
    .map((n) => n * factor)
    .offload('shifted', (n) => n + factor)
    .to('out', collect()),
);

const { results } = await run(import.meta, scaled, { workers: 2, state: false });
console.log(results.join());
