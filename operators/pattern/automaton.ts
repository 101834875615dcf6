/**
 * What a pattern is compiled to: states in which a partial match waits for records, and edges that a record may take it
 * along. Actions are those of SASE (Agrawal, Diao, Gyllstrom, Immerman 2008) and of Flink's NFA.
 *
 * An automaton belongs to one operator: its tests remember what they last answered.
 */
import type { Condition } from './definition.js';

/**
 * - `take`: the record becomes part of the match.
 * - `ignore`: it does not, and the match goes on waiting.
 * - `proceed`: the record is looked at by the target as well.
 * - `stop`: the match is given up, whatever its other edges say.
 */
export type Action = 'take' | 'ignore' | 'proceed' | 'stop';

/** A user's condition. `Evaluation` fills the memory below the line. */
export class Test {
  /** The step that it stands at. */
  readonly step: string;
  readonly condition: Condition;
  /** For each step of the automaton: does the condition see an array of records, or the latest one? */
  readonly sees: readonly ('many' | 'one')[];
  // What it answered: to the record at hand for whatever partial match, or for one of them.
  answer = false;
  record = 0;
  turn = 0;

  constructor(step: string, condition: Condition, sees: Test['sees']) {
    this.step = step;
    this.condition = condition;
    this.sees = sees;
  }
}

/** A test and the answer that is wanted. */
export interface Literal {
  readonly test: Test;
  readonly wanted: boolean;
}

/** All of them must hold. */
export type Guard = readonly Literal[];

export interface Edge {
  readonly action: Action;
  readonly guard: Guard;
  /** Of a `stop`, the state itself. */
  readonly target: State;
  /** Which step a record belongs to that is taken along it. */
  readonly step: number;
}

export class State {
  readonly index: number;
  readonly kind: 'waiting' | 'final' | 'pending';
  /** Which step a record that is taken here belongs to: an index into the automaton's steps, or -1. */
  readonly step: number;
  readonly edges: Edge[] = [];
  /** Holds any of these, the record is not for this state at all: a greedy step before it wants it. */
  readonly gates: readonly Guard[];
  /** A record that comes this long after the one before is too late to be taken or ignored here; Infinity: never. */
  readonly withinMs: number;
  /** The same for the state and all it proceeds to: then a match that waits here has timed out. */
  patienceMs = Number.POSITIVE_INFINITY;
  /** It is there for the very next record, so a match is not complete by coming here. */
  looksAhead = false;
  /** The matcher's: the decision in which it was looked at last. */
  seen = 0;

  constructor(index: number, kind: State['kind'], step: number, gates: readonly Guard[], withinMs: number) {
    this.index = index;
    this.kind = kind;
    this.step = step;
    this.gates = gates;
    this.withinMs = withinMs;
  }

  add(action: Action, target: State, guard: Guard): void {
    this.edges.push({ action, target, guard, step: this.step });
  }
}

export interface Automaton {
  /** The same for all patterns of the same structure. */
  readonly signature: number;
  readonly start: State;
  /** By index. */
  readonly states: readonly State[];
  /** Steps that take records, in order, and how a match shows them. */
  readonly steps: readonly { readonly name: string; readonly many: boolean }[];
  /** Of the whole match; Infinity: no bound. */
  readonly withinMs: number;
  /** No state has a bound of its own. */
  readonly patient: boolean;
}
