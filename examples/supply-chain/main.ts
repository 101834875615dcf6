/**
 * Starts the example's surroundings, runs the job on two workers, and says what has become of the week.
 *
 *   npm run example supply-chain
 */
import { type JobHandle, type JobResult, run, showProgress } from 'millrace';
import supplyChain from './job.js';
import { summary } from './summary.js';
import { startSurroundings } from './surroundings.js';

const OUT = 'examples/supply-chain/out';
const MODULE = { url: new URL('./job.js', import.meta.url).href };

const surroundings = await startSurroundings(`${OUT}/input`);
try {
  const handle = run(MODULE, supplyChain, {
    workers: 2,
    params: surroundings.params,
    state: `${OUT}/.millrace`,
    checkpointEvery: '500ms',
    fresh: true,
  });
  process.on('SIGINT', () => void handle.cancel());
  const { status } = await watched(handle);
  console.log(status === 'finished' ? await summary(OUT, surroundings) : `\n${status}`);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await surroundings.stop();
}

/** Shows how it gets on, to its end. */
async function watched(handle: JobHandle<unknown>): Promise<JobResult<unknown>> {
  const progress = showProgress(handle);
  try {
    return await handle;
  } finally {
    progress.stop();
  }
}
