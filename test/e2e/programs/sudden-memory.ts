/** Runs a job that takes all memory at once, in a worker that may have little. */
import { run } from 'millrace';
import { suddenMemory } from '../jobs/crashing.js';

const MODULE = { url: new URL('../jobs/crashing.js', import.meta.url).href };
const [out = ''] = process.argv.slice(2);

await run(MODULE, suddenMemory, { workers: 2, state: false, workerMemoryMb: 24, params: { out } });
