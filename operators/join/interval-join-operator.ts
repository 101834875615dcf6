/**
 * Interval join: pairs of a key with left time + lower <= right time <= left time + upper, each put out when the second
 * of them comes, stamped with the later time (Flink's IntervalJoinOperator).
 *
 * A record is late if its time is below the watermark, and goes to side output `late.left` or `late.right`. A row is
 * kept until the watermark is above its time + reach (upper for left rows, -lower for right ones): then all that could
 * match it is late. At that moment a row of an outer side comes out by itself if it has had no match, stamped with its
 * own time (unmatched-rows.ts). So that this is not late further on, a join with outer sides holds back its watermark.
 *
 * Invariants: what has to survive is in the state, and in the watermark, which the engine restores before `open`. A
 * barrier finds no record or timer under way, so their cursors may be fields.
 */
import type { Batch, Inbox } from '../../core/batch.js';
import { MillraceError } from '../../core/errors.js';
import { TIME_MAX, TIME_MIN } from '../../core/time.js';
import type { Operator, OperatorContext, OperatorFactory } from '../operator.js';
import { type Combine, type JoinType, LATE_SIDES, padded } from './join-type.js';
import { RangeProbe } from './range-probe.js';
import { CELLS, MARK, RECORD, TIME, TimedRows } from './timed-rows.js';
import { MATCHED, UNMATCHED, UnmatchedRows } from './unmatched-rows.js';

export interface IntervalJoinSpec {
  readonly type: JoinType;
  /** Inclusive; whole milliseconds, lower <= upper. */
  readonly lowerMs: number;
  readonly upperMs: number;
  readonly combine: Combine;
}

/** What belongs to one input. */
interface Side {
  readonly isLeft: boolean;
  readonly rows: TimedRows;
  /** A record is matched with rows of the other input, from its time + `from` to its time + `to`. */
  readonly probe: RangeProbe;
  readonly from: number;
  readonly to: number;
  /** Whether its rows come out without a match, and whether the other's do. */
  readonly isOuter: boolean;
  readonly marksOther: boolean;
  readonly late: Batch;
}

/** Shorter buckets would only be more of them. */
const BUCKET_MS_MIN = 1_000;
/** Looking into more of them costs time, fewer keep rows longer than they are needed. */
const BUCKETS_PER_RANGE = 4;

export function intervalJoinFactory(spec: IntervalJoinSpec): OperatorFactory {
  return (context) => new IntervalJoinOperator(spec, context);
}

export class IntervalJoinOperator implements Operator {
  /** Only of joins with outer sides. */
  readonly ownWatermark?: () => number;
  private readonly context: OperatorContext;
  private readonly combine: Combine;
  private readonly sides: readonly [Side, Side];
  private readonly unmatched: UnmatchedRows;
  /** The watermark that has been dealt with. */
  private watermark = TIME_MIN;
  /** The record at the cursor has been matched in part; whether it has had a match. */
  private underway = false;
  private matched = false;

  constructor(spec: IntervalJoinSpec, context: OperatorContext) {
    this.context = context;
    this.combine = spec.combine;
    this.sides = sidesOf(spec, context);
    const outer = this.sides.filter(({ isOuter }) => isOuter).map((side) => ({ ...side, reach: side.to }));
    this.unmatched = new UnmatchedRows(context, spec.combine, outer);
    const { delay } = this.unmatched;
    if (delay > 0) this.ownWatermark = () => this.heldBack(delay);
  }

  open(): void {
    this.watermark = this.context.watermark;
    for (const { rows } of this.sides) rows.open();
    this.unmatched.open(this.watermark);
  }

  process(inbox: Inbox): void {
    const { batch, port } = inbox;
    const { output } = this.context;
    const side = this.sides[port] as Side;
    let at = inbox.cursor;
    try {
      for (; at < batch.count && !output.full && !side.late.full; at += 1) {
        if (!this.processOne(side, batch, at)) return;
      }
    } finally {
      inbox.cursor = at;
    }
  }

