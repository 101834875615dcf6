/**
 * Runs an automaton over the records of one key after another. What it does to a key's matches at a record, or as time
 * goes on, is what Flink's NFA does, in the same order; docs/design/patterns.md says where they differ.
 *
 * Invariants: conditions are all asked before anything changes, so that one that throws leaves the matches as they were.
 * What has become complete, or has timed out, is drained by `nextMatch` and `nextTimedOut` before the key's next record
 * or deadline: either may be a great many.
 */
import { MillraceError } from '../../core/errors.js';
import { TIME_MAX } from '../../core/time.js';
import { Advance } from './advance.js';
import type { AfterMatch } from './after-match.js';
import type { Automaton, State } from './automaton.js';
import { Decision } from './decision.js';
import { Evaluation } from './evaluation.js';
import {
  addRow,
  before,
  dropEarlier,
  type KeyMatches,
  MATCH,
  NONE,
  noMatches,
  numberOf,
  release,
  stepOf,
} from './key-matches.js';
import { joinHeap, popHeap, pruneHeap } from './match-heap.js';

export class Matcher {
  private readonly evaluation: Evaluation;
  private readonly automaton: Automaton;
  private readonly afterMatch: AfterMatch;
  private readonly decision: Decision;
  private readonly advance: Advance;
  /** A match may rule out others. */
  private readonly skips: boolean;
  /** How much of `complete` has been handed out: a part of it only while it is drained. */
  private handedOut = 0;
  /** Last nodes of what has timed out, the next at the end. */
  private readonly timedOut: number[] = [];

  constructor(automaton: Automaton, afterMatch: AfterMatch, now: () => number) {
    this.automaton = automaton;
    this.afterMatch = afterMatch;
    this.skips = afterMatch.skip !== 'none';
    this.evaluation = new Evaluation(automaton.steps, now);
    this.decision = new Decision(this.evaluation);
    this.advance = new Advance(this.decision);
  }

  /** Whether these are matches of this pattern. */
  knows({ pattern }: KeyMatches): boolean {
    return pattern === this.automaton.signature;
  }

  /** The step whose condition was asked last: of which one throws. */
  get asked(): string {
    return this.evaluation.test?.step ?? '';
  }

  /** Shows a record to the key's matches, if any: those there are now, if any. Earlier deadlines have been seen to. */
  accept(matches: KeyMatches | undefined, record: unknown, time: number): KeyMatches | undefined {
    const { decision, evaluation } = this;
    decision.clear();
    evaluation.begin(record, time, matches);
    if (matches !== undefined) this.decideAll(matches.partial, time);
    evaluation.turnTo(NONE);
    decision.decideStart(this.automaton.start);
    evaluation.end();
    if (matches === undefined && decision.edges.length === 0) return undefined;
    const changed = matches ?? noMatches(this.automaton.signature);
    const complete = changed.complete.length;
    this.advance.run(changed, record, time);
    if (this.skips) joinHeap(changed.complete, complete);
    return changed;
  }

  /** When the next partial match times out; TIME_MAX: never. */
  deadline({ partial }: KeyMatches): number {
    if (partial.length === 0) return TIME_MAX;
    if (this.automaton.patient) return this.deadlineAt(partial, 0);
    let deadline = TIME_MAX;
    for (let at = 0; at < partial.length; at += MATCH.length) {
      deadline = Math.min(deadline, this.deadlineAt(partial, at));
    }
    return deadline;
  }

  /**
   * Sees to what times out at that deadline, the next one. Matches that waited for just that are complete. Others have
   * timed out, unless their records are those of a match that goes on waiting elsewhere, or is complete now.
   */
  expire(matches: KeyMatches, deadline: number): void {
    const { partial, complete } = matches;
    const known = complete.length;
    const kept: number[] = [];
    const over: number[] = [];
    for (let at = 0; at < partial.length; at += MATCH.length) {
      if (this.deadlineAt(partial, at) > deadline) addRow(kept, partial, at);
      else if (this.stateAt(partial, at).kind === 'pending') addRow(complete, partial, at);
      else over.push(partial[at + MATCH.node] as number);
    }
    this.timeOut(matches, over, new Set([...nodesOf(kept, 0), ...nodesOf(complete, known)]));
    matches.partial = kept;
    if (this.skips) joinHeap(complete, known);
  }

