/**
 * A query that goes on where it was when its process was killed: state in one directory, rows in files of another, which hold
 * each row once. `node dist/bench/nexmark/resumable.js q5 --directory DIR` says how far it is, a line a second of input, and
 * `finished` at its end. Started and killed by bench/nexmark/kills.ts.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileSink, job, ndjson, run } from 'millrace';
import { type Row, Table } from './answers.js';
import { nexmark } from './nexmark-source.js';
import { paced } from './paced.js';
import { QUERIES } from './queries.js';

export const resumableParams = { query: 'q0', events: 20_000, rate: 10_000, directory: '', perSecond: 100_000 };

export const resumable = job(
  'resumable',
  { params: resumableParams },
  (j, { query, events, rate, directory, perSecond }) => {
    const build = QUERIES[query];
    if (!build) throw new TypeError(`there is no query ${query}`);
    const all = j
      .from('events', paced(nexmark({ events, rate }), perSecond))
      .eventTime((event) => event.dateTime, { outOfOrder: '4s' });
    build(all).to('rows', fileSink(join(directory, 'rows'), ndjson<Row>(), { roll: { every: '200ms' } }));
  },
);

/**
 * The final rows, of the files in the order in which each subtask wrote them: all rows of a key come from one subtask, as long as
 * the number of workers stays.
 */
export async function rowsIn(directory: string): Promise<string[]> {
  const table = new Table();
  const names = await readdir(join(directory, 'rows')).catch(() => []);
  for (const name of names.filter((each) => !each.startsWith('.')).sort(bySequence)) {
    const text = await readFile(join(directory, 'rows', name), 'utf8');
    for (const line of text.split('\n')) if (line !== '') table.add(JSON.parse(line) as Row);
  }
  return [...table.rows()].sort();
}

/** Names end with checkpoint, subtask and number of the file. */
function bySequence(a: string, b: string): number {
  const of = (name: string): number[] => (/_(\d+)-(\d+)-(\d+)\.\w+$/.exec(name) ?? []).slice(1).map(Number);
  const [left, right] = [of(a), of(b)];
  return left.map((value, at) => value - (right[at] as number)).find((difference) => difference !== 0) ?? 0;
}

const { values, positionals } = parseArgs({
  strict: false,
  options: {
    directory: { type: 'string' },
    events: { type: 'string', default: '500000' },
    rate: { type: 'string', default: '10000' },
    workers: { type: 'string', default: '1' },
    state: { type: 'string', default: 'memory' },
    'per-second': { type: 'string', default: '250000' },
  },
});
if (values.directory !== undefined) await main(values.directory as string);

async function main(directory: string): Promise<void> {
  const params = {
    query: positionals[0] as string,
    events: Number(values.events),
    rate: Number(values.rate),
    directory,
    perSecond: Number(values['per-second']),
  };
  const backend =
    values.state === 'level' ? ({ backend: 'level', stateMemoryMb: 4 } as const) : { backend: 'memory' as const };
  const handle = run(import.meta, resumable, {
    params,
    workers: Number(values.workers),
    state: join(directory, 'state'),
    checkpointEvery: '200ms',
    ...backend,
  });
  const timer = setInterval(async () => {
    const { events, checkpoint } = await handle.metrics();
    console.log(JSON.stringify({ events, checkpoints: checkpoint?.count ?? 0 }));
  }, 50);
  const { status } = await handle;
  clearInterval(timer);
  console.log(status);
}
