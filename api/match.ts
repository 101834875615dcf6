/**
 * What `match` takes and gives: options, and streams of what was found, of what timed out, and of what came too late.
 */
import { MillraceError } from '../core/errors.js';
import { type AfterMatch, noSkip } from '../operators/pattern/after-match.js';
import { checkPattern } from '../operators/pattern/check-pattern.js';
import type { PatternDefinition } from '../operators/pattern/definition.js';
import { TIMEOUTS } from '../operators/pattern/match-output.js';
import { patternFactory } from '../operators/pattern/pattern-factory.js';
import { LATE } from '../operators/pattern/pattern-operator.js';
import { patternText } from '../operators/pattern/pattern-text.js';
import { declaredAt } from './declared-at.js';
import type { Flat } from './flat.js';
import type { GraphBuilder, Input } from './graph-builder.js';
import type { OnError } from './on-error.js';
import { definitionOf, type Pattern, type PatternStart, patternStart } from './pattern.js';
import { Stream } from './stream.js';

/** A match that was found: its records by the names of the steps. */
export interface Match<K, M> {
  readonly key: K;
  readonly match: M;
}

/** A match that was not completed in time: the records that it had. */
export interface TimedOut<K, M> {
  readonly key: K;
  readonly match: Flat<Partial<M>>;
  /** When it was over, epoch ms: `within` after the record that it counts from. */
  readonly timedOutAt: number;
}

/** What `match` finds. */
export interface MatchResults<K, T, M> {
  /** Matches, with the timestamps of their last records. */
  readonly matches: Stream<Match<K, M>>;
  /** Partial matches whose time is over, with that as their timestamp. */
  readonly timeouts: Stream<TimedOut<K, M>>;
  /** Records that came after the watermark had passed them. They were not looked at. */
  readonly late: Stream<T>;
}

/** Options of `match`. `N` are the names of the steps. */
export interface MatchOptions<T, N extends string = string> {
  /** Which other matches a match rules out: `noSkip` (default), `skipToNext`, `skipPastLastEvent`, `skipToFirst(step)`, `skipToLast(step)`. */
  readonly afterMatch?: AfterMatch<N>;
  /** Order of a key's records with equal timestamps, in event time. Default: as they came. */
  readonly compare?: (a: T, b: T) => number;
  /**
   * `'event'` (default): records are looked at in order of their timestamps, once the watermark has passed them.
   * `'processing'`: at once, in order of arrival; their time is when they arrive, and nothing is late.
   */
  readonly time?: 'event' | 'processing';
  readonly onError?: OnError<T>;
  /** The name that it has in older checkpoints, so that its matches under way are found again. */
  readonly renamedFrom?: string;
}

/** Adds the operator to a graph. The types are for `KeyedStream.match` to say. */
export function addMatch<K, T, M>(
  graph: GraphBuilder,
  input: Input,
  name: string,
  build: (p: PatternStart<T>) => unknown,
  options: MatchOptions<T>,
): MatchResults<K, T, M> {
  const { afterMatch = noSkip, compare, time = 'event' } = options;
  const pattern = checked(name, () => {
    const definition = definitionOf(build(patternStart()));
    checkPattern(definition, afterMatch);
    return definition;
  });
  if (compare && time === 'processing') {
    const text = `${name} compares records with equal timestamps, and takes them as they come`;
    throw new MillraceError('MILL_OPTION_INVALID', text, { operator: name, declaredAt: declaredAt() });
  }
  const node = graph.operator({
    type: 'match',
    name,
    renamedFrom: options.renamedFrom,
    description: patternText(pattern),
    inputs: [input],
    sides: [TIMEOUTS, LATE],
    keyed: true,
    onError: options.onError as OnError<never> | undefined,
    factory: patternFactory({ pattern, afterMatch, compare, time }),
  });
  const stream = <R>(side?: string): Stream<R> => new Stream<R>(graph, [{ node, side }]);
  return { matches: stream(), timeouts: stream(TIMEOUTS), late: stream(LATE) };
}

/** What is wrong with a pattern is told with its operator's name and line. */
function checked(operator: string, make: () => PatternDefinition): PatternDefinition {
  try {
    return make();
  } catch (error) {
    throw error instanceof MillraceError ? error.at({ operator, declaredAt: declaredAt() }) : error;
  }
}

/** The names of a pattern's steps. */
export type NamesOf<M> = Extract<keyof M, string>;

/** A function that builds a pattern. */
export type BuildPattern<T, B, L> = (p: PatternStart<T>) => Pattern<T, Record<never, never>, B, L>;
