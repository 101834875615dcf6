/** Types of patterns that come and go, and mistakes that do not compile. Never run; `tsc` is the test. */
import type { PatternRule, PatternStart, RuleMatch, Stream } from 'millrace';
import { recordsOf } from './same.js';

interface Payment {
  readonly card: string;
  readonly cents: number;
}

const patterns = {
  burst: (p: PatternStart<Payment>, { limit }: { limit: number }) => p.begin('large', (e) => e.cents > limit).times(3),
  pair: (p: PatternStart<Payment>, { ms }: { ms: number }) => p.begin('a').next('b').within(ms),
};

declare const payments: Stream<Payment>;
declare const rules: Stream<PatternRule<typeof patterns>>;
declare const others: Stream<{ id: string; pattern: 'burst'; params: { limit: string } }>;

const byCard = payments.keyBy((p) => p.card);
recordsOf(byCard.matchDynamic('a', rules.broadcast(), patterns).matches).are<RuleMatch<string, Payment>>(true);
recordsOf(byCard.matchDynamic('b', rules.broadcast(), patterns).late).are<Payment>(true);

const one: PatternRule<typeof patterns> = { id: 'x', pattern: 'burst', params: { limit: 3 } };
recordsOf(byCard.matchDynamic('c', rules.broadcast(), patterns).matches.map(() => one.id)).are<string>(true);

// @ts-expect-error parameters of another pattern
const wrong: PatternRule<typeof patterns> = { id: 'x', pattern: 'burst', params: { ms: 3 } };
// @ts-expect-error no such pattern
const unknown: PatternRule<typeof patterns> = { id: 'x', pattern: 'none', params: { ms: 3 } };
// @ts-expect-error rules with other parameters
byCard.matchDynamic('d', others.broadcast(), patterns);
export const unused = [wrong, unknown];
