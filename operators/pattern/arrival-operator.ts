/**
 * Finds patterns in keyed streams in processing time: a record is looked at when it arrives, and its time is then.
 *
 * Invariant: the record at the inbox's cursor is done with once its turn is, and a turn that a record has begun ends
 * before anything else begins.
 */
import type { Inbox } from '../../core/batch.js';
import { LIMITS } from '../../core/limits.js';
import { TIME_MIN } from '../../core/time.js';
import type { TimerTable } from '../../state/backend.js';
import type { Operator, OperatorContext } from '../operator.js';
import type { MatchTurn } from './match-turn.js';
import { matchTurn, type PatternSpec } from './pattern-spec.js';

export class ArrivalOperator implements Operator {
  private readonly context: OperatorContext;
  private readonly timers: TimerTable;
  private readonly turn: MatchTurn;

  constructor(spec: PatternSpec, context: OperatorContext) {
    this.context = context;
    this.timers = context.state.timers('processing');
    this.turn = matchTurn(spec, context, {
      timers: this.timers,
      isNeeded: () => false,
      // The record is at the cursor: the engine does with it what the node's policy says.
      onError: (error) => {
        throw error;
      },
    });
  }

  process(inbox: Inbox): void {
    const { context, turn } = this;
    const { records, slots, timestamps } = inbox.batch;
    while (!inbox.drained) {
      const at = inbox.cursor;
      if (!turn.pending) {
        const record = [records[at]];
        turn.begin(slots[at] as number, context.host.now(), record, timestamps[at] as number, TIME_MIN);
      }
      if (!turn.work()) return;
      inbox.cursor = at + 1;
    }
  }

  onProcessingTime(now: number): boolean {
    const { context, timers, turn } = this;
    for (let left: number = LIMITS.timersPerStep; left > 0; left -= 1) {
      if (turn.pending && !turn.work()) return false;
      const time = timers.earliest;
      const slot = timers.take(now);
      if (slot < 0) return true;
      turn.begin(slot, now, [], TIME_MIN, time);
    }
    context.wake();
    return false;
  }
}
