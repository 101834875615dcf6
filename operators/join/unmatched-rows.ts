/**
 * Puts out, by themselves, rows of outer sides that have had no match once none can come: those with
 * time + reach < watermark.
 *
 * Invariant, once open: for every row that is UNMATCHED and has not come out, its key has a timer at the first whole
 * millisecond above time + reach.
 */
import { asMillraceError } from '../../core/errors.js';
import type { OperatorContext } from '../operator.js';
import { DueRows, type DueTable } from './due-rows.js';
import type { Combine } from './join-type.js';
import { MARK, RECORD, TIME, type TimedRows } from './timed-rows.js';

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
  readonly due: DueRows;
  private readonly context: OperatorContext;
  private readonly combine: Combine;
  private readonly sides: readonly OuterSide[];

  constructor(context: OperatorContext, combine: Combine, sides: readonly OuterSide[]) {
    this.context = context;
    this.combine = combine;
    this.sides = sides;
    this.due = new DueRows(
      context,
      sides.map((side) => this.tableOf(side)),
    );
  }

  /** How far behind the watermark rows come out. */
  get delay(): number {
    return Math.max(0, ...this.sides.map(({ reach }) => reach + 1));
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
    this.due.await(slot, Math.floor(time) + reach + 1);
  }

  /** Only with room in the output. */
  put(isLeft: boolean, record: unknown, time: number): void {
    const { combine } = this;
    this.context.output.push(isLeft ? combine(record, undefined) : combine(undefined, record), time);
  }

  /** A timer is for the rows of one millisecond. */
  private tableOf({ isLeft, rows, reach }: OuterSide): DueTable {
    return {
      rows,
      from: -reach - 1,
      to: -reach,
      take: (slot, chunk, at, firedAt) => {
        const time = chunk[at + TIME] as number;
        if (time < firedAt - reach && chunk[at + MARK] === UNMATCHED)
          this.putDue(isLeft, slot, chunk[at + RECORD], time);
      },
    };
  }

  /** An error is the node's to judge, and if it lets it pass, other rows come out. */
  private putDue(isLeft: boolean, slot: number, record: unknown, time: number): void {
    try {
      this.put(isLeft, record, time);
    } catch (error) {
      const key = this.context.state.keyOf(slot);
      this.context.reject(asMillraceError(error, 'MILL_FUNCTION_FAILED', { key }), record, time);
    }
  }
}