  onWatermark(watermark: number): boolean {
    const { due } = this.unmatched;
    if (!due.fire(watermark)) return this.goOn();
    if (due.hidesTimers(watermark)) return true;
    for (const { rows, to } of this.sides) if (!rows.dropUntil(watermark - to - 1)) return this.goOn();
    this.watermark = watermark;
    return true;
  }

  private goOn(): false {
    if (!this.context.output.full) this.context.wake();
    return false;
  }

  /** The final watermark is not held back; the engine passes it on. */
  private heldBack(delay: number): number {
    return this.watermark === TIME_MAX ? TIME_MIN : Math.floor(this.watermark) - delay;
  }

  /** False: there is no room for all of the record's matches. */
  private processOne(side: Side, batch: Batch, at: number): boolean {
    const time = batch.timestamps[at] as number;
    const record = batch.records[at];
    const slot = batch.slots[at] as number;
    if (!this.underway) {
      if (time < this.watermark || time === TIME_MIN) return this.sendLate(side, record, time);
      side.probe.begin(slot, time + side.from, time + side.to);
      this.matched = false;
    }
    // Nothing is under way if a user function throws: the engine may go on with the next record.
    this.underway = false;
    if (!this.match(side, record, time)) {
      this.underway = true;
      return false;
    }
    this.keep(side, slot, record, time);
    return true;
  }

  private sendLate({ late }: Side, record: unknown, time: number): true {
    if (time === TIME_MIN) {
      throw new MillraceError('MILL_TIMESTAMP_MISSING', 'a record without a timestamp has come to an interval join');
    }
    late.push(record, time);
    return true;
  }

  /** Puts out the pairs of a record while there is room; true once all are out. */
  private match({ isLeft, probe, marksOther }: Side, record: unknown, time: number): boolean {
    const { combine } = this;
    const { output } = this.context;
    for (;;) {
      const { chunk } = probe;
      for (; probe.at < probe.end; probe.at += CELLS) {
        if (output.full) return false;
        const other = chunk[probe.at + RECORD];
        const result = isLeft ? combine(record, other) : combine(other, record);
        output.push(result, Math.max(time, chunk[probe.at + TIME] as number));
        this.matched = true;
        if (marksOther && chunk[probe.at + MARK] === UNMATCHED) probe.mark(MATCHED);
      }
      if (!probe.next()) return true;
    }
  }

  /** Keeps a record for matches to come. If none can come and it has had none, it comes out at once. */
  private keep({ isLeft, rows, to, isOuter }: Side, slot: number, record: unknown, time: number): void {
    const { unmatched } = this;
    const awaits = isOuter && !this.matched;
    const keeps = time + to >= this.watermark;
    if (keeps) rows.add(slot, time, awaits ? UNMATCHED : MATCHED, record);
    if (keeps && awaits) unmatched.await(slot, time, to);
    // There is room: it has put out nothing so far.
    if (!keeps && awaits) unmatched.put(isLeft, record, time);
  }
}

function sidesOf({ type, lowerMs, upperMs }: IntervalJoinSpec, context: OperatorContext): [Side, Side] {
  const bucketMs = Math.max(BUCKET_MS_MIN, Math.ceil((upperMs - lowerMs + 1) / BUCKETS_PER_RANGE));
  const rows = ['left', 'right'].map((name) => new TimedRows(context.state, name, bucketMs)) as [TimedRows, TimedRows];
  const outer = padded(type);
  const side = (port: 0 | 1, from: number, to: number): Side => ({
    isLeft: port === 0,
    rows: rows[port],
    probe: new RangeProbe(rows[1 - port] as TimedRows),
    from,
    to,
    isOuter: outer[port],
    marksOther: outer[1 - port] as boolean,
    late: context.side(LATE_SIDES[port]),
  });
  return [side(0, lowerMs, upperMs), side(1, -upperMs, -lowerMs)];
}
