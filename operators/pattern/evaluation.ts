/**
 * What conditions are asked about: a record, and the partial match that it may extend.
 *
 * A condition is called once a record and match, however many edges ask; and once a record if it did not look at the
 * records matched so far, for then it says the same of every match.
 */
import type { Automaton, Guard, State, Test } from './automaton.js';
import { before, type KeyMatches, NONE, recordOf, stepOf } from './key-matches.js';

/** What a condition gets as its third argument. */
export interface ConditionTime {
  /** The record's: event time, or when it arrived. */
  readonly timestamp: number;
  /** Processing time, epoch ms. */
  now(): number;
}

type Ask = (record: unknown, soFar: unknown, time: ConditionTime) => unknown;

export class Evaluation {
  /** The condition at hand, for whoever has to explain an error. */
  test: Test | undefined;
  private readonly steps: Automaton['steps'];
  private readonly time: { timestamp: number; now(): number };
  private readonly views = new Map<Test, unknown>();
  private record: unknown;
  private matches: KeyMatches | undefined;
  private node: number = NONE;
  /** Both rise, so that answers grow old without being erased. */
  private records = 0;
  private turns = 0;
  private looked = false;

  constructor(steps: Automaton['steps'], now: () => number) {
    this.steps = steps;
    this.time = { timestamp: 0, now };
  }

  begin(record: unknown, timestamp: number, matches: KeyMatches | undefined): void {
    this.record = record;
    this.time.timestamp = timestamp;
    this.matches = matches;
    this.records += 1;
  }

  /** The match that ends at that node; NONE: one that has no records yet. */
  turnTo(node: number): void {
    this.node = node;
    this.turns += 1;
  }

  /** Lets go of what was evaluated. */
  end(): void {
    this.record = undefined;
    this.matches = undefined;
  }

  holds(guard: Guard): boolean {
    for (const { test, wanted } of guard) if (this.answer(test) !== wanted) return false;
    return true;
  }

  isShut(state: State): boolean {
    for (const gate of state.gates) if (this.holds(gate)) return true;
    return false;
  }

  private answer(test: Test): boolean {
    if (test.record === this.records || test.turn === this.turns) return test.answer;
    this.test = test;
    this.looked = false;
    test.answer = Boolean((test.condition as Ask)(this.record, this.viewOf(test), this.time));
    if (this.looked) test.turn = this.turns;
    else test.record = this.records;
    return test.answer;
  }

  private viewOf(test: Test): unknown {
    const known = this.views.get(test) ?? this.makeView(test);
    this.views.set(test, known);
    return known;
  }

  /** The records so far by name, read when they are looked at. */
  private makeView({ sees }: Test): unknown {
    const view = {};
    for (const [step, { name }] of this.steps.entries()) {
      const get = sees[step] === 'many' ? () => this.all(step) : () => this.latest(step);
      Object.defineProperty(view, name, { get, enumerable: true });
    }
    return Object.freeze(view);
  }

  private all(step: number): unknown[] {
    this.looked = true;
    const { matches } = this;
    const found: unknown[] = [];
    if (!matches) return found;
    for (let at = this.node; at !== NONE; at = before(matches, at)) {
      if (stepOf(matches, at) === step) found.push(recordOf(matches, at));
    }
    return found.reverse();
  }

  private latest(step: number): unknown {
    this.looked = true;
    const { matches } = this;
    if (!matches) return undefined;
    let at = this.node;
    while (at !== NONE && stepOf(matches, at) !== step) at = before(matches, at);
    return at === NONE ? undefined : recordOf(matches, at);
  }
}
