/**
 * Whose a state directory is: one process at a time has it, and one job. Whoever else comes is refused, and neither the
 * directory nor the job that has it takes any notice.
 */
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { collect, generate, job, type RunOptions, run } from 'millrace';
import t from 'tap';
import { MILLRACE, runToEnd } from './child.js';
import { committedRows } from './committed-rows.js';
import { failureOf } from './failure-of.js';
import { byKey, type Count, counting, countsUpTo } from './jobs/counting.js';
import { until } from './until.js';

t.setTimeout(120_000);

const MODULE = { url: new URL('./jobs/counting.js', import.meta.url).href };
const COUNT = 400;

const begin = (state: string, out: string, options: RunOptions = {}, rate = 400) =>
  run(MODULE, counting, {
    workers: 2,
    checkpointEvery: '20ms',
    ...options,
    state,
    params: { out, count: COUNT, rate },
  });

/** Each file by its place; the lock is taken by whoever looks. */
function contents(directory: string): Record<string, string> {
  const places = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name, parentPath }) => join(relative(directory, parentPath), name))
    .filter((place) => !place.startsWith('lock'));
  return Object.fromEntries(places.map((place) => [place, readFileSync(join(directory, place), 'latin1')]));
}

t.test('a second process, and a second run of the same one, are refused', async (t) => {
  const root = t.testdir({});
  const [state, out] = [join(root, 'state'), join(root, 'out')];
  // It does not come to its end while others try.
  const handle = begin(state, out, {}, 4);
  await until(async () => ((await handle.metrics()).checkpoint?.count ?? 0) >= 2);
  const file = fileURLToPath(MODULE.url);
  const other = await runToEnd(MILLRACE, ['run', file, '--state', state, '--param', `out=${out}`]);
  t.equal(other.code, 1);
  t.match(other.stderr, /MILL_STATE_LOCKED/);
  t.match(other.stderr, state);
  const { code, message } = await failureOf(() => begin(state, out));
  t.equal(code, 'MILL_STATE_LOCKED');
  t.match(message, state);
  t.equal((await handle.metrics()).status, 'running');
  await handle.stop();
  await begin(state, out, {}, 1e6);
  t.same(committedRows<Count>(out).sort(byKey), countsUpTo(COUNT));
});

t.test('what the first has let go of, the second may have', async (t) => {
  const root = t.testdir({});
  const [state, out] = [join(root, 'state'), join(root, 'out')];
  const handle = begin(state, out);
  await until(async () => ((await handle.metrics()).checkpoint?.count ?? 0) >= 2);
  await handle.stop();
  await begin(state, out);
  t.same(committedRows<Count>(out).sort(byKey), countsUpTo(COUNT));
});

t.test('the state of another job is refused, and stays as it is', async (t) => {
  const root = t.testdir({});
  const [state, copy] = [join(root, 'state'), join(root, 'copy')];
  const handle = begin(state, join(root, 'out'));
  await until(async () => ((await handle.metrics()).checkpoint?.count ?? 0) >= 2);
  await handle.stop();
  cpSync(state, copy, { recursive: true });
  const other = job('other', (j) => {
    j.from('numbers', generate({ count: 10, make: (n) => ({ key: n }) })).to('all', collect());
  });
  const { code, message, hint } = await failureOf(() => run(other, { state }));
  t.equal(code, 'MILL_STATE_MISMATCH');
  t.match(message, /counting.*other/);
  t.match(hint, 'state directory of its own');
  t.same(contents(state), contents(copy));
  await begin(state, join(root, 'out'));
  t.same(committedRows<Count>(join(root, 'out')).sort(byKey), countsUpTo(COUNT));
});
