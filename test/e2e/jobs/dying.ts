/**
 * The counting job, whose worker dies half-way, once: how is a parameter, and that it has happened is noted in a file,
 * which survives it.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { fileSink, generate, job, ndjson } from 'millrace';
import { KEYS } from './counting.js';

export const COUNT = 400;

const hoard: unknown[] = [];

const DEATHS = {
  throw: () => {
    throw new Error('nobody expects this');
  },
  throwNull: () => {
    throw null;
  },
  throwText: () => {
    throw 'a text';
  },
  rejection: () => void Promise.reject(new Error('nobody awaits this')),
  rejectionOfNull: () => void Promise.reject(null),
  callback: () => {
    setTimeout(() => {
      throw new Error('nobody catches this');
    }, 0);
  },
  exit: () => process.exit(0),
  exitWithCode: () => process.exit(3),
  stackOverflow: function deeper(): number {
    return deeper() + 1;
  },
  /** Until the thread's limit is noticed, or V8 ends the process. */
  memory: () => {
    for (;;) hoard.push({ text: `number ${hoard.length}` });
  },
} as const satisfies Record<string, () => unknown>;

export type Death = keyof typeof DEATHS;

export const deaths = Object.keys(DEATHS) as Death[];

export const dying = job(
  'dying',
  { params: { out: 'out', died: 'died', death: 'throw' as Death, rate: 1_000 } },
  (j, { out, died, death, rate }) => {
    j.from('numbers', generate({ count: COUNT, rate, make: (n) => ({ n, key: n % KEYS }) }))
      .map((record) => {
        if (record.n !== COUNT / 2 || existsSync(died)) return record;
        writeFileSync(died, death);
        DEATHS[death]();
        return record;
      })
      .keyBy((record) => record.key)
      .aggregate('counts', (a) => ({ n: a.count() }))
      .to('rows', fileSink(out, ndjson(), { roll: { every: '20ms' } }));
  },
);
