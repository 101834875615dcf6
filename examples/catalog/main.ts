/**
 * Makes the catalog of two days of feeds; finds products in it; tries a candidate. Stopped by Ctrl-C or killed, it goes on where
 * it was when it is run again.
 *
 *   npm run example catalog [-- --fresh] [--workers 2]     makes the catalog
 *   npm run example catalog find decaf                     shows products of it
 *   npm run example catalog dark-launch                    makes it once more, with a candidate beside the editor
 *
 * Who sets MILLRACE_POSTGRES_URL or MILLRACE_MODEL_URL uses his own.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run, showProgress } from 'millrace';
import { type RunComparison, type RunRecord, reportHtml, reportOf, reportText } from 'millrace/agents';
import { startModelServer } from 'millrace/testing';
import { startPostgres } from '../embedded-postgres.js';
import { rowsOf } from '../rows-of.js';
import { DAYS, PARTNERS, writeFeeds } from './feeds.js';
import type { Product } from './records.js';
import { allProducts, closeDatabase, findProducts, makeTables } from './table.js';

const HOME = 'examples/catalog';
const FEEDS = `${HOME}/out/feeds`;
const OUT = `${HOME}/out`;
const DARK = `${HOME}/out/dark`;
const STATE = `${HOME}/.millrace`;
const MODULE = { url: new URL('./job.js', import.meta.url).href };
const RULES = fileURLToPath(new URL('../../../examples/catalog/model-rules.json', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { workers: { type: 'string', default: '2' }, fresh: { type: 'boolean', default: false } },
});

const [command = 'run', ...words] = positionals;
const stop = await startServices();
try {
  if (command === 'run') await makeCatalog();
  else if (command === 'find') console.log(linesOf(await findProducts(words.join(' '))).join('\n'));
  else if (command === 'dark-launch') await launchDark();
  else throw new Error(`There is no command ${command}: say nothing, find or dark-launch.`);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await stop();
}

/** What the environment does not name; the job's modules, which read it, are loaded after that. */
async function startServices(): Promise<() => Promise<void>> {
  const started: { stop(): Promise<void> }[] = [];
  if (!process.env.MILLRACE_POSTGRES_URL) {
    const postgres = await startPostgres(`${STATE}/postgres`);
    process.env.MILLRACE_POSTGRES_URL = postgres.url;
    started.push(postgres);
  }
  if (!process.env.MILLRACE_MODEL_URL) {
    const model = await startModelServer(JSON.parse(readFileSync(RULES, 'utf8')));
    process.env.MILLRACE_MODEL_URL = model.url;
    started.push(model);
  }
  return async () => {
    await closeDatabase();
    for (const service of started.reverse()) await service.stop();
  };
}

async function makeCatalog(): Promise<void> {
  if (values.fresh) for (const path of [OUT, `${STATE}/catalog`]) rmSync(path, { recursive: true, force: true });
  if (await runJob(OUT, `${STATE}/catalog`, false)) console.log(summary(await allProducts()));
}

/** The production of a dark launch writes the same rows once more. */
async function launchDark(): Promise<void> {
  for (const path of [DARK, `${STATE}/dark`]) rmSync(path, { recursive: true, force: true });
  if (!(await runJob(DARK, `${STATE}/dark`, true))) return;
  const report = await reportOf(rowsOf<RunComparison>(`${DARK}/comparisons`), { examples: 3 });
  writeFileSync(`${DARK}/report.html`, reportHtml(report));
  console.log(`${reportText(report)}\nThe page: ${DARK}/report.html`);
}

/** False: it was interrupted. */
async function runJob(out: string, state: string, darkLaunch: boolean): Promise<boolean> {
  if (!existsSync(FEEDS)) writeFeeds(FEEDS);
  await makeTables({ fresh: !existsSync(state) && !darkLaunch });
  const { default: catalog } = await import('./job.js');
  const params = { feeds: FEEDS, out, darkLaunch };
  const handle = run(MODULE, catalog, { params, workers: Number(values.workers), state, checkpointEvery: '500ms' });
  const progress = showProgress(handle);
  process.once('SIGINT', () => void handle.stop());
  const { status, alreadyFinished } = await Promise.resolve(handle).finally(() => progress.stop());
  if (alreadyFinished) console.log('It has finished before: --fresh starts over.');
  if (status !== 'stopped') return true;
  console.log('\nStopped. Run it again: it goes on from here.');
  process.exitCode = 130;
  return false;
}

function summary(products: readonly Product[]): string {
  const issues = products.flatMap((product) => product.issues);
  const offers = products.reduce((sum, product) => sum + product.offers, 0);
  const of = (what: string, fixed: boolean): string =>
    count(issues.filter((issue) => issue.what === what && issue.fixed === fixed).length);
  const calls = rowsOf<RunRecord>(`${OUT}/runs`).map(
    ({ steps }) => steps.filter(({ kind }) => kind === 'model').length,
  );
  return `
Feeds of ${PARTNERS} partners, ${DAYS[0]} to ${DAYS.at(-1)}: ${rowsOf(`${OUT}/unreadable`).length} rows could not be read

catalog  ${count(products.length)}   products in ${new Set(products.map(({ category }) => category)).size} categories, of ${offers} offers on the last day
fixed    ${of('price in cents', true)}   prices that were meant in cents
         ${of('image', true)}   missing images, from another partner
flagged  ${of('price', false)}   prices far from those of others
         ${of('size', false)}   sizes that differ from those of others
         ${of('image', false)}   missing images that nobody has
model    ${count(calls.filter((each) => each > 0).length)}   of ${calls.length} runs have asked it: what it has read once is kept

The table is catalog_products: npm run example catalog find decaf
Rows that can't be read, and all runs: ${OUT}/{unreadable,runs}/*.ndjson`;
}

function count(value: number): string {
  return String(value).padStart(5);
}

function linesOf(products: readonly Product[]): string[] {
  return products.map(({ gtin, brand, title, category, amount, unit, cents, offers }) => {
    const name = `${brand} ${title}, ${amount} ${unit}`.padEnd(48);
    return `${gtin}  ${name} EUR ${(cents / 100).toFixed(2).padStart(6)}  ${offers} offers  ${category}`;
  });
}
