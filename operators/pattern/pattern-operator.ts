/**
 * Finds patterns in keyed streams, in event time: records wait until the watermark has passed them, and are then gone
 * through in order of time, and of arrival or a comparator where times are equal.
 *
 * Invariants: all that has to survive is in the state and in the watermark, which the engine restores before `open`.
 * Every time at which records of a key wait has a timer of that key.
 */
import type { Inbox } from '../../core/batch.js';
import { MillraceError } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import { TIME_MIN } from '../../core/time.js';
import type { MapTable, TimerTable } from '../../state/backend.js';
import type { Operator, OperatorContext } from '../operator.js';
import type { MatchTurn } from './match-turn.js';
import type { PatternSpec } from './pattern-spec.js';

/** The side output of records that came too late to be looked at. */
export const LATE = 'late';

/** What goes through a key's records when their time has come. */
type Turn = Pick<MatchTurn, 'pending' | 'begin' | 'work'>;

/** What a turn needs of the operator. */
export interface Waiting {
  readonly timers: TimerTable;
  /** Whether records of a key wait for that time. */
  readonly waits: (slot: number, time: number) => boolean;
}

export class PatternOperator implements Operator {
  private readonly context: OperatorContext;
  private readonly compare: PatternSpec['compare'];
  /** Records that wait, by time. */
  private readonly waiting: MapTable<number, unknown[]>;
  private readonly timers: TimerTable;
  private readonly turn: Turn;
  /** The watermark that has been dealt with. */
  private watermark = TIME_MIN;

  constructor(compare: PatternSpec['compare'], context: OperatorContext, turnOf: (waiting: Waiting) => Turn) {
    this.context = context;
    this.compare = compare;
    this.waiting = context.state.map('waiting');
    this.timers = context.state.timers('event');
    this.turn = turnOf({ timers: this.timers, waits: (slot, time) => this.waiting.has(slot, time) });
  }

  open(): void {
    this.watermark = this.context.watermark;
  }

  process(inbox: Inbox): void {
    const late = this.context.side(LATE);
    const { batch } = inbox;
    for (; !inbox.drained && !late.full; inbox.cursor += 1) {
      const timestamp = timestampOf(inbox);
      const record = batch.records[inbox.cursor];
      if (timestamp <= this.watermark) late.push(record, timestamp);
      else this.wait(batch.slots[inbox.cursor] as number, record, timestamp);
    }
  }

  onWatermark(watermark: number): boolean {
    const { context, timers, turn } = this;
    for (let left: number = LIMITS.timersPerStep; left > 0; left -= 1) {
      if (turn.pending && !turn.work()) return false;
      const time = timers.earliest;
      const slot = timers.take(watermark);
      if (slot < 0) {
        this.watermark = watermark;
        return true;
      }
      turn.begin(slot, time, this.takeWaiting(slot, time), time, time);
    }
    context.wake();
    return false;
  }

  private wait(slot: number, record: unknown, timestamp: number): void {
    const others = this.waiting.get(slot, timestamp);
    if (others === undefined) this.timers.add(slot, timestamp);
    else others.push(record);
    this.waiting.set(slot, timestamp, others ?? [record]);
  }

  private takeWaiting(slot: number, time: number): readonly unknown[] {
    const records = this.waiting.get(slot, time);
    if (records === undefined) return [];
    this.waiting.remove(slot, time);
    return this.compare !== undefined && records.length > 1 ? records.toSorted(this.compare as Compare) : records;
  }
}

type Compare = (a: unknown, b: unknown) => number;

/** -0 becomes 0, so that equal times are one. */
function timestampOf(inbox: Inbox): number {
  const timestamp = inbox.batch.timestamps[inbox.cursor] as number;
  if (timestamp !== TIME_MIN) return timestamp + 0;
  throw new MillraceError(
    'MILL_TIMESTAMP_MISSING',
    'a record without a timestamp has come to a pattern in event time',
    {
      hint: "Call eventTime on the stream before match, or match with time: 'processing'.",
    },
  );
}
