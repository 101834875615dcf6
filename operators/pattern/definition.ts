/**
 * A pattern as plain data with functions in it: what the builder of api/pattern.ts and the JSON form both make, and what
 * the compiler takes.
 */

/** How many other records may lie between two of a match: none, those that do not fit, or any. */
export type Contiguity = 'strict' | 'relaxed' | 'any';

/** What a step asks of a record, given the records matched so far, by name. */
export type Condition = (record: never, soFar: never, time: never) => unknown;

export type StepKind = 'begin' | 'next' | 'followedBy' | 'followedByAny' | 'notNext' | 'notFollowedBy';

/** How often a step is taken; `to` is Infinity where there is no upper bound. */
export interface Times {
  readonly from: number;
  readonly to: number;
}

export interface Step {
  readonly kind: StepKind;
  /** '' of a group. */
  readonly name: string;
  /** Undefined: any record will do. */
  readonly condition: Condition | undefined;
  /** The steps of a group, which has neither name nor condition. */
  readonly group: readonly Step[] | undefined;
  /** Undefined: once. */
  readonly times: Times | undefined;
  readonly optional: boolean;
  readonly greedy: boolean;
  /** What may lie between two records, or rounds, of a step that is taken several times. */
  readonly inner: Contiguity;
  readonly until: Condition | undefined;
  /** How long after the record before it, at most and not quite, a record of this step comes. */
  readonly withinMs: number | undefined;
}

export interface PatternDefinition {
  readonly steps: readonly Step[];
  /** How long after the first record the last one comes, at most and not quite. */
  readonly withinMs: number | undefined;
}

/** What every step is until it is told otherwise. */
export const PLAIN_STEP = Object.freeze({
  condition: undefined,
  group: undefined,
  times: undefined,
  optional: false,
  greedy: false,
  inner: 'relaxed',
  until: undefined,
  withinMs: undefined,
} satisfies Omit<Step, 'kind' | 'name'>);

/** A step of the negative kinds takes no record. */
export function isNot({ kind }: Step): boolean {
  return kind === 'notNext' || kind === 'notFollowedBy';
}

/** Steps that take records, in order, those of groups among them. */
export function takingSteps(steps: readonly Step[]): Step[] {
  return steps.flatMap((step) => (step.group ? takingSteps(step.group) : isNot(step) ? [] : [step]));
}
