/** Patterns that mean nothing are refused before the job runs, with the name of the step. */
import { type Duration, generate, job, type PatternStart, skipToFirst, skipToLast } from 'millrace';
import t from 'tap';

type Start = PatternStart<number>;

const MISTAKES: readonly (readonly [what: string, build: (p: Start) => unknown, says: RegExp])[] = [
  ['nothing', (p) => p, /is empty/],
  ['a name twice', (p) => p.begin('a').next('a'), /a is there twice/],
  ['no name', (p) => p.begin(''), /has a step named ""/],
  ['times twice', (p) => p.begin('a').times(2).oneOrMore(), /a is told twice/],
  ['zero times', (p) => p.begin('a').times(0), /a cannot be taken 0/],
  ['a range backwards', (p) => p.begin('a').times(3, 2), /a cannot be taken 3 to 2/],
  ['half a time', (p) => p.begin('a').times(1.5), /a cannot be taken/],
  ['optional twice', (p) => p.begin('a').optional().optional(), /a is optional already/],
  [
    'until with a bound',
    (p) =>
      p
        .begin('a')
        .times(2)
        .until(() => true),
    /a has an upper bound/,
  ],
  ['greedy once', (p) => p.begin('a').greedy(), /a is taken once/],
  ['consecutive once', (p) => p.begin('a').consecutive(), /a is taken once/],
  ['greedy combinations', (p) => p.begin('a').oneOrMore().allowCombinations().greedy(), /a cannot be greedy/],
  ['an open end', (p) => p.begin('a').notFollowedBy('b'), /b is a last notFollowedBy/],
  ['not after optional', (p) => p.begin('a').next('o').optional().notNext('b').next('c'), /b is negative/],
  ['no time', (p) => p.begin('a').next('b').within(0), /leaves no time/],
  [
    'more time than there is',
    (p) => p.begin('a').next('b').within('2h', 'previous').within('1h'),
    /b is given more time/,
  ],
  ['a group that is none', (p) => p.begin(() => undefined as never), /is empty/],
];

for (const [what, build, says] of MISTAKES) {
  t.test(what, (t) => {
    const made = job('mistaken', (j) => {
      j.from('numbers', generate({ count: 1, make: (n) => n }))
        .keyBy((n) => n)
        .match('found', build as never);
    });
    t.throws(() => made.plan(), { code: 'MILL_PATTERN_INVALID', operator: 'found', message: says });
    t.end();
  });
}

t.test('skipping to a step that is not there, or takes nothing', (t) => {
  for (const afterMatch of [skipToFirst('c'), skipToLast('b')]) {
    const made = job('skips', (j) => {
      j.from('numbers', generate({ count: 1, make: (n) => n }))
        .keyBy((n) => n)
        .match('found', (p) => p.begin('a').notNext('b').next('d'), { afterMatch: afterMatch as never });
    });
    t.throws(() => made.plan(), { code: 'MILL_PATTERN_INVALID', message: /to skip to/ });
  }
  t.end();
});

t.test('a comparison without event time', (t) => {
  const options = { time: 'processing', compare: () => 0 } as const;
  const made = job('compares', (j) => {
    j.from('numbers', generate({ count: 1, make: (n) => n }))
      .keyBy((n) => n)
      .match('found', (p) => p.begin('a'), options);
  });
  t.throws(() => made.plan(), { code: 'MILL_OPTION_INVALID', operator: 'found' });
  const within = '1 hour' as Duration;
  t.throws(
    () =>
      job('lasts', (j) => {
        j.from('numbers', generate({ count: 1, make: (n) => n }))
          .keyBy((n) => n)
          .match('found', (p) => p.begin('a').within(within));
      }).plan(),
    { code: 'MILL_OPTION_INVALID' },
  );
  t.end();
});
