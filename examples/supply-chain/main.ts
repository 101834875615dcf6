/**
 * Starts the example's surroundings, runs the job on two workers, and says what has become of the week.
 *
 *   npm run example supply-chain
 *   npm run example supply-chain show S0272     what the last one has recorded about a shipment
 *   npm run example supply-chain compare        how the candidate differs from production
 */
import { type JobHandle, type JobResult, run, showProgress } from 'millrace';
import supplyChain from './job.js';
import { compared, shown } from './show.js';
import { summary } from './summary.js';
import { startSurroundings } from './surroundings.js';

const OUT = 'examples/supply-chain/out';
const MODULE = { url: new URL('./job.js', import.meta.url).href };

const [what, shipment = ''] = process.argv.slice(2);
if (what === 'show') console.log(await shown(OUT, shipment));
else if (what === 'compare') console.log(await compared(OUT));
else await dispatchWeek();

async function dispatchWeek(): Promise<void> {
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
