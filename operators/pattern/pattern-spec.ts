/** What a pattern operator is made of, and what both kinds of it share. */
import type { OperatorContext } from '../operator.js';
import type { AfterMatch } from './after-match.js';
import { compilePattern } from './compile-pattern.js';
import type { PatternDefinition } from './definition.js';
import { MatchOutput } from './match-output.js';
import { MatchTurn, type MatchTurnOptions } from './match-turn.js';
import { Matcher } from './matcher.js';

export interface PatternSpec {
  readonly pattern: PatternDefinition;
  readonly afterMatch: AfterMatch;
  /** Order of records with equal timestamps; undefined: that of arrival. */
  readonly compare: ((a: never, b: never) => number) | undefined;
}

/** Where matches are kept, and what each output is labelled with; left out: in `matches`, and with nothing. */
export interface TurnPlace {
  readonly table?: string;
  readonly label?: object;
}

/** The turns of an operator. Its automaton is its own, because conditions remember what they answered. */
export function matchTurn(
  { pattern, afterMatch }: PatternSpec,
  context: OperatorContext,
  options: Pick<MatchTurnOptions, 'timers' | 'isNeeded' | 'onError'> & TurnPlace,
): MatchTurn {
  const automaton = compilePattern(pattern);
  const matcher = new Matcher(automaton, afterMatch, () => context.host.now());
  const { table = 'matches', label = {} } = options;
  const output = new MatchOutput(context, matcher, automaton.steps, label);
  return new MatchTurn({ ...options, context, matcher, output, rows: context.state.value(table) });
}
