/**
 * Patterns, as users write them: a builder whose types follow the steps, so that each condition sees what has been matched
 * before it, and a match has its records by name.
 */
import { type Duration, durationMs } from '../core/time.js';
import {
  type Condition as AnyCondition,
  type Contiguity,
  type PatternDefinition,
  PLAIN_STEP,
  type Step,
  type StepKind,
} from '../operators/pattern/definition.js';
import type { ConditionTime } from '../operators/pattern/evaluation.js';
import { invalidPattern } from '../operators/pattern/invalid-pattern.js';
import type { Flat } from './flat.js';

/** What a step contributes to a match: the type of its records, and how many there may be. Types only. */
export interface Taken<R, K extends 'one' | 'maybe' | 'many'> {
  readonly record: R;
  readonly kind: K;
}

/** Steps by name. */
export type TakenSteps = { readonly [N in string]: Taken<unknown, 'one' | 'maybe' | 'many'> };

type Shown<S> =
  S extends Taken<infer R, infer K> ? (K extends 'many' ? readonly R[] : K extends 'maybe' ? R | undefined : R) : never;

type ShownAll<S> = { readonly [N in keyof S]: Shown<S[N]> };

/** The records of a match by name: one, an array of them for a step that may be taken several times, or undefined. */
export type RecordsOf<S> = Flat<ShownAll<S>>;

/** What a step's condition sees: the steps before it, and its own records so far, which a repeated step has. */
export type SoFar<T, S, N extends PropertyKey> = Flat<ShownAll<S> & { readonly [K in N]: readonly T[] }>;

type Condition<T, S, N extends PropertyKey> = (record: T, soFar: SoFar<T, S, N>, time: ConditionTime) => unknown;

// biome-ignore format: the formatter drops the parentheses, without which it does not parse
type Narrowing<T, S, N extends PropertyKey, U extends T> = (record: T, soFar: SoFar<T, S, N>, time: ConditionTime) => record is U;

type Repeated<L> = { readonly [N in keyof L]: L[N] extends Taken<infer R, infer _K> ? Taken<R, 'many'> : never };

type Skippable<L> = {
  readonly [N in keyof L]: L[N] extends Taken<infer R, infer K> ? Taken<R, K extends 'many' ? 'many' : 'maybe'> : never;
};

type Narrowed<L, U> = { readonly [N in keyof L]: L[N] extends Taken<infer _R, infer K> ? Taken<U, K> : never };

type RecordIn<L> = L[keyof L] extends Taken<infer R, infer _K> ? R : never;

/** Adds a step, or a group of steps, to those before. */
export interface AddStep<T, Seen, Before> {
  /** A step. Without a condition any record will do; a type guard narrows its records. */
  <const N extends string, U extends T>(
    name: N,
    condition: Narrowing<T, Seen & Before, N, U>,
  ): Pattern<T, Seen, Before, { readonly [K in N]: Taken<U, 'one'> }>;
  <const N extends string>(
    name: N,
    condition?: Condition<T, Seen & Before, N>,
  ): Pattern<T, Seen, Before, { readonly [K in N]: Taken<T, 'one'> }>;
  /** A group: what quantifiers come next are for all of its steps together. */
  <B, L>(
    group: (g: PatternStart<T, Flat<Seen & Before>>) => Pattern<T, Flat<Seen & Before>, B, L>,
  ): Pattern<T, Seen, Before, Flat<B & L>>;
}

/** What a pattern begins with. */
export interface PatternStart<T, Seen = Record<never, never>> {
  /** The first step, or a group of steps that a match begins with. */
  readonly begin: AddStep<T, Seen, Record<never, never>>;
}

/**
 * A pattern: steps, each with a condition on its records. `next`, `followedBy` and `followedByAny` add a step, the other
 * methods say more of the last one. `Before` are the steps that are settled, `Last` is the last one.
 */
export class Pattern<T, Seen, Before, Last> {
  /** @internal */
  readonly definition: PatternDefinition;
  /** Phantom: the types of records and steps. */
  declare readonly types?: readonly [T, Seen, Before, Last];

  /**
   * The next record is one of this step: nothing lies in between (strict contiguity).
   *
   * @example p.begin('first', (o) => o.cents < 500).next('second', (o, m) => o.cents > m.first.cents)
   */
  readonly next: AddStep<T, Seen, Flat<Before & Last>> = this.#adding('next');

