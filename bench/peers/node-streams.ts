/**
 * q0 to q2 on Node's own object streams, as a program without an engine would have them: a readable of events, a transform
 * each for choosing and for mapping, a writable. Prints what a run of ours prints.
 */
import { Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { type Row, Table } from '../nexmark/answers.js';
import { type Bid, isBid, type NexmarkEvent } from '../nexmark/events.js';
import { NexmarkGenerator } from '../nexmark/generator.js';
import { type Clock, clockAt, costFrom } from './clocked-source.js';
import { printLine, writeAnswer } from './one-run.js';
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
for (const query of positionals) await run(query);

async function run(query: string): Promise<void> {
  const steps = STATELESS[query];
  if (!steps) throw new TypeError(`there is no query ${query}`);
  const table = values.answers === undefined ? undefined : new Table();
  let seen = 0;
  const source = generated();
  await pipeline(
    source.readable,
    new Transform({
      objectMode: true,
      transform: (event: NexmarkEvent, _, done) => (isBid(event) && steps.isWanted(event) ? done(null, event) : done()),
    }),
    new Transform({
      objectMode: true,
      transform: (bid: Bid, _, done) => done(null, { columns: steps.columns(bid) }),
    }),
    new Writable({
      objectMode: true,
      write(row: Row, _, done) {
        seen += row.columns.length;
        table?.add(row);
        done();
      },
    }),
  );
  const result =
    table && values.answers !== undefined
      ? await writeAnswer(values.answers, query, table)
      : { seen, ...costFrom(source.third(), events) };
  printLine('node-streams', { query, ...result });
}

function generated() {
  const generator = new NexmarkGenerator({ rate: Number(values.rate), splits: 1, firstEventId: 1 });
  let third: Clock | undefined;
  const readable = new Readable({
    objectMode: true,
    read() {
      do {
        if (generator.count === events) {
          this.push(null);
          return;
        }
        if (!third && generator.count >= events / 3) third = clockAt(generator.count);
      } while (this.push(generator.next()));
    },
  });
  return { readable, third: () => third ?? clockAt(0) };
}
