/**
 * Records given up one by one, by skipping or as dead letters: the operator goes on, its state is that of the records
 * it took, and a letter says what it was and why.
 */
import { type DeadLetter, type JobDefinition, run } from 'millrace';
import t from 'tap';
import { readRecords } from './failure-of.js';
import * as lenient from './jobs/lenient.js';

t.setTimeout(120_000);

const { COUNT, isPoison, ...JOBS } = lenient;
const MODULE = { url: new URL('./jobs/lenient.js', import.meta.url).href };

type Item = lenient.Item;

interface Row extends Item {
  readonly items: number;
  readonly sum: number;
  readonly window?: { readonly start: number };
}

const all: Item[] = Array.from({ length: COUNT }, (_, n) => ({ n, key: `k${n % 10}` }));
const good = all.filter(({ n }) => !isPoison(n));
const poison = all.filter(({ n }) => isPoison(n));

const numbers = (items: readonly { readonly n: number }[]): number[] => items.map(({ n }) => n).sort((a, b) => a - b);

/** The largest of `value` in each group: of running totals, the last. */
function largest<T>(rows: readonly T[], groupOf: (row: T) => string, value: (row: T) => number): object {
  const found: Record<string, number> = {};
  for (const row of rows) found[groupOf(row)] = Math.max(found[groupOf(row)] ?? 0, value(row));
  return found;
}

function sums(windowMs: number, value: (item: Item) => number): object {
  const found: Record<string, number> = {};
  for (const item of good) {
    const group = `${item.key}@${Math.floor(item.n / windowMs) * windowMs}`;
    found[group] = (found[group] ?? 0) + value(item);
  }
  return found;
}

const groupOf = ({ key, window }: Row): string => `${key}@${window?.start ?? 0}`;

/** Counts and sums of each group, as the results have them and as they should be. */
const seeTotals = (rows: readonly Row[]): object[] => [
  largest(rows, groupOf, ({ items }) => items),
  largest(rows, groupOf, ({ sum }) => sum),
];
const wantedTotals = (windowMs: number): object[] => [sums(windowMs, () => 1), sums(windowMs, ({ n }) => n)];

interface Case {
  see(rows: readonly Row[]): unknown;
  readonly wanted: unknown;
  /** What each letter has: the record, or when a timer or window failed, only its key and time. */
  readonly letter: (item: Item) => Partial<DeadLetter<Item>>;
}

const ofRecord = (item: Item): Partial<DeadLetter<Item>> => ({ record: item, timestamp: item.n });
const ofKeyed = (item: Item): Partial<DeadLetter<Item>> => ({ record: item, timestamp: item.n, key: item.key });
const passing = { see: numbers, wanted: numbers(good), letter: ofRecord };

const CASES: Record<keyof typeof JOBS, Case> = {
  map: passing,
  expanding: passing,
  halfExpanded: { ...passing, wanted: numbers([...all, ...good]) },
  offloaded: { ...passing, wanted: numbers(good.filter(({ n }) => n < 400)) },
  eventTime: passing,
  aggregate: { see: seeTotals, wanted: wantedTotals(COUNT), letter: ofKeyed },
  reduce: {
    see: (rows) => largest(rows, groupOf, ({ n }) => n),
    wanted: sums(COUNT, ({ n }) => n),
    letter: ofKeyed,
  },
  onRecord: {
    see: (rows) => [numbers(rows), largest(rows, groupOf, ({ items }) => items)],
    wanted: [numbers(good), sums(COUNT, () => 1)],
    letter: ofKeyed,
  },
  onTimer: { ...passing, letter: ({ n, key }) => ({ timestamp: COUNT + n, key }) },
  windowFold: { see: seeTotals, wanted: wantedTotals(1_000), letter: ofKeyed },
  windowFiring: { ...passing, letter: ({ n, key }) => ({ timestamp: n, key }) },
};

for (const [name, { see, wanted, letter }] of Object.entries(CASES)) {
  const job = JOBS[name as keyof typeof JOBS] as JobDefinition<unknown, { dead: string }>;

  t.test(`${name} skips`, async (t) => {
    const { results } = await run(MODULE, job, { inline: true, state: false });
    t.same(see(results as readonly Row[]), wanted);
  });

  t.test(`${name} sends dead letters`, async (t) => {
    const dead = t.testdir({});
    const { results } = await run(MODULE, job, { workers: 2, state: false, params: { dead } });
    t.same(see(results as readonly Row[]), wanted);
    const letters = readRecords<DeadLetter<Item>>(dead).sort((a, b) => Number(a.timestamp) - Number(b.timestamp));
    const expected = poison.filter(({ n }) => name !== 'offloaded' || n < 400);
    t.equal(letters.length, expected.length);
    expected.forEach((item, at) => {
      const error = { code: 'MILL_FUNCTION_FAILED', message: `RangeError: boom at ${item.n}` };
      t.match(letters[at], { operator: /careful|event-time/, error, attempt: 1, ...letter(item) });
    });
  });
}
