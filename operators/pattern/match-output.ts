/**
 * Puts out what a matcher has found, one by one while there is room: a record may complete a great many matches.
 *
 * Invariant: what has been put out is released, so that a key's matches hold what is still to come and nothing else.
 */
import type { Batch } from '../../core/batch.js';
import type { OperatorContext } from '../operator.js';
import type { Automaton } from './automaton.js';
import { type KeyMatches, NONE, release } from './key-matches.js';
import { MatchShape } from './match-shape.js';
import type { Matcher } from './matcher.js';

/** The side output of partial matches that have timed out. */
export const TIMEOUTS = 'timeouts';

export class MatchOutput {
  private readonly context: OperatorContext;
  private readonly matcher: Matcher;
  private readonly shape: MatchShape;
  private readonly timeouts: Batch;
  /** What each output is labelled with besides its key. */
  private readonly label: object;

  constructor(context: OperatorContext, matcher: Matcher, steps: Automaton['steps'], label: object = {}) {
    this.context = context;
    this.matcher = matcher;
    this.shape = new MatchShape(steps);
    this.timeouts = context.side(TIMEOUTS);
    this.label = label;
  }

  /** All that there is for a key, with that timestamp; false: an output is full, and there may be more. */
  drain(matches: KeyMatches, key: unknown, timestamp: number, deadline: number): boolean {
    return this.drainTimeouts(matches, key, timestamp, deadline) && this.drainMatches(matches, key, timestamp);
  }

  private drainTimeouts(matches: KeyMatches, key: unknown, timestamp: number, timedOutAt: number): boolean {
    const { matcher, shape, timeouts, label } = this;
    while (!timeouts.full) {
      const node = matcher.nextTimedOut();
      if (node === NONE) return true;
      timeouts.push({ key, ...label, match: shape.partial(matches, node), timedOutAt }, timestamp);
      release(matches, node);
    }
    return false;
  }

  private drainMatches(matches: KeyMatches, key: unknown, timestamp: number): boolean {
    const { output } = this.context;
    while (!output.full) {
      const node = this.next(matches, timestamp);
      if (node === NONE) return true;
      output.push({ key, ...this.label, match: this.shape.whole(matches, node) }, timestamp);
      release(matches, node);
    }
    return false;
  }

  /** A match that can't skip where it should is given up, if the node's error policy lets it pass. */
  private next(matches: KeyMatches, timestamp: number): number {
    for (;;) {
      try {
        return this.matcher.nextMatch(matches);
      } catch (error) {
        this.context.reject(error, undefined, timestamp);
      }
    }
  }
}
