/**
 * The catalog example, killed in the middle and started again with another number of workers: the table has what plain loops
 * over the feeds say, and nothing is left out or told twice.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { RunRecord } from 'millrace/agents';
import { startModelServer } from 'millrace/testing';
import pg from 'pg';
import t from 'tap';
import { readAmount } from '../../examples/catalog/amounts.js';
import { DAYS } from '../../examples/catalog/feeds.js';
import type { Product } from '../../examples/catalog/records.js';
import { startPostgres } from '../../examples/embedded-postgres.js';
import { rowsOf } from '../../examples/rows-of.js';
import { ROOT } from '../tidy/source-files.js';
import { catalogModel } from './catalog-model.js';

const MAIN = join(ROOT, 'dist/examples/catalog/main.js');
const RULES = join(ROOT, 'examples/catalog/model-rules.json');

t.test('amounts are read in one measure', async (t) => {
  const read = (text: string): string => {
    const amount = readAmount(text);
    return amount ? `${Math.round(amount.value * 10) / 10} ${amount.unit}` : 'no';
  };
  t.same(['12 oz', '0,75 LB', '2 x 6 oz', '16 fl. oz', '50cl', 'Pack of 12', '1.5 kg'].map(read), [
    '340.2 g',
    '340.2 g',
    '340.2 g',
    '473.2 ml',
    '500 ml',
    '12 piece',
    '1500 g',
  ]);
  t.same(['a dozen ounces', 'family size', '12', '12 parsecs', ''].map(read), ['no', 'no', 'no', 'no', 'no']);
});

t.test('catalog', async (t) => {
  const home = t.testdir({});
  const out = join(home, 'examples/catalog/out');
  let asked = 0;
  let onAsked = (): void => {};
  const onRequest = (): void => {
    asked += 1;
    onAsked();
  };
  const [postgres, model] = await Promise.all([
    startPostgres(),
    startModelServer(JSON.parse(readFileSync(RULES, 'utf8')), { onRequest }),
  ]);
  const pool = new pg.Pool({ connectionString: postgres.url });
  let child: ChildProcess | undefined;
  t.teardown(async () => {
    child?.kill('SIGKILL');
    await pool.end();
    await Promise.all([postgres.stop(), model.stop()]);
  });
  const env = { ...process.env, MILLRACE_POSTGRES_URL: postgres.url, MILLRACE_MODEL_URL: model.url };
  const started = (...args: string[]): ChildProcess =>
    (child = spawn(process.execPath, [MAIN, ...args], { cwd: home, env, stdio: 'ignore' }));

  const first = started('--workers', '2');
  onAsked = () => asked >= 900 && first.kill('SIGKILL');
  await once(first, 'close');
  t.equal(first.signalCode, 'SIGKILL');
  onAsked = () => {};
  const [code] = (await once(started('--workers', '3'), 'close')) as [number];
  t.equal(code, 0);

  const { products, unreadable } = catalogModel(join(out, 'feeds'));
  t.ok(products.length > 1_500, `${products.length} products and days`);
  const newest = new Map(products.map((product) => [product.gtin, product]));

  await t.test('the table has the last row of each product', async (t) => {
    const { rows } = await pool.query<Product>('SELECT * FROM catalog_products ORDER BY gtin');
    const wanted = [...newest.values()];
    t.equal(rows.length, wanted.length);
    const at = rows.findIndex((row, index) => !isDeepStrictEqual(row, wanted[index]));
    t.same(rows[at], wanted[at], 'the first that differs');
  });

  await t.test('each product and day has had one run, and rows that are none are told once', async (t) => {
    const runs = rowsOf<RunRecord<{ gtin: string; day: string }>>(`${out}/runs`);
    const ran = runs.map(({ input: { gtin, day } }) => `${gtin} ${day}`).sort();
    t.same(
      ran,
      products.map(({ gtin, day }) => `${gtin} ${day}`),
    );
    t.equal(rowsOf(`${out}/unreadable`).length, unreadable);
    t.same(rowsOf(`${out}/failures`), []);
  });

  await t.test('a category is asked for once', async (t) => {
    const runs = rowsOf<RunRecord<{ day: string; gtin: string }>>(`${out}/runs`);
    const had = new Set(runs.filter(({ input }) => input.day === DAYS[0]).map(({ input }) => input.gtin));
    const again = runs.filter(
      ({ input, steps }) =>
        input.day === DAYS[1] &&
        had.has(input.gtin) &&
        steps.some(({ kind, name }) => kind === 'tool' && name === 'categories'),
    );
    t.ok(had.size > 700);
    t.same(again, []);
  });
});
