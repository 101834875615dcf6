/** Jobs whose records do not survive the way to another worker, each for another reason. */
import { collect, fileSink, generate, type JobBuilder, job, ndjson, type Stream } from 'millrace';

const params = { out: '' };

function spoilt(j: JobBuilder, part: (n: number) => unknown): Stream<{ readonly n: number; readonly part: unknown }> {
  return j.from('numbers', generate({ count: 20_000, splits: 4, make: (n) => n })).map((n) => ({ n, part: part(n) }), {
    name: 'spoil',
  });
}

function spoiling(name: string, part: (n: number) => unknown) {
  return job(name, { params }, (j, { out }) => {
    spoilt(j, part)
      .keyBy(({ n }) => n)
      .aggregate('per-number', (a) => ({ records: a.count() }))
      .to('out', fileSink(out, ndjson()));
  });
}

class Money {
  constructor(readonly cents: number) {}
}

export const aFunction = spoiling('function', (n) => () => n);
export const instance = spoiling('instance', (n) => new Money(n));
export const symbol = spoiling('symbol', () => Symbol('part'));
export const promise = spoiling('promise', (n) => Promise.resolve(n));
export const cycle = spoiling('cycle', (n) => {
  const part = { n, self: {} };
  part.self = part;
  return part;
});

export const collected = job('collected', (j) => spoilt(j, (n) => () => n).to('results', collect()));
