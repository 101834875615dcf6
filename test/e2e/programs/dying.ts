/** Runs the dying job in a state directory, and prints how it ended: `dying.js <directory> <death>`. */
import { join } from 'node:path';
import { MillraceError, run } from 'millrace';
import { type Death, dying } from '../jobs/dying.js';

const [directory = '.', death = 'throw'] = process.argv.slice(2);
try {
  const { status, resumed } = await run({ url: new URL('../jobs/dying.js', import.meta.url).href }, dying, {
    workers: 2,
    workerMemoryMb: 64,
    params: { out: join(directory, 'out'), died: join(directory, 'died'), death: death as Death },
    state: join(directory, 'state'),
    checkpointEvery: '20ms',
    restart: { kind: 'none' },
  });
  console.log(JSON.stringify({ status, resumed }));
} catch (error) {
  console.log(JSON.stringify({ code: error instanceof MillraceError ? error.code : String(error) }));
  process.exitCode = 1;
}
