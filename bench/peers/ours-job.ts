/**
 * What peers are compared with, as a job: one of Nexmark's queries, or a running sum over 100,000 keys or a million, from a
 * source that tells how far it is.
 */
import { collect, generate, type JobBuilder, job, type Sink, type Stream } from 'millrace';
import { blackhole } from '../jobs/blackhole.js';
import type { Row } from '../nexmark/answers.js';
import { nexmark } from '../nexmark/nexmark-source.js';
import { QUERIES } from '../nexmark/queries.js';
import { clocked } from './clocked-source.js';

export const KEYED_SUMS: Readonly<Record<string, number>> = { 'keyed-sum': 100_000, 'keyed-sum-1m': 1_000_000 };

export const oursParams = { query: 'q0', events: 20_000, rate: 10_000, answers: false };

export interface Pair {
  readonly key: number;
  readonly value: number;
}

/** The numbers of bench/jobs/keyed-sum.ts. */
export const pairsOf = (keys: number) => {
  return (n: number): Pair => ({ key: (Math.imul(n, 0x9e3779b1) >>> 0) % keys, value: n & 1023 });
};

export default job('ours', { params: oursParams }, (j, { query, events, rate, answers }) => {
  const keys = KEYED_SUMS[query];
  if (keys !== undefined) return keyedSum(j, keys, events, answers);
  const build = QUERIES[query];
  if (!build) throw new TypeError(`there is no query ${query}`);
  const all = j
    .from('events', clocked(nexmark({ events, rate }), events))
    .eventTime((event) => event.dateTime, { outOfOrder: '4s' });
  return into(build(all), answers);
});

function keyedSum(j: JobBuilder, keys: number, events: number, answers: boolean) {
  const sums = j
    .from('pairs', clocked(generate({ count: events, splits: 1, make: pairsOf(keys) }), events))
    .keyBy((pair) => pair.key)
    .aggregate('sums', (a) => ({ sum: a.sum((pair) => pair.value) }));
  if (answers)
    return into(
      sums.map(({ key, sum }): Row => ({ key, columns: [key, sum] })),
      answers,
    );
  sums.to(
    'rows',
    blackhole<{ sum: number }>(({ sum }) => sum),
  );
  return undefined;
}

function into(rows: Stream<Row>, answers: boolean) {
  const sink: Sink<Row> = answers ? collect<Row>() : blackhole<Row>((row) => row.columns.length);
  return rows.to('rows', sink);
}