  /** Last node of the next match to put out, which the caller is to release; NONE: there is none for now. */
  nextMatch(matches: KeyMatches): number {
    return this.skips ? this.nextOfHeap(matches) : this.nextOfAll(matches);
  }

  /** Last node of the next match that has timed out, likewise. */
  nextTimedOut(): number {
    return this.timedOut.pop() ?? NONE;
  }

  private nextOfAll({ complete }: KeyMatches): number {
    const at = this.handedOut;
    if (at < complete.length) {
      this.handedOut += MATCH.length;
      return complete[at + MATCH.node] as number;
    }
    complete.length = 0;
    this.handedOut = 0;
    return NONE;
  }

  private nextOfHeap(matches: KeyMatches): number {
    const { complete, partial } = matches;
    if (complete.length === 0) return NONE;
    const first = complete[MATCH.first] as number;
    // A match that began earlier may yet rule this one out.
    if (partial.length > 0 && first > (partial[MATCH.first] as number)) return NONE;
    const node = complete[MATCH.node] as number;
    popHeap(complete);
    this.ruleOut(matches, first, node);
    return node;
  }

  private stateAt(rows: readonly number[], at: number): State {
    return this.automaton.states[rows[at + MATCH.state] as number] as State;
  }

  private deadlineAt(partial: readonly number[], at: number): number {
    const whole = (partial[at + MATCH.firstTime] as number) + this.automaton.withinMs;
    if (this.automaton.patient) return whole;
    return Math.min(whole, (partial[at + MATCH.lastTime] as number) + this.stateAt(partial, at).patienceMs);
  }

  /** Each once: a match may wait in several states with the same records. */
  private timeOut(matches: KeyMatches, nodes: readonly number[], known: Set<number>): void {
    for (const node of nodes) {
      if (known.has(node)) release(matches, node);
      else this.timedOut.push(node);
      known.add(node);
    }
    this.timedOut.reverse();
  }

  private decideAll(partial: readonly number[], time: number): void {
    for (let at = 0; at < partial.length; at += MATCH.length) {
      this.evaluation.turnTo(partial[at + MATCH.node] as number);
      this.decision.decide(this.stateAt(partial, at), time - (partial[at + MATCH.lastTime] as number));
    }
  }

  // After a match

  private ruleOut(matches: KeyMatches, first: number, node: number): void {
    const { afterMatch } = this;
    if (afterMatch.skip === 'none') return;
    if (afterMatch.skip === 'to-next') return this.prune(matches, first + 1);
    if (afterMatch.skip === 'past-last-event') return this.prune(matches, numberOf(matches, node) + 1);
    const found = this.find(matches, node, afterMatch.step, afterMatch.skip === 'to-first');
    if (afterMatch.throwOnMiss && (found === NONE || found === first)) {
      release(matches, node);
      const what = found === NONE ? 'has no record of it' : 'begins with it';
      throw new MillraceError(
        'MILL_PATTERN_SKIP_MISSED',
        `a match was to skip to step ${afterMatch.step}, but ${what}`,
      );
    }
    if (found !== NONE) this.prune(matches, found);
  }

  /** Number of a match's first or last record of a step; NONE if it has none. */
  private find(matches: KeyMatches, node: number, name: string, first: boolean): number {
    let found = NONE;
    for (let at = node; at !== NONE && (first || found === NONE); at = before(matches, at)) {
      if (this.automaton.steps[stepOf(matches, at)]?.name === name) found = numberOf(matches, at);
    }
    return found;
  }

  /** Takes out what began before the record of that number. */
  private prune(matches: KeyMatches, number: number): void {
    dropEarlier(matches, number);
    pruneHeap(matches, number);
  }
}

function* nodesOf(rows: readonly number[], from: number): Generator<number> {
  for (let at = from; at < rows.length; at += MATCH.length) yield rows[at + MATCH.node] as number;
}
