/** Counts numbers by key, slowly enough that there is time to stop, save and go back. */
import { type Duration, fileSink, generate, job, ndjson } from 'millrace';

export interface Count {
  readonly key: number;
  readonly n: number;
}

export const KEYS = 7;

/** A running count for every number, to files that roll often. */
export const counting = job(
  'counting',
  { params: { out: 'out', count: 400, rate: 400, roll: '20ms' as Duration } },
  (j, { out, count, rate, roll }) => {
    j.from('numbers', generate({ count, rate, make: (n) => ({ key: n % KEYS }) }))
      .keyBy((record) => record.key)
      .aggregate('counts', (a) => ({ n: a.count() }))
      .to('rows', fileSink(out, ndjson(), { roll: { every: roll } }));
  },
);

/** What a run that nothing disturbs writes, in order of key and count. */
export function countsUpTo(count: number): Count[] {
  return Array.from({ length: count }, (_, n) => ({ key: n % KEYS, n: Math.floor(n / KEYS) + 1 })).sort(byKey);
}

export function byKey(a: Count, b: Count): number {
  return a.key - b.key || a.n - b.n;
}
