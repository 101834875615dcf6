/**
 * A worker that dies while checkpoints are taken, in any way there is: with a restart strategy the job goes on from its
 * last checkpoint, without one it ends in a typed error and the next start goes on; each row comes out once.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type JobHandle, type RestartPolicy, run } from 'millrace';
import t, { type Test } from 'tap';
import { program, runToEnd } from './child.js';
import { committedRows, strayNames } from './committed-rows.js';
import { failureOf } from './failure-of.js';
import { byKey, type Count, countsUpTo } from './jobs/counting.js';
import { COUNT, type Death, deaths, dying } from './jobs/dying.js';

t.setTimeout(200_000);

const MODULE = { url: new URL('./jobs/dying.js', import.meta.url).href };

/** What each ends in without a restart. */
const CODES: Readonly<Record<Exclude<Death, 'memory'>, string>> = {
  throw: 'MILL_FUNCTION_FAILED',
  throwNull: 'MILL_FUNCTION_FAILED',
  throwText: 'MILL_FUNCTION_FAILED',
  stackOverflow: 'MILL_FUNCTION_FAILED',
  rejection: 'MILL_WORKER_FAILED',
  rejectionOfNull: 'MILL_WORKER_FAILED',
  callback: 'MILL_WORKER_FAILED',
  exit: 'MILL_WORKER_EXITED',
  exitWithCode: 'MILL_WORKER_EXITED',
};

function start(directory: string, death: Death, restart: RestartPolicy): JobHandle<unknown> {
  return run(MODULE, dying, {
    workers: 2,
    params: { out: join(directory, 'out'), died: join(directory, 'died'), death },
    state: join(directory, 'state'),
    checkpointEvery: '20ms',
    restart,
  });
}

function hasEachRowOnce(t: Test, directory: string): void {
  t.ok(existsSync(join(directory, 'died')), 'it has died');
  t.same(committedRows<Count>(join(directory, 'out')).sort(byKey), countsUpTo(COUNT));
  t.same(strayNames(join(directory, 'out')), []);
}

for (const death of deaths.filter((each): each is keyof typeof CODES => each !== 'memory')) {
  t.test(`${death}: the job goes on by itself`, async (t) => {
    const directory = t.testdir({});
    const { status, metrics } = await start(directory, death, { kind: 'fixed-delay', attempts: 3, delay: 1 });
    t.match({ status, restarts: metrics.restarts }, { status: 'finished', restarts: 1 });
    hasEachRowOnce(t, directory);
  });

  t.test(`${death}: without restarts it is a typed error, and the next start goes on`, async (t) => {
    const directory = t.testdir({});
    const failure = await failureOf(() => start(directory, death, { kind: 'none' }));
    t.match(failure, { code: CODES[death], hint: /./ });
    const { status, resumed } = await start(directory, death, { kind: 'none' });
    t.match({ status, resumed }, { status: 'finished', resumed: true });
    hasEachRowOnce(t, directory);
  });
}

t.test('out of memory: a typed error, or the end of the process; the next start goes on', async (t) => {
  const directory = t.testdir({});
  const first = await runToEnd(program('dying'), [directory, 'memory']);
  t.ok(first.code !== 0 || first.signal !== null, `code ${first.code}, signal ${first.signal}`);
  if (first.stdout !== '') t.match(JSON.parse(first.stdout), { code: 'MILL_WORKER_OUT_OF_MEMORY' });
  const second = await runToEnd(program('dying'), [directory, 'memory']);
  t.match(JSON.parse(second.stdout), { status: 'finished', resumed: true });
  hasEachRowOnce(t, directory);
});
