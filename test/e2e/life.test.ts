/**
 * The life of a job from outside: stopping, draining, cancelling, starting again after failures, and what the handle
 * tells meanwhile.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JobHandle, type RestartPolicy, type RunOptions, run } from 'millrace';
import t, { type Test } from 'tap';
import { restartStrategy } from '../../engine/coordinator/restart-strategy.js';
import { failureOf, readRecords, visibleFiles } from './failure-of.js';
import { COUNT, stumbling, ticking, windowed } from './jobs/living.js';
import { until } from './until.js';

t.setTimeout(120_000);

const MODULE = { url: new URL('./jobs/living.js', import.meta.url).href };
const HOWS: readonly RunOptions[] = [
  { inline: true, state: false },
  { workers: 2, state: false },
];

const hasEvents = (handle: JobHandle<unknown>, count: number) => async (): Promise<boolean> =>
  (await handle.metrics()).events >= count;

const numbers = (out: string): number[] =>
  readRecords<{ n: number }>(out)
    .map(({ n }) => n)
    .sort((a, b) => a - b);

for (const how of HOWS) {
  const named = JSON.stringify(how);

  t.test(`stop: what the sources have put out reaches the files, all of it: ${named}`, async (t) => {
    const out = t.testdir({});
    const handle = run(MODULE, ticking, { ...how, params: { out } });
    await until(hasEvents(handle, 20_000));
    t.equal(handle.status, 'running');
    t.same(visibleFiles(out), [], 'nothing is visible before');
    await handle.stop();
    const { status, metrics } = await handle;
    t.equal(status, 'stopped');
    const written = numbers(out);
    t.equal(written.length, metrics.events);
    // Each split is cut somewhere, and complete up to there.
    for (const split of [0, 1, 2, 3]) {
      const ofSplit = written.filter((n) => n % 4 === split);
      // A split may not have had its turn yet.
      t.equal(ofSplit.at(-1) ?? split - 4, split + 4 * (ofSplit.length - 1), `split ${split}`);
    }
  });

  t.test(`stop leaves windows open, drain fires them: ${named}`, async (t) => {
    for (const drain of [false, true]) {
      const out = t.testdir({ stopped: {}, drained: {} });
      const directory = join(out, drain ? 'drained' : 'stopped');
      const handle = run(MODULE, windowed, { ...how, params: { out: directory } });
      await until(hasEvents(handle, 100));
      await handle.stop({ drain });
      const { status, metrics } = await handle;
      t.equal(status, drain ? 'finished' : 'stopped');
      const rows = readRecords<{ n: number }>(directory);
      const counted = rows.reduce((sum, { n }) => sum + n, 0);
      t.equal(rows.length, drain ? 3 : 0);
      t.equal(counted, drain ? metrics.events : 0);
    }
  });

  t.test(`cancel: nothing becomes visible: ${named}`, async (t) => {
    const out = t.testdir({});
    const handle = run(MODULE, ticking, { ...how, params: { out } });
    await until(hasEvents(handle, 20_000));
    await handle.cancel();
    t.equal((await handle).status, 'cancelled');
    t.same(visibleFiles(out), []);
  });

  t.test(`metrics tell what has come through: ${named}`, async (t) => {
    const directory = t.testdir({ counter: '', out: {} });
    const params = { counter: join(directory, 'counter'), out: join(directory, 'out') };
    const { metrics } = await run(MODULE, stumbling, { ...how, params });
    t.match(metrics, { status: /finished|committing/, restarts: 0, events: COUNT });
    t.match(
      metrics.operators.map(({ name, type, recordsIn, recordsOut }) => [name, type, recordsIn, recordsOut]),
      [
        ['numbers', 'generate', 0, COUNT],
        ['map-1', 'map', COUNT, COUNT],
        ['out', 'files', COUNT, 0],
      ],
    );
  });
}

t.test('stopping at once, twice, and after the end', async (t) => {
  const out = t.testdir({});
  const handle = run(MODULE, ticking, { workers: 2, state: false, params: { out } });
  await Promise.all([handle.stop(), handle.stop()]);
  t.equal((await handle).status, 'stopped');
  await handle.stop();
  await handle.cancel();
  t.equal(handle.status, 'stopped', 'an end is final');
});

t.test('cancelling before it has begun', async (t) => {
  const handle = run(MODULE, ticking, { workers: 2, state: false, params: { out: t.testdir({}) } });
  await handle.cancel();
  t.equal((await handle).status, 'cancelled');
});

interface Stumbled {
  readonly handle: JobHandle<unknown>;
  readonly out: string;
  readonly statuses: ReadonlySet<string>;
}

/** Runs the job that fails `failures` times to its end, however it ends, watching its status. */
async function stumble(t: Test, how: RunOptions, failures: number, restart: RestartPolicy): Promise<Stumbled> {
  const directory = t.testdir({ counter: '', out: {} });
  const out = join(directory, 'out');
  writeFileSync(join(directory, 'counter'), '');
  const params = { counter: join(directory, 'counter'), out, failures };
  const handle = run(MODULE, stumbling, { ...how, params, restart });
  const statuses = new Set<string>();
  let ended = false;
  handle.then(
    () => (ended = true),
    () => (ended = true),
  );
  await until(() => statuses.add(handle.status) && ended);
  return { handle, out, statuses };
}

