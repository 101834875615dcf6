/**
 * Patterns give the same answer every way: any interleaving, batch size and number of subtasks, killed and restored
 * anywhere. The answer is that of the naive matcher over each key's records in order.
 */
import { type AfterMatch, noSkip, type Pattern, type PatternStart, type Stream, skipPastLastEvent } from 'millrace';
import { everyWay, type Phase, type Step } from 'millrace/testing';
import t from 'tap';
import { definitionOf, patternStart } from '../../api/pattern.js';
import { Random } from '../../core/random.js';
import type { Event, Finding } from '../pattern/naive-matches.js';
import { NaiveMatches } from '../pattern/naive-matches.js';
import { runMatcher } from '../pattern/run-matcher.js';

const WAYS = 25;
const SEEDS = 8;
const KEYS = ['x', null, 3];

interface Keyed extends Event {
  readonly key: string | number | null;
  readonly id: number;
}

type Start = PatternStart<Event>;
// biome-ignore lint/suspicious/noExplicitAny: patterns of any steps
type Any = Pattern<any, any, any, any>;

const is =
  (letter: string) =>
  (event: Event): boolean =>
    event.letter === letter;

const PATTERNS: Readonly<Record<string, (p: Start) => Any>> = {
  'strict steps': (p) => p.begin('a', is('a')).next('b', is('b')),
  // The naive matcher always shows arrays.
  'rising, repeated, in time': (p) =>
    p
      .begin('low', is('a'))
      .followedBy('rising', (event, { low }) => event.n > ([low].flat()[0] as Event).n)
      .oneOrMore()
      .followedBy('end', is('c'))
      .within(120),
  'all combinations': (p) => p.begin('a', is('a')).times(2).allowCombinations().followedByAny('c', is('c')).within(150),
  'none in time': (p) => p.begin('a', is('a')).notFollowedBy('b', is('b')).within(60),
};

interface Round {
  readonly records: readonly Keyed[];
  readonly watermark: number;
}

/** Records that are on time, and some that are late in any order; times of equal records often are, too. */
function rounds(random: Random): Round[] {
  let id = 0;
  return [1, 2, 3].map((number) => {
    const watermark = number * 100;
    const records = Array.from({ length: 5 + random.below(6) }, () => {
      const isLate = number > 1 && random.below(6) === 0;
      const time = isLate ? watermark - 100 - random.below(60) : watermark + 1 + random.below(30) * 5;
      id += 1;
      const [letter, key] = ['abc'[random.below(3)] as string, KEYS[random.below(3)] as Keyed['key']];
      return { id, key, letter, n: random.below(4), time };
    });
    return { records, watermark };
  });
}

function phasesOf(all: readonly Round[], random: Random): Phase[] {
  return all.map(({ records, watermark }) =>
    [0, 1].map((channel) => {
      const own = records.filter(({ id }) => id % 2 === channel);
      const steps: Step<Keyed>[] = own.map((record) => ({ record, at: record.time }));
      return steps.toSpliced(random.below(steps.length + 1), 0, { watermark });
    }),
  );
}

const lateOf = (all: readonly Round[]): Keyed[] =>
  all.flatMap(({ records, watermark }) => records.filter(({ time }) => time <= watermark - 100));

/** Records of a key in the order in which they are looked at. */
function sorted(all: readonly Round[], key: Keyed['key']): Keyed[] {
  const late = new Set(lateOf(all));
  const own = all.flatMap(({ records }) => records.filter((record) => record.key === key && !late.has(record)));
  return own.sort((a, b) => a.time - b.time || a.id - b.id);
}

const text = (key: unknown, match: object): string => {
  const ids = Object.entries(match).map(([name, of]) => [name, [of].flat().map((record: Keyed) => record.id)]);
  return JSON.stringify([key, ...ids.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))]);
};

function texts(key: unknown, events: readonly Keyed[], found: readonly Finding[]): string[] {
  return found.map(({ match }) => {
    const taken = Object.entries(match).filter(([, indexes]) => indexes.length > 0);
    return text(key, Object.fromEntries(taken.map(([name, at]) => [name, at.map((index) => events[index])])));
  });
}

for (const [named, build] of Object.entries(PATTERNS)) {
  for (const [skip, afterMatch] of Object.entries<AfterMatch<never>>({ noSkip, skipPastLastEvent })) {
    t.test(`${named}, ${skip}`, async (t) => {
      let [kills, found] = [0, 0];
      const definition = definitionOf(build(patternStart()));
      for (let seed = 0; seed < SEEDS; seed += 1) {
        const random = new Random(seed);
        const all = rounds(random);
        const answers = KEYS.map((key) => {
          const events = sorted(all, key);
          const run = runMatcher(definition, events, afterMatch);
          const naive = new NaiveMatches(definition, events);
          if (afterMatch === noSkip)
            t.same(texts(key, events, run.matches).sort(), texts(key, events, naive.matches).sort());
          return { matches: texts(key, events, run.matches), timeouts: texts(key, events, run.timeouts) };
        });
        const report = await everyWay(
          (records: Stream<Keyed>) => {
            const { matches, timeouts, late } = records
              .keyBy((record) => record.key)
              .match('found', build as never, { afterMatch, compare: (a: Keyed, b: Keyed) => a.id - b.id });
            return Object.assign(
              matches.map(({ key, match }) => text(key, match as object)),
              { timeouts: timeouts.map(({ key, match }) => text(key, match as object)), late },
            );
          },
          phasesOf(all, random),
          {
            output: answers.flatMap(({ matches }) => matches),
            timeouts: answers.flatMap(({ timeouts }) => timeouts),
            late: lateOf(all),
          },
          { ways: WAYS },
        );
        kills += report.kills;
        found += answers.flatMap(({ matches }) => matches).length;
      }
      t.ok(kills > 100 && found > 3, `${kills} kills, ${found} matches`);
    });
  }
}
