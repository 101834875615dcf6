/**
 * Types of aggregates: what their functions take, and what comes out. Never run; `tsc` is the test.
 */
import { type Change, generate, job, tumbling } from 'millrace';
import { recordsOf } from './same.js';

interface Call {
  readonly service: string;
  readonly ms: number | null;
  readonly user: bigint;
}

/** Of records that have a time. */
const TIMES = {
  create: (): { times: number[] } => ({ times: [] }),
  add: (acc: { times: number[] }, { ms }: Pick<Call, 'ms'>) => ({ times: [...acc.times, ms ?? 0] }),
  merge: (x: { times: number[] }, y: { times: number[] }) => ({ times: [...x.times, ...y.times] }),
  result: ({ times }: { times: number[] }): string => times.join(),
};

export const aggregates = job('aggregates', (j) => {
  const calls = j
    .from('calls', generate({ make: (n): Call => ({ service: 'pay', ms: n, user: 1n }) }))
    .keyBy((call) => call.service);

  const results = calls.window(tumbling('1m')).aggregate('all', (a) => ({
    variance: a.variance((c) => c.ms),
    stddev: a.stddev((c) => c.ms, { population: true }),
    slowest: a.argMax((c) => c.ms),
    fastest: a.argMin(
      (c) => c.ms,
      (c) => c.user,
    ),
    top: a.topK(3, (c) => c.ms),
    users: a.topK(
      3,
      (c) => c.ms,
      (c) => c.user,
    ),
    median: a.quantile((c) => c.ms, 0.5),
    quartiles: a.quantiles((c) => c.ms, [0.25, 0.75], { accuracy: 0.02 }),
    some: a.distinctApprox((c) => [c.service, c.user], { precision: 12 }),
    buckets: a.histogram((c) => c.ms, [10, 100]),
    times: a.custom(TIMES),
  }));
  recordsOf(results.map(({ key, window, ...rest }) => rest)).are<{
    variance: number | null;
    stddev: number | null;
    slowest: Call | null;
    fastest: bigint | null;
    top: Call[];
    users: bigint[];
    median: number | null;
    quartiles: (number | null)[];
    some: number;
    buckets: number[];
    times: string;
  }>(true);

  const changes = calls.aggregateChanges('changes', (a) => ({ slowest: a.argMax((c) => c.ms) }), { ttl: '1d' });
  recordsOf(changes).are<Change<{ readonly key: string; slowest: Call | null }>>(true);

  // @ts-expect-error no such field
  calls.aggregate('a', (a) => ({ v: a.variance((c) => c.seconds) }));
  // @ts-expect-error not a number
  calls.aggregate('b', (a) => ({ v: a.stddev((c) => c.service) }));
  // @ts-expect-error a bigint is no number
  calls.aggregate('c', (a) => ({ v: a.argMin((c) => c.user) }));
  // @ts-expect-error how many
  calls.aggregate('d', (a) => ({ v: a.topK((c) => c.ms) }));
  // @ts-expect-error which share
  calls.aggregate('e', (a) => ({ v: a.quantile((c) => c.ms) }));
  // @ts-expect-error several shares
  calls.aggregate('f', (a) => ({ v: a.quantiles((c) => c.ms, 0.5) }));
  // @ts-expect-error a record is no key
  calls.aggregate('g', (a) => ({ v: a.distinctApprox((c) => c) }));
  // @ts-expect-error bounds are numbers
  calls.aggregate('h', (a) => ({ v: a.histogram((c) => c.ms, ['10']) }));
  // @ts-expect-error an aggregator of other records
  calls.aggregate('i', (a) => ({ v: a.custom({ ...TIMES, add: (acc, n: number) => ({ times: [...acc.times, n] }) }) }));
  // @ts-expect-error no such option
  calls.aggregateChanges('j', (a) => ({ n: a.count() }), { keep: '1d' });
});