  /** Records that do not fit may lie in between; the first that fits is taken (relaxed contiguity). */
  readonly followedBy: AddStep<T, Seen, Flat<Before & Last>> = this.#adding('followedBy');

  /** Any records may lie in between, so that each that fits gives a match (non-deterministic relaxed contiguity). */
  readonly followedByAny: AddStep<T, Seen, Flat<Before & Last>> = this.#adding('followedByAny');

  /** @internal */
  constructor(definition: PatternDefinition) {
    this.definition = definition;
  }

  /** The very next record is none of these. */
  notNext<const N extends string>(
    name: N,
    condition?: Condition<T, Seen & Before & Last, N>,
  ): Pattern<T, Seen, Flat<Before & Last>, Record<never, never>> {
    return this.#add({ ...PLAIN_STEP, kind: 'notNext', name, condition });
  }

  /**
   * None of these comes before the next step's record. At the end of a pattern it needs `within`: the match is found when
   * that time is over.
   */
  notFollowedBy<const N extends string>(
    name: N,
    condition?: Condition<T, Seen & Before & Last, N>,
  ): Pattern<T, Seen, Flat<Before & Last>, Record<never, never>> {
    return this.#add({ ...PLAIN_STEP, kind: 'notFollowedBy', name, condition });
  }

  /** Another condition that records of the last step have to meet. */
  where<U extends RecordIn<Last>>(
    condition: Narrowing<RecordIn<Last>, Seen & Before, keyof Last, U>,
  ): Pattern<T, Seen, Before, Narrowed<Last, U>>;
  where(condition: Condition<RecordIn<Last>, Seen & Before, keyof Last>): Pattern<T, Seen, Before, Last>;
  where(condition: AnyCondition): unknown {
    const { condition: old } = this.#single('where');
    return this.#change({ condition: old === undefined ? condition : both(old, condition) });
  }

  /** Another condition, of which records of the last step have to meet this one or those before. */
  or(condition: Condition<T, Seen & Before, keyof Last>): Pattern<T, Seen, Before, Last> {
    const { condition: old } = this.#single('or');
    return this.#change({ condition: old === undefined ? condition : either(old, condition) });
  }

  /** The last step is taken `count` times, or `from` to `to` times; from 0: it may be left out. */
  times(count: number): Pattern<T, Seen, Before, Repeated<Last>>;
  times(from: number, to: number): Pattern<T, Seen, Before, Repeated<Last>>;
  times(from: number, to = from): Pattern<T, Seen, Before, Repeated<Last>> {
    if (from === 0 && to > 0) return this.#repeat(1, to).#skippable();
    return this.#repeat(from, to);
  }

  /** The last step is taken `count` times or more. State grows with each: use `until` or `within`. */
  timesOrMore(count: number): Pattern<T, Seen, Before, Repeated<Last>> {
    return this.#repeat(count, Number.POSITIVE_INFINITY);
  }

  /** The last step is taken once or more. State grows with each record: use `until` or `within`. */
  oneOrMore(): Pattern<T, Seen, Before, Repeated<Last>> {
    return this.timesOrMore(1);
  }

  /** The last step may be left out. */
  optional(): Pattern<T, Seen, Before, Skippable<Last>> {
    return this.#skippable();
  }

  /** A repeated step takes all records that it can before the next one may begin. */
  greedy(): Pattern<T, Seen, Before, Last> {
    return this.#change({ greedy: true });
  }

  /** Nothing may lie between the records of a repeated step. */
  consecutive(): Pattern<T, Seen, Before, Last> {
    return this.#inner('strict', 'consecutive');
  }

  /** Any records may lie between those of a repeated step, also such as fit: all combinations are matches. */
  allowCombinations(): Pattern<T, Seen, Before, Last> {
    return this.#inner('any', 'allowCombinations');
  }

  /** A repeated step takes no more records once there is one that meets this condition. */
  until(condition: Condition<T, Seen & Before & Last, never>): Pattern<T, Seen, Before, Last> {
    const { name, until } = this.#last;
    if (until !== undefined) throw invalidPattern(name, 'has an until-condition already');
    return this.#change({ until: condition });
  }

