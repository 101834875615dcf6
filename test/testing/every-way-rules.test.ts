/**
 * Patterns that come and go while the job runs, every way. Each rule has to find what `match` finds of its pattern in the
 * records that were looked at while it was in force.
 */
import { type PatternRule, type PatternStart, type Stream, skipPastLastEvent } from 'millrace';
import { everyWay, harness, type Phase, type Step } from 'millrace/testing';
import t from 'tap';
import { Random } from '../../core/random.js';

t.setTimeout(180_000);

/** Each goes one way. */
const SCENARIOS = 1_000;

interface Event {
  readonly key: string | null;
  readonly letter: string;
  readonly id: number;
  readonly at: number;
}

const is =
  (letter: string) =>
  (event: Event): boolean =>
    event.letter === letter;

const PATTERNS = {
  pair: (p: PatternStart<Event>, { letter, ms }: { letter: string; ms: number }) =>
    p.begin('first', is('a')).followedBy('second', is(letter)).within(ms),
  several: (p: PatternStart<Event>, { times }: { times: number }) =>
    p.begin('some', is('b')).times(times).consecutive(),
  silent: (p: PatternStart<Event>, { ms }: { ms: number }) =>
    p.begin('a', is('a')).notFollowedBy('no', is('c')).within(ms),
};

type Rule = PatternRule<typeof PATTERNS>;
type Standing = Exclude<Rule, { remove: true }>;

interface Found {
  readonly key: string | null;
  readonly match: object;
  readonly timedOutAt?: number;
}

/** A rule, and the phases in which it was in force: the last one counts only if it was until the end. */
interface Life {
  readonly rule: Standing;
  readonly from: number;
  to: number | undefined;
}

function randomRule(random: Random): Rule {
  const id = `r${random.below(3)}`;
  const version = random.below(2);
  switch (random.below(5)) {
    case 0:
      return { id, remove: true };
    case 1:
      return { id, version, pattern: 'several', params: { times: 2 + random.below(2) } };
    case 2:
      return { id, version, pattern: 'silent', params: { ms: 15 } };
    default:
      return { id, version, pattern: 'pair', params: { letter: random.below(2) === 0 ? 'b' : 'c', ms: 25 } };
  }
}

const sameRule = (a: Standing, b: Standing): boolean =>
  a.pattern === b.pattern && a.version === b.version && JSON.stringify(a.params) === JSON.stringify(b.params);

class Scenario {
  readonly phases: Phase[] = [];
  readonly records: Event[][] = [];
  readonly lives: Life[] = [];

  constructor(random: Random) {
    let id = 0;
    for (let round = 0; round < 5; round += 1) {
      const from = round * 20;
      const rules = Array.from({ length: random.below(3) }, () => randomRule(random));
      for (const rule of rules) this.apply(rule, round);
      this.phases.push({ first: [[], []], second: [rules.map((record): Step => ({ record, at: from }))] });
      const records = Array.from({ length: 4 + random.below(8) }, (): Event => {
        id += 1;
        const letter = 'abc'[random.below(3)] as string;
        return { key: random.below(2) === 0 ? 'k' : null, letter, id, at: from + 1 + random.below(20) };
      });
      // Those of a key come on one channel, so that equal times are in order.
      const channels = ['k', null].map((key) => records.filter((event) => event.key === key));
      const upTo: Step = { watermark: from + 20 };
      this.phases.push({
        first: channels.map((all) => [...all.map((record): Step => ({ record, at: record.at })), upTo]),
        second: [[upTo], [upTo]],
      });
      this.records.push(channels.flat());
    }
  }

  private apply(rule: Rule, round: number): void {
    const before = this.lives.find((life) => life.rule.id === rule.id && life.to === undefined);
    if (!rule.remove && before && sameRule(before.rule, rule)) return;
    if (before) before.to = round;
    if (!rule.remove) this.lives.push({ rule, from: round, to: undefined });
  }

