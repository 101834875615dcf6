/** Counts words per key, over files as they are or as they grow: the same job, but for one flag. */
import { collect, files, job, ndjson, tumbling } from 'millrace';

export interface Word {
  readonly word: string;
  readonly at: number;
}

const params = { input: '', follow: false };

export const words = job('words', { params }, (j, { input, follow }) => {
  const source = files(input, ndjson<Word>(), follow ? { follow: { every: 10 } } : {});
  return j
    .from('words', source)
    .keyBy(({ word }) => word)
    .aggregate('counts', (a) => ({ n: a.count() }))
    .to('results', collect());
});

export const perMinute = job('per-minute', { params }, (j, { input, follow }) => {
  const source = files(input, ndjson<Word>(), follow ? { follow: { every: 10 } } : {});
  return j
    .from('words', source)
    .eventTime(({ at }) => at)
    .keyBy(({ word }) => word)
    .window(tumbling('1m'))
    .aggregate('counts', (a) => ({ n: a.count() }))
    .to('results', collect());
});
