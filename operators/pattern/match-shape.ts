/**
 * Makes of a match's nodes what users see: its records by the names of the steps, in the order of the steps.
 */
import type { Automaton } from './automaton.js';
import { before, type KeyMatches, NONE, recordOf, stepOf } from './key-matches.js';

export type Records = Readonly<Record<string, unknown>>;

export class MatchShape {
  private readonly steps: Automaton['steps'];
  /** Of each step: a record, or an array of them, the last first. */
  private readonly found: unknown[];

  constructor(steps: Automaton['steps']) {
    this.steps = steps;
    this.found = steps.map(() => undefined);
  }

  /** Steps that may have several records have an array, perhaps an empty one; one that was skipped has nothing. */
  whole(matches: KeyMatches, node: number): Records {
    return this.make(matches, node, true);
  }

  /** The names so far. */
  partial(matches: KeyMatches, node: number): Records {
    return this.make(matches, node, false);
  }

  private make(matches: KeyMatches, node: number, whole: boolean): Records {
    const { steps, found } = this;
    for (let at = node; at !== NONE; at = before(matches, at)) this.put(stepOf(matches, at), recordOf(matches, at));
    const records: Record<string, unknown> = {};
    for (let step = 0; step < steps.length; step += 1) {
      const { name, many } = steps[step] as Automaton['steps'][number];
      if (many && found[step] !== undefined) records[name] = (found[step] as unknown[]).reverse();
      else if (many && whole) records[name] = [];
      else if (found[step] !== undefined) records[name] = found[step];
      found[step] = undefined;
    }
    return records;
  }

  private put(step: number, record: unknown): void {
    const { found } = this;
    if (this.steps[step]?.many !== true) found[step] = record;
    else if (found[step] === undefined) found[step] = [record];
    else (found[step] as unknown[]).push(record);
  }
}