  async found(): Promise<{ output: object[]; timeouts: object[] }> {
    const output: object[] = [];
    const timeouts: object[] = [];
    for (const life of this.lives) {
      const { id, version = 0 } = life.rule;
      const label = ({ key, ...rest }: Found): object => ({ key, rule: id, version, ...rest });
      const all = await this.alone(life);
      output.push(...all.matches.map(label));
      timeouts.push(...all.timeouts.map(label));
    }
    return { output, timeouts };
  }

  private async alone({ rule, from, to }: Life): Promise<{ matches: Found[]; timeouts: Found[] }> {
    const build = PATTERNS[rule.pattern] as (p: PatternStart<Event>, params: object) => never;
    const h = await harness((events: Stream<Event>) => {
      const { matches, timeouts } = events
        .keyBy((e) => e.key)
        .match('x', (p) => build(p, rule.params), { afterMatch: skipPastLastEvent });
      return matches
        .map((match): [string, unknown] => ['match', match])
        .union(timeouts.map((match): [string, unknown] => ['timeout', match]));
    });
    for (const [at, records] of this.records.slice(from, to).entries()) {
      for (const record of records) h.send(record, { at: record.at });
      h.watermark((from + at + 1) * 20);
    }
    if (to === undefined) h.end();
    const found = h.take() as [string, Found][];
    await h.close();
    const of = (wanted: string): Found[] => found.flatMap(([kind, match]) => (kind === wanted ? [match] : []));
    return { matches: of('match'), timeouts: of('timeout') };
  }
}

t.test('rules that come, change and go', async (t) => {
  let [kills, rescales, matches] = [0, 0, 0];
  for (let seed = 0; seed < SCENARIOS; seed += 1) {
    const scenario = new Scenario(new Random(seed));
    const { output, timeouts } = await scenario.found();
    matches += output.length + timeouts.length;
    const report = await everyWay(
      (events: Stream<Event>, rules: Stream<Rule>) => {
        const found = events
          .keyBy((e) => e.key)
          .matchDynamic('rules', rules.broadcast(), PATTERNS, { afterMatch: skipPastLastEvent });
        return found.matches
          .map((match): object => match)
          .union(found.timeouts.map(({ timedOutAt, ...rest }): object => ({ ...rest, timedOutAt })));
      },
      scenario.phases,
      [...output, ...timeouts],
      { ways: 1, from: seed },
    );
    kills += report.kills;
    rescales += report.rescales;
  }
  t.ok(kills > 500 && rescales > 300, `${kills} kills, ${rescales} rescales`);
  t.ok(matches > 3_000, `${matches} matches`);
});

t.test('rules that cannot be change nothing', async (t) => {
  const build = (events: Stream<Event>, rules: Stream<Rule>) =>
    events.keyBy((e) => e.key).matchDynamic('rules', rules.broadcast(), PATTERNS, { onError: 'skip' }).matches;
  const h = await harness(build);
  const send = (rule: unknown): void => void h.send(rule as Rule, { input: 2, at: 0 } as never);
  send({ id: 'good', pattern: 'pair', params: { letter: 'b', ms: 100 } });
  for (const bad of [
    { id: 'good', pattern: 'none' },
    { pattern: 'pair' },
    null,
    { id: 'x', pattern: 'several', params: { times: -1 } },
  ])
    send(bad);
  h.send({ key: 'k', letter: 'a', id: 1, at: 1 }, { at: 1 });
  h.send({ key: 'k', letter: 'b', id: 2, at: 2 }, { at: 2 });
  h.end();
  t.match(h.take(), [{ key: 'k', rule: 'good', version: 0, match: { first: { id: 1 }, second: { id: 2 } } }]);
  await h.close();
  const strict = await harness(
    (events: Stream<Event>, rules: Stream<Rule>) =>
      events.keyBy((e) => e.key).matchDynamic('rules', rules.broadcast(), PATTERNS).matches,
  );
  t.throws(() => strict.send({ id: 'x', pattern: 'none' } as never, { input: 2, at: 0 } as never), {
    code: 'MILL_PATTERN_INVALID',
  });
  await strict.close();
});