for (const how of HOWS) {
  t.test(`two failures and two restarts: the job finishes, each record once: ${JSON.stringify(how)}`, async (t) => {
    const policy: RestartPolicy = { kind: 'fixed-delay', attempts: 2, delay: 100 };
    const { handle, out, statuses } = await stumble(t, how, 2, policy);
    const { status, metrics } = await handle;
    t.match({ status, restarts: metrics.restarts }, { status: 'finished', restarts: 2 });
    t.same(
      numbers(out),
      Array.from({ length: COUNT }, (_, n) => n),
    );
    t.ok(statuses.has('restarting'), [...statuses].join(', '));
  });
}

const GIVING_UP: Record<string, { readonly policy: RestartPolicy; readonly restarts: number }> = {
  'no restarts': { policy: { kind: 'none' }, restarts: 0 },
  'a fixed number': { policy: { kind: 'fixed-delay', attempts: 3, delay: 1 }, restarts: 3 },
  'a rate of failures': { policy: { kind: 'failure-rate', failures: 2, per: '1h', delay: 1 }, restarts: 2 },
  'growing delays': {
    policy: { kind: 'exponential', initial: 1, max: 4, factor: 2, resetAfter: '1h', attempts: 4 },
    restarts: 4,
  },
};

for (const [name, { policy, restarts }] of Object.entries(GIVING_UP)) {
  t.test(`giving up: ${name}`, async (t) => {
    const { handle, out } = await stumble(t, { inline: true, state: false }, Number.POSITIVE_INFINITY, policy);
    t.match(await failureOf(() => handle), { code: 'MILL_FUNCTION_FAILED', cause: 'stumbled', operator: 'map-1' });
    t.equal(handle.status, 'failed');
    t.equal((await handle.metrics()).restarts, restarts);
    t.same(visibleFiles(out), []);
  });
}

t.test('a restart that is waited for can be cancelled', async (t) => {
  const directory = t.testdir({ counter: '', out: {} });
  const params = { counter: join(directory, 'counter'), out: join(directory, 'out'), failures: 1 };
  const restart: RestartPolicy = { kind: 'fixed-delay', attempts: 1, delay: '1h' };
  const handle = run(MODULE, stumbling, { inline: true, state: false, params, restart });
  await until(() => handle.status === 'restarting');
  await handle.cancel();
  t.equal((await handle).status, 'cancelled');
});

t.test('the delays of each strategy', async (t) => {
  const fixed = restartStrategy({ kind: 'fixed-delay', attempts: 2, delay: '1s' });
  t.same([fixed(0), fixed(0), fixed(0)], [1_000, 1_000, undefined]);
  const rate = restartStrategy({ kind: 'failure-rate', failures: 2, per: '10s', delay: 5 });
  t.same([rate(0), rate(9_000), rate(10_500), rate(11_000)], [5, 5, 5, undefined]);
  const growing = restartStrategy({ kind: 'exponential', initial: 10, max: 35, factor: 2, resetAfter: '1m' });
  t.same([growing(0), growing(100), growing(200), growing(300)], [10, 20, 35, 35]);
  t.equal(growing(61_000), 10, 'after a time without failures it begins anew');
});
