/**
 * `npm run bench -- nexmark q5 --events 200000 --answers out/`: Nexmark's queries, their answers and their speed.
 *
 * With `--answers` each query prints its number of rows and their checksum, and writes its rows, sorted, to the directory.
 * Without, it is timed: gross, the generator included.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from 'millrace';
import { answerOf, type Row, Table } from './answers.js';
import nexmarkJob from './nexmark-job.js';
import { QUERIES } from './queries.js';

const MODULE = { url: new URL('./nexmark-job.js', import.meta.url).href };

export interface NexmarkRun {
  readonly query: string;
  readonly events: number;
  readonly rate: number;
  readonly splits: number;
  readonly workers: number;
  readonly backend: 'memory' | 'level';
}

export async function nexmarkCommand(args: readonly string[]): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      events: { type: 'string', default: '1000000' },
      rate: { type: 'string', default: '10000' },
      splits: { type: 'string', default: '1' },
      workers: { type: 'string', default: '1' },
      state: { type: 'string', default: 'memory' },
      answers: { type: 'string' },
    },
  });
  const queries = positionals.length > 0 ? positionals : Object.keys(QUERIES);
  const unknown = queries.find((query) => !(query in QUERIES));
  if (unknown !== undefined) {
    console.error(`there is no query ${unknown}; there are ${Object.keys(QUERIES).join(', ')}`);
    return false;
  }
  for (const query of queries) {
    const what: NexmarkRun = {
      query,
      events: Number(values.events),
      rate: Number(values.rate),
      splits: Number(values.splits),
      workers: Number(values.workers),
      backend: values.state === 'level' ? 'level' : 'memory',
    };
    if (values.answers === undefined) await timed(what);
    else await answered(what, values.answers);
  }
  return true;
}

async function answered(what: NexmarkRun, directory: string): Promise<void> {
  const rows = [...(await rowsOf(what))].sort();
  const { rows: count, checksum } = answerOf(rows);
  console.log(`${what.query} rows=${count} checksum=${checksum}`);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, `${what.query}.ndjson`), rows.map((row) => `${row}\n`).join(''));
}

/** The final rows of a query, as texts, in no particular order. */
export async function rowsOf({ workers, backend, ...params }: NexmarkRun): Promise<Iterable<string>> {
  const table = new Table();
  await withState(backend, async (options) => {
    const handle = run(MODULE, nexmarkJob, { params: { ...params, answers: true }, workers, ...options });
    for await (const row of handle as AsyncIterable<Row>) table.add(row);
    await handle;
  });
  return table.rows();
}

async function timed({ workers, backend, ...params }: NexmarkRun): Promise<void> {
  await withState(backend, async (options) => {
    const before = process.cpuUsage();
    const startedAt = performance.now();
    await run(MODULE, nexmarkJob, { params: { ...params, answers: false }, workers, ...options });
    const { user, system } = process.cpuUsage(before);
    const [wall, cpu] = [(performance.now() - startedAt) / 1_000, (user + system) / 1e6];
    const rate = (seconds: number): string => `${(params.events / seconds / 1e6).toFixed(2)} M/s`;
    console.log(
      `${params.query.padEnd(4)} ${rate(wall)} by the clock, ${rate(cpu)} a CPU-second (${wall.toFixed(1)} s)`,
    );
  });
}

/** State on disk needs checkpoints. */
export async function withState(
  backend: NexmarkRun['backend'],
  use: (options: object) => Promise<void>,
): Promise<void> {
  if (backend === 'memory') return use({ state: false });
  const state = await mkdtemp(join(tmpdir(), 'millrace-nexmark-'));
  try {
    await use({ state, backend: 'level', checkpointEvery: '1s' });
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}
