/**
 * q0 to q2 and running sums with RxJS: `filter` and `map`, `groupBy` with a `scan` for each key. Prints what a run of ours prints.
 */
import { parseArgs } from 'node:util';
import { filter, groupBy, map, mergeMap, Observable, scan } from 'rxjs';
import { type Row, Table } from '../nexmark/answers.js';
import { isBid, type NexmarkEvent } from '../nexmark/events.js';
import { NexmarkGenerator } from '../nexmark/generator.js';
import { type Clock, clockAt, costFrom } from './clocked-source.js';
import { printLine, writeAnswer } from './one-run.js';
import { KEYED_SUMS, type Pair, pairsOf } from './ours-job.js';
import { STATELESS } from './stateless-queries.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '10000' },
    answers: { type: 'string' },
  },
});
const events = Number(values.events);
let third: Clock | undefined;
for (const query of positionals) await run(query);

async function run(query: string): Promise<void> {
  const table = values.answers === undefined ? undefined : new Table();
  let seen = 0;
  third = undefined;
  await new Promise<void>((complete, error) => {
    rowsOf(query).subscribe({
      next(row) {
        seen += row.columns.length;
        table?.add(row);
      },
      error,
      complete,
    });
  });
  const result =
    table && values.answers !== undefined
      ? await writeAnswer(values.answers, query, table)
      : { seen, ...costFrom(third ?? clockAt(0), events) };
  printLine('rxjs', { query, ...result });
}

function rowsOf(query: string): Observable<Row> {
  const keys = KEYED_SUMS[query];
  if (keys !== undefined) return sums(keys);
  const steps = STATELESS[query];
  if (!steps) throw new TypeError(`there is no query ${query}`);
  const generator = new NexmarkGenerator({ rate: Number(values.rate), splits: 1, firstEventId: 1 });
  return made<NexmarkEvent>(() => generator.next()).pipe(
    filter(isBid),
    filter(steps.isWanted),
    map((bid) => ({ columns: steps.columns(bid) })),
  );
}

function sums(keys: number): Observable<Row> {
  const make = pairsOf(keys);
  return made((n) => make(n)).pipe(
    groupBy((pair: Pair) => pair.key),
    mergeMap((group) =>
      group.pipe(
        scan((sum, pair) => sum + pair.value, 0),
        map((sum) => ({ key: group.key, columns: [group.key, sum] })),
      ),
    ),
  );
}

/** All records one after another: RxJS has no back-pressure, and here needs none, as each is done with when `next` returns. */
function made<T>(make: (n: number) => T): Observable<T> {
  return new Observable((subscriber) => {
    for (let n = 0; n < events; n += 1) {
      if (third === undefined && n >= events / 3) third = clockAt(n);
      subscriber.next(make(n));
    }
    subscriber.complete();
  });
}
