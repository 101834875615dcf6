/** Jobs that go on until they are told to stop, and jobs that need several attempts. */
import { appendFileSync, readFileSync } from 'node:fs';
import { collect, fileSink, generate, job, ndjson, tumbling } from 'millrace';

const make = (n: number): { readonly n: number } => ({ n });

/** Endless; all numbers go to files as they are. */
export const ticking = job('ticking', { params: { out: '' } }, (j, { out }) => {
  j.from('numbers', generate({ splits: 4, make }))
    .keyBy(({ n }) => n)
    .process('passing', { onRecord: (record) => [record] })
    .to('out', fileSink(out, ndjson()));
});

/** Endless; all of it is in one window for each of three keys. */
export const windowed = job('windowed', { params: { out: '' } }, (j, { out }) => {
  j.from('numbers', generate({ splits: 4, rate: 20_000, make }))
    .eventTime(({ n }) => n)
    .keyBy(({ n }) => n % 3)
    .window(tumbling('7d'))
    .aggregate('totals', (a) => ({ n: a.count() }))
    .to('out', fileSink(out, ndjson()));
});

export const COUNT = 20_000;

/** Fails in the middle of its input until that has happened `failures` times, which a file counts. */
export const stumbling = job('stumbling', { params: { out: '', counter: '', failures: 0 } }, (j, params) => {
  const { out, counter, failures } = params;
  j.from('numbers', generate({ count: COUNT, splits: 4, make }))
    .map((record) => {
      if (record.n === COUNT / 2 && readFileSync(counter).length < failures) {
        appendFileSync(counter, '.');
        throw new Error('stumbled');
      }
      return record;
    })
    .to('out', fileSink(out, ndjson()));
});

/** Endless results. */
export const streaming = job('streaming', (j) =>
  j.from('numbers', generate({ splits: 1, make })).to('results', collect()),
);

export const counting = job('counting', { params: { count: 0 } }, (j, { count }) =>
  j.from('numbers', generate({ count, splits: 1, make: (n) => n })).to('results', collect()),
);
