/**
 * Patterns that come and go while the job runs: what `matchDynamic` takes and gives.
 */
import { type AfterMatch, noSkip } from '../operators/pattern/after-match.js';
import { checkPattern } from '../operators/pattern/check-pattern.js';
import { dynamicPatternFactory } from '../operators/pattern/dynamic-pattern-operator.js';
import { TIMEOUTS } from '../operators/pattern/match-output.js';
import { LATE } from '../operators/pattern/pattern-operator.js';
import type { PatternSpec } from '../operators/pattern/pattern-spec.js';
import { badRule, type Rule } from '../operators/pattern/rule-turns.js';
import type { BroadcastStream } from './broadcast.js';
import type { GraphBuilder, Input } from './graph-builder.js';
import type { OnError } from './on-error.js';
import { definitionOf, type Pattern, type PatternStart, patternStart } from './pattern.js';
import { Stream } from './stream.js';

/**
 * The patterns that rules may name: each is a function of what a rule makes it with.
 *
 * @example
 * const patterns = {
 *   burst: (p: PatternStart<Payment>, { limit }: { limit: number }) =>
 *     p.begin('large', (payment) => payment.cents > limit).times(3).within('10m'),
 * }
 */
// biome-ignore lint/suspicious/noExplicitAny: patterns of any steps, made with anything
export type Patterns<T> = Readonly<Record<string, (p: PatternStart<T>, params: any) => Pattern<T, any, any, any>>>;

/**
 * What says which patterns are in force: plain data, of a stream. A rule takes the place of the one with the same `id`, if
 * anything about it differs, and then begins with no partial match; `remove` takes it away.
 */
export type PatternRule<P> =
  | {
      readonly [N in keyof P & string]: {
        readonly id: string;
        readonly pattern: N;
        // biome-ignore lint/suspicious/noExplicitAny: read by inference alone
        readonly params: P[N] extends (p: any, params: infer A) => unknown ? A : never;
        /** Another version is another rule. Default: 0. */
        readonly version?: number;
        readonly remove?: false;
      };
    }[keyof P & string]
  | { readonly id: string; readonly remove: true };

/** A match of a rule. Steps that may have several records have an array. */
export interface RuleMatch<K, T> {
  readonly key: K;
  /** The rule's id. */
  readonly rule: string;
  readonly version: number;
  readonly match: Readonly<Record<string, T | readonly T[]>>;
}

/** A match of a rule that was not completed in time: the records that it had. */
export interface RuleTimedOut<K, T> extends RuleMatch<K, T> {
  /** When it was over, epoch ms. */
  readonly timedOutAt: number;
}

/** What `matchDynamic` finds. */
export interface RuleMatches<K, T> {
  /** Matches, with the timestamps of their last records. */
  readonly matches: Stream<RuleMatch<K, T>>;
  /** Partial matches whose time is over, with that as their timestamp. */
  readonly timeouts: Stream<RuleTimedOut<K, T>>;
  /** Records that came after the watermark had passed them. They were not looked at. */
  readonly late: Stream<T>;
}

/** Options of `matchDynamic`. */
export interface DynamicMatchOptions<T, R> {
  /** Which other matches of a rule a match rules out; of all rules. Default: `noSkip`. */
  readonly afterMatch?: AfterMatch;
  /** Order of a key's records with equal timestamps. Default: as they came. */
  readonly compare?: (a: T, b: T) => number;
  /** Also of rules that can't be: they change nothing. */
  readonly onError?: OnError<T | R>;
  /** The name that it has in older checkpoints, so that its matches under way are found again. */
  readonly renamedFrom?: string;
}

interface Call {
  readonly graph: GraphBuilder;
  readonly name: string;
  readonly inputs: readonly [Input, Input];
}

/** Adds the operator to a graph. The types are for `KeyedStream.matchDynamic` to say. */
export function addDynamicMatch<K, T>(
  { graph, name, inputs }: Call,
  patterns: Patterns<T>,
  options: DynamicMatchOptions<T, unknown>,
): RuleMatches<K, T> {
  const { afterMatch = noSkip, compare, onError, renamedFrom } = options;
  const node = graph.operator({
    type: 'match-dynamic',
    name,
    renamedFrom,
    description: Object.keys(patterns).join(', '),
    inputs,
    sides: [TIMEOUTS, LATE],
    keyed: true,
    replicated: true,
    onError: onError as OnError<never> | undefined,
    factory: dynamicPatternFactory({ compare, specOf: (rule) => specOf(rule, patterns, afterMatch) }),
  });
  const stream = <R>(side?: string): Stream<R> => new Stream<R>(graph, [{ node, side }]);
  return { matches: stream(), timeouts: stream(TIMEOUTS), late: stream(LATE) };
}

function specOf<T>(rule: Rule, patterns: Patterns<T>, afterMatch: AfterMatch): PatternSpec {
  const { pattern: name } = rule;
  const build = name !== undefined && Object.hasOwn(patterns, name) ? patterns[name] : undefined;
  if (!build) throw badRule(rule, `names no pattern of the job: it has ${Object.keys(patterns).join(', ')}`);
  const pattern = definitionOf(build(patternStart(), rule.params));
  checkPattern(pattern, afterMatch);
  return { pattern, afterMatch, compare: undefined };
}

/** For `KeyedStream.matchDynamic`. */
export type RulesOf<P> = BroadcastStream<PatternRule<P>>;
