/**
 * Puts out, by themselves, rows of outer sides that have had no match once none can come: those with
 * time + reach < watermark.
 *
 * Invariant, once open: for every row that is UNMATCHED and has not come out, its key has a timer at the first whole
 * millisecond above time + reach.
 */
import { asMillraceError } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import { TIME_MAX } from '../../core/time.js';
import type { TimerTable } from '../../state/backend.js';
import type { OperatorContext } from '../operator.js';
import type { Combine } from './join-type.js';
import { RangeProbe } from './range-probe.js';
import { CELLS, MARK, RECORD, TIME, type TimedRows } from './timed-rows.js';

/** Marks of rows. */
export const UNMATCHED = 0;
/** It has had a match, or need not have any. */
export const MATCHED = 1;

export interface OuterSide {
  readonly isLeft: boolean;
  readonly rows: TimedRows;
  /** How much later than a row its last match may be; whole milliseconds. */
  readonly reach: number;
}

export class UnmatchedRows {
  private readonly context: OperatorContext;
  private readonly combine: Combine;
  private readonly timers: TimerTable;
  private readonly sides: readonly (OuterSide & { readonly probe: RangeProbe })[];
  /** The timer that has fired, and the side whose rows are being looked at; past the last: none is under way. */
  private slot = -1;
  private firedAt = 0;
  private current: number;

  constructor(context: OperatorContext, combine: Combine, sides: readonly OuterSide[]) {
    this.context = context;
    this.combine = combine;
    this.timers = context.state.timers('event');
    this.sides = sides.map((side) => ({ ...side, probe: new RangeProbe(side.rows) }));
    this.current = sides.length;
  }

  /** How far behind the watermark rows come out. */
  get delay(): number {
    return Math.max(0, ...this.sides.map(({ reach }) => reach + 1));
  }

  /** Whether there are timers left that are due, of keys that are not at hand: the engine fetches them, and calls again. */
  hidesTimers(watermark: number): boolean {
    const next = this.context.state.nextTimer('event');
    return next <= watermark && next < TIME_MAX;
  }

  /** Sets timers anew: bounds may have been others when the rows came. */
  open(watermark: number): void {
    for (const { rows, reach } of this.sides) {
      for (const bucket of rows.buckets) {
        for (const { slot, time, mark } of rows.rows(bucket)) {
          if (mark === UNMATCHED && time + reach >= watermark) this.await(slot, time, reach);
        }
      }
    }
  }

  /** A row has been kept that has had no match so far. */
  await(slot: number, time: number, reach: number): void {
    this.timers.add(slot, Math.floor(time) + reach + 1);
  }

  /** Only with room in the output. */
  put(isLeft: boolean, record: unknown, time: number): void {
    const { combine } = this;
    this.context.output.push(isLeft ? combine(record, undefined) : combine(undefined, record), time);
  }

  /** Puts out what is due at `watermark`; false: call again. */
  fire(watermark: number): boolean {
    let room: number = LIMITS.timersPerStep;
    while (room > 0 && !this.context.output.full) {
      if (this.current === this.sides.length && !this.takeTimer(watermark)) return true;
      room = this.putDue(room);
    }
    return false;
  }

  private takeTimer(watermark: number): boolean {
    this.firedAt = this.timers.earliest;
    this.slot = this.timers.take(watermark);
    if (this.slot < 0) return false;
    this.turnTo(0);
    return true;
  }

  private turnTo(side: number): void {
    this.current = side;
    const turned = this.sides[side];
    if (turned === undefined) return;
    const time = this.firedAt - 1 - turned.reach;
    turned.probe.begin(this.slot, time, time + 1);
  }

  /** Looks at `room` rows at most; what is left of it. */
  private putDue(room: number): number {
    const { probe, isLeft, reach } = this.sides[this.current] as (typeof this.sides)[number];
    const end = this.firedAt - reach;
    for (let left = room; left > 0; left -= 1) {
      if (this.context.output.full) return left;
      if (probe.at === probe.end && !probe.next()) {
        this.turnTo(this.current + 1);
        return left - 1;
      }
      const { chunk, at } = probe;
      probe.at += CELLS;
      const time = chunk[at + TIME] as number;
      // The timer is for one millisecond.
      if (time < end && chunk[at + MARK] === UNMATCHED) this.putFired(isLeft, chunk[at + RECORD], time);
    }
    return 0;
  }

  /** An error is the node's to judge, and if it lets it pass, other rows come out. */
  private putFired(isLeft: boolean, record: unknown, time: number): void {
    try {
      this.put(isLeft, record, time);
    } catch (error) {
      const key = this.context.state.keyOf(this.slot);
      this.context.reject(asMillraceError(error, 'MILL_FUNCTION_FAILED', { key }), record, time);
    }
  }
}
