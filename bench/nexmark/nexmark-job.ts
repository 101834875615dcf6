/**
 * One of Nexmark's queries as a job. Its rows go to the program that runs it, or nowhere.
 */
import { collect, job, type Sink } from 'millrace';
import { blackhole } from '../jobs/blackhole.js';
import type { Row } from './answers.js';
import { nexmark } from './nexmark-source.js';
import { QUERIES } from './queries.js';

export const nexmarkParams = { query: 'q0', events: 20_000, rate: 10_000, splits: 1, answers: true };

export default job('nexmark', { params: nexmarkParams }, (j, { query, events, rate, splits, answers }) => {
  const all = j
    .from('events', nexmark({ events, rate, splits }))
    .eventTime((event) => event.dateTime, { outOfOrder: '4s' });
  const build = QUERIES[query];
  if (!build) throw new TypeError(`there is no query ${query}`);
  const sink: Sink<Row> = answers ? collect<Row>() : blackhole<Row>((row) => row.columns.length);
  return build(all).to('rows', sink);
});
