/** Runs a job that takes more and more memory, or all at once, on workers that may have little; prints how it failed. */
import { MillraceError, run } from 'millrace';
import { memory, suddenMemory } from '../jobs/crashing.js';

const MODULE = { url: new URL('../jobs/crashing.js', import.meta.url).href };
const [how = '', out = ''] = process.argv.slice(2);

try {
  const options = { workers: 2, state: false, workerMemoryMb: 24, params: { out } } as const;
  await run(MODULE, how === 'sudden' ? suddenMemory : memory, options);
} catch (error) {
  if (!(error instanceof MillraceError)) throw error;
  console.log(JSON.stringify(error));
  process.exitCode = 1;
}
