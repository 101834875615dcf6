/** Jobs whose cost is drawn over something: keys, the size of records, the ratio of windows, splits for workers, an empty one. */
import { generate, job, sliding } from 'millrace';
import { blackhole } from './blackhole.js';

const scattered = (n: number, limit: number): number => (Math.imul(n, 0x9e3779b1) >>> 0) % limit;

export const shapesParams = { keys: 100_000, textBytes: 20, ratio: 10, splits: 1 };

/** A running sum of numbers, in as many splits as there are to be workers. */
export const sums = job('sums', { params: shapesParams }, (j, { keys, splits }) => {
  j.from('numbers', generate({ splits, make: (n) => ({ key: scattered(n, keys), value: n & 1023 }) }))
    .keyBy((r) => r.key)
    .aggregate('sums', (a) => ({ sum: a.sum((r) => r.value) }))
    .to(
      'out',
      blackhole<{ sum: number }>((r) => r.sum),
    );
});

/** Records with a text that differs from one to the next go through a keyed exchange. */
export const sized = job('sized', { params: shapesParams }, (j, { keys, textBytes }) => {
  const texts = Array.from({ length: 64 }, (_, at) => String(at).padEnd(textBytes, 'x'));
  j.from('records', generate({ splits: 1, make: (n) => ({ key: scattered(n, keys), text: texts[n & 63] as string }) }))
    .keyBy((r) => r.key)
    .process('lengths', { onRecord: (r) => [r.text.length] })
    .to(
      'out',
      blackhole<number>((length) => length),
    );
});

/** Counts of a hundred keys in windows of so many slides; a slide is a second, in which come ten thousand records. */
export const slides = job('slides', { params: shapesParams }, (j, { ratio }) => {
  j.from('records', generate({ splits: 1, make: (n) => ({ key: n % 100, at: n / 10 }) }))
    .eventTime((r) => r.at)
    .keyBy((r) => r.key)
    .window(sliding(ratio * 1_000, 1_000))
    .aggregate('counts', (a) => ({ count: a.count() }))
    .to(
      'out',
      blackhole<{ count: number }>((r) => r.count),
    );
});

/** Starts, has one record, ends. */
export const empty = job('empty', { params: shapesParams }, (j) => {
  j.from('one', generate({ count: 1, make: (n) => n })).to('out', blackhole());
});
