/** Broadcast state in running jobs: over worker threads, through checkpoints, with other numbers of workers. */
import { join } from 'node:path';
import { run } from 'millrace';
import t from 'tap';
import { committedRows } from './committed-rows.js';
import broadcasting, { FACTORS } from './jobs/broadcasting.js';
import { until } from './until.js';

t.setTimeout(60_000);

const MODULE = { url: new URL('./jobs/broadcasting.js', import.meta.url).href };
const COUNT = 4_000;

interface Product {
  readonly n: number;
  readonly product: number;
}

t.test('every worker has the whole of it, also after a restart with more workers and with fewer', async (t) => {
  const root = t.testdir({});
  const out = join(root, 'out');
  const options = {
    state: join(root, 'state'),
    checkpointEvery: '20ms',
    params: { out, count: COUNT, rate: 1_000 },
  } as const;
  for (const workers of [2, 3, 1]) {
    const handle = run(MODULE, broadcasting, { ...options, workers });
    await until(async () => ((await handle.metrics()).checkpoint?.count ?? 0) >= 2);
    await handle.cancel();
  }
  t.same(committedRows(out), [], 'all of it waits');
  await run(MODULE, broadcasting, { ...options, workers: 2, params: { ...options.params, rate: 1e6 } });
  const rows = committedRows<Product>(out).sort((a, b) => a.n - b.n);
  const wanted = Array.from({ length: COUNT }, (_, n) => ({ n, product: n * (FACTORS[n % 40]?.factor ?? 0) }));
  t.same(rows, wanted);
});
