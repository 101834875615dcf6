/**
 * The example's job as a process that is killed again and again, each time when a plan has just been booked and the job does
 * not know it yet: in the end everything has been dispatched once, and the services have been told once.
 */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { RunComparison } from 'millrace/agents';
import t from 'tap';
import type { Dispatch } from '../../examples/supply-chain/agent.js';
import type { Booking } from '../../examples/supply-chain/logistics.js';
import { rowsIn } from '../../examples/supply-chain/summary.js';
import { startSurroundings } from '../../examples/supply-chain/surroundings.js';
import { end, MILLRACE, start } from '../e2e/child.js';
import { ROOT } from '../tidy/source-files.js';
import { supplyChainModel } from './supply-chain-model.js';

const JOB = join(ROOT, 'dist/examples/supply-chain/job.js');
/** The bookings at which the process dies. */
const DIES_AT = [1, 6, 15, 30];
const MOST_USD = 4_500;

for (const name of ['URL', 'KEY', 'NAME']) delete process.env[`MILLRACE_MODEL_${name}`];
process.chdir(ROOT);
t.setTimeout(200_000);

t.test('each plan is booked once, whatever is killed', async (t) => {
  const directory = t.testdir();
  const out = join(directory, 'out');
  // People answer at once or never: what they decide must not depend on how long a restart takes.
  const surroundings = await startSurroundings(join(directory, 'input'), ({ costUsd }) => costUsd <= MOST_USD);
  t.teardown(() => surroundings.stop());
  const { logistics, desk, params } = surroundings;

  let child: ChildProcess | undefined;
  let kills = 0;
  logistics.onBooking = ({ n }) => {
    if (n !== DIES_AT[kills]) return;
    kills += 1;
    child?.kill('SIGKILL');
  };
  const given = Object.entries({ ...params, out, approvalTimeout: '10m' });
  const args = ['run', JOB, ...given.flatMap(([name, value]) => ['--param', `${name}=${value}`])];
  const more = ['--state', join(directory, 'state'), '--checkpoint-every', '200ms'];
  for (let workers = 2; ; workers = 3 - workers) {
    child = start(MILLRACE, [...args, ...more, '--workers', String(workers)], ROOT);
    const { signal, code, stderr } = await end(child);
    if (signal === 'SIGKILL') continue;
    t.equal(code, 0, stderr);
    break;
  }
  t.equal(kills, DIES_AT.length);

  const { cases } = supplyChainModel(join(directory, 'input'));
  const dispatches = await rowsIn<Dispatch>(join(out, 'dispatches'));
  t.same(await rowsIn(join(out, 'failures')), []);
  t.same(dispatches.map(({ shipment }) => shipment).sort(), cases.map(({ shipment }) => shipment).sort());
  t.same((await rowsIn(join(out, 'runs'))).length, cases.length);
  t.same((await rowsIn<RunComparison>(join(out, 'comparisons'))).length, cases.length);

  const wanted = dispatches.filter(({ action, costUsd }) => action !== 'wait' && costUsd <= MOST_USD);
  const bookings = await logistics.bookings();
  const plain = ({ shipment, action, flights, from, costUsd }: Dispatch | Booking) =>
    JSON.stringify({ shipment, action, flights, from, costUsd });
  t.same(bookings.map(plain).sort(), wanted.map(plain).sort(), 'what was booked is what was decided, once');
  t.equal(new Set(bookings.map(({ key }) => key)).size, bookings.length);
  const messages = await logistics.messages();
  t.same(messages.map(({ shipment }) => shipment).sort(), cases.map(({ shipment }) => shipment).sort());
  t.equal(desk.requests.length, dispatches.filter(({ approval }) => approval !== 'not needed').length);
});
