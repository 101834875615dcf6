/**
 * One run of ours, in a process of its own, as a peer's is: `node dist/bench/peers/ours.js q5 --events 6000000` prints a line of
 * JSON with what it cost. `--answers DIR` writes the final rows instead, of any number of queries; `generator q5` only makes
 * the events of that query.
 */
import { parseArgs } from 'node:util';
import { run } from 'millrace';
import { type Row, Table } from '../nexmark/answers.js';
import { NexmarkGenerator } from '../nexmark/generator.js';
import { withState } from '../nexmark/nexmark.js';
import { type Clock, clockAt, costFrom, told } from './clocked-source.js';
import { printLine, writeAnswer } from './one-run.js';
import oursJob, { KEYED_SUMS, pairsOf } from './ours-job.js';

const MODULE = { url: new URL('./ours-job.js', import.meta.url).href };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '10000' },
    workers: { type: 'string', default: '1' },
    state: { type: 'string', default: 'memory' },
    answers: { type: 'string' },
  },
});
const print = (line: object): void => printLine('millrace', line);
const [events, rate, workers] = [Number(values.events), Number(values.rate), Number(values.workers)];
const backend = values.state === 'level' ? 'level' : 'memory';

if (positionals[0] === 'generator') print({ query: positionals[1], ...generated(positionals[1] ?? 'q0') });
else if (values.answers !== undefined) for (const query of positionals) await answer(query, values.answers);
else await measure(positionals[0] ?? 'q0');

async function measure(query: string): Promise<void> {
  const third = told();
  let cost = {};
  await withState(backend, async (options) => {
    await run(MODULE, oursJob, { params: { query, events, rate, answers: false }, workers, ...options });
    cost = costFrom(await third, events);
  });
  print({ query, state: backend, workers, ...cost });
}

async function answer(query: string, directory: string): Promise<void> {
  const table = new Table();
  await withState(backend, async (options) => {
    const params = { query, events, rate, answers: true };
    const handle = run(MODULE, oursJob, { params, workers, ...options });
    for await (const row of handle as AsyncIterable<Row>) table.add(row);
    await handle;
  });
  print({ query, state: backend, workers, ...(await writeAnswer(directory, query, table)) });
}

/** A ring keeps each event for a while, as a job would. */
function generated(query: string) {
  const next = makerOf(query);
  const ring = new Array<unknown>(64).fill(undefined);
  let third: Clock | undefined;
  for (let made = 0; made < events; made += ring.length) {
    for (let at = 0; at < ring.length; at += 1) ring[at] = next();
    if (!third && made >= events / 3) third = clockAt(made + ring.length);
  }
  return costFrom(third ?? clockAt(0), events);
}

function makerOf(query: string): () => unknown {
  const keys = KEYED_SUMS[query];
  if (keys !== undefined) {
    const make = pairsOf(keys);
    let n = 0;
    return () => make(n++);
  }
  const generator = new NexmarkGenerator({ rate, splits: 1, firstEventId: 1 });
  return () => generator.next();
}
