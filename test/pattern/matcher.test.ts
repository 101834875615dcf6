/** The automaton against trying everything: random patterns of up to four steps over random short inputs. */
import fc from 'fast-check';
import t from 'tap';
import { noSkip } from '../../operators/pattern/after-match.js';
import { checkPattern } from '../../operators/pattern/check-pattern.js';
import { type Finding, NaiveMatches } from './naive-matches.js';
import { cases } from './random-pattern.js';
import { runMatcher } from './run-matcher.js';

const CASES = Number(process.env.CASES ?? 20_000);

/** Any order, names in order. */
function texts(findings: readonly Finding[]): string[] {
  return findings
    .map(({ match, at }) => JSON.stringify([Object.entries(match).sort(([a], [b]) => (a < b ? -1 : 1)), at]))
    .sort();
}

t.test('finds what can be found, when it can be found, and times out what waits', async () => {
  fc.assert(
    fc.property(cases({ between: false }), ({ text, pattern, events }) => {
      checkPattern(pattern, noSkip);
      const naive = new NaiveMatches(pattern, events);
      const run = runMatcher(pattern, events);
      same(texts(run.matches), texts(naive.matches), `${text}\nmatches`);
      same(texts(run.timeouts), texts(naive.timeouts), `${text}\ntimeouts`);
    }),
    { numRuns: CASES },
  );
});

t.test('with bounds on the time between two records', async () => {
  fc.assert(
    fc.property(cases({ between: true }), ({ text, pattern, events }) => {
      checkPattern(pattern, noSkip);
      same(texts(runMatcher(pattern, events).matches), texts(new NaiveMatches(pattern, events).matches), text);
    }),
    { numRuns: CASES },
  );
});

function same(got: readonly string[], wanted: readonly string[], what: string): void {
  if (got.join('\n') === wanted.join('\n')) return;
  throw new Error(`${what}: got\n${got.join('\n')}\nwanted\n${wanted.join('\n')}`);
}