  /**
   * How much time a match may take: its last record comes less than `duration` after its first. The least of several
   * counts. What has not been completed by then has timed out. With `'previous'` instead, a record of the last step comes
   * less than `duration` after the one before it.
   *
   * @example p.begin('order').followedBy('payment').within('15m', 'previous').followedBy('parcel').within('7d')
   */
  within(duration: Duration, of: 'whole' | 'previous' = 'whole'): Pattern<T, Seen, Before, Last> {
    const ms = durationMs(duration, 'within');
    if (of === 'previous') return this.#change({ withinMs: ms });
    const { steps, withinMs = ms } = this.definition;
    return new Pattern({ steps, withinMs: Math.min(ms, withinMs) });
  }

  get #last(): Step {
    return this.definition.steps.at(-1) as Step;
  }

  #adding(kind: StepKind): AddStep<T, Seen, Flat<Before & Last>> {
    return adding(kind, (step, withinMs) => this.#add(step, withinMs));
  }

  /** The types of what it returns are those of whoever calls it. */
  #add<P>(step: Step, withinMs = this.definition.withinMs): P {
    const { steps, withinMs: own = withinMs } = this.definition;
    const least = own === undefined || withinMs === undefined ? own : Math.min(own, withinMs);
    return new Pattern({ steps: [...steps, step], withinMs: least }) as P;
  }

  #change<P>(change: Partial<Step>): P {
    const { steps, withinMs } = this.definition;
    return new Pattern({ steps: [...steps.slice(0, -1), { ...this.#last, ...change }], withinMs }) as P;
  }

  #single(method: string): Step {
    if (this.#last.group) throw invalidPattern('', `takes no ${method}(): it is for steps`);
    return this.#last;
  }

  #repeat(from: number, to: number): Pattern<T, Seen, Before, Repeated<Last>> {
    if (this.#last.times) throw invalidPattern(this.#last.name, 'is told twice how often it is taken');
    return this.#change({ times: { from, to } });
  }

  #skippable<P>(): P {
    if (this.#last.optional) throw invalidPattern(this.#last.name, 'is optional already');
    return this.#change({ optional: true });
  }

  #inner(inner: Contiguity, method: string): Pattern<T, Seen, Before, Last> {
    if (this.#last.inner !== 'relaxed') {
      throw invalidPattern(
        this.#last.name,
        `is told twice what may lie between its records, the second time by ${method}()`,
      );
    }
    return this.#change({ inner });
  }
}

type AddAny = (step: Step, withinMs?: number) => unknown;

/** The method for a kind of step, whose types are for whoever gets it to say. */
function adding<A>(kind: StepKind, add: AddAny): A {
  const method = (what: string | ((g: PatternStart<never>) => AnyPattern), condition?: AnyCondition): unknown => {
    if (typeof what !== 'function') return add({ ...PLAIN_STEP, kind, name: what, condition });
    const { steps, withinMs } = definitionOf(what(patternStart()));
    return add({ ...PLAIN_STEP, kind, name: '', group: steps }, withinMs);
  };
  return method as A;
}

// biome-ignore lint/suspicious/noExplicitAny: patterns of whatever records and steps
type AnyPattern = Pattern<any, any, any, any>;

/** What a function that builds a pattern gets. */
export function patternStart<T, Seen>(): PatternStart<T, Seen> {
  return { begin: adding('begin', (step, withinMs) => new Pattern({ steps: [step], withinMs })) };
}

/** What it has built. */
export function definitionOf(pattern: unknown): PatternDefinition {
  if (pattern instanceof Pattern) return pattern.definition;
  throw invalidPattern(undefined, 'is empty: begin with p.begin(…), and return what it makes');
}

type Ask = (record: unknown, soFar: unknown, time: unknown) => unknown;

function both(first: AnyCondition, second: AnyCondition): AnyCondition {
  const [one, other] = [first as Ask, second as Ask];
  return (record, soFar, time) => one(record, soFar, time) && other(record, soFar, time);
}

function either(first: AnyCondition, second: AnyCondition): AnyCondition {
  const [one, other] = [first as Ask, second as Ask];
  return (record, soFar, time) => one(record, soFar, time) || other(record, soFar, time);
}
