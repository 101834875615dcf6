/**
 * Deals with kept rows when event time reaches their timers, in the order of these, some rows at a time. A timer of a key
 * is for the rows of a span of time in each of several tables, one table after the other.
 *
 * Invariant: after `fire` has returned false, a timer has been taken, and its rows before the probe's place have been
 * dealt with. Nothing else happens to the operator then: it still has the watermark at hand.
 */
import { LIMITS } from '../../core/limits.js';
import { TIME_MAX } from '../../core/time.js';
import type { TimerTable } from '../../state/backend.js';
import type { OperatorContext } from '../operator.js';
import { RangeProbe } from './range-probe.js';
import { CELLS, type Chunk, type TimedRows } from './timed-rows.js';

export interface DueTable {
  readonly rows: TimedRows;
  /** A timer at t is for rows with times from t + `from` to t + `to`. */
  readonly from: number;
  readonly to: number;
  /** Deals with the row at a place of a chunk. There is room in the output. Errors of user functions are its own. */
  take(slot: number, chunk: Chunk, at: number, firedAt: number): void;
}

export class DueRows {
  private readonly context: OperatorContext;
  private readonly timers: TimerTable;
  private readonly tables: readonly DueTable[];
  private readonly probes: readonly RangeProbe[];
  private slot = -1;
  private firedAt = 0;
  /** The table whose rows are being dealt with; past the last: no timer is under way. */
  private current: number;

  constructor(context: OperatorContext, tables: readonly DueTable[]) {
    this.context = context;
    this.timers = context.state.timers('event');
    this.tables = tables;
    this.probes = tables.map(({ rows }) => new RangeProbe(rows));
    this.current = tables.length;
  }

  await(slot: number, time: number): void {
    this.timers.add(slot, time);
  }

  /** Deals with what is due at `watermark`; false: call again. */
  fire(watermark: number): boolean {
    let room: number = LIMITS.timersPerStep;
    while (room > 0 && !this.context.output.full) {
      if (this.current === this.tables.length && !this.takeTimer(watermark)) return true;
      room = this.takeRows(room);
    }
    return false;
  }

  /** Whether timers are left that are due, of keys that are not at hand: the engine fetches them, and calls again. */
  hidesTimers(watermark: number): boolean {
    const next = this.context.state.nextTimer('event');
    return next <= watermark && next < TIME_MAX;
  }

  private takeTimer(watermark: number): boolean {
    this.firedAt = this.timers.earliest;
    this.slot = this.timers.take(watermark);
    if (this.slot < 0) return false;
    this.turnTo(0);
    return true;
  }

  private turnTo(table: number): void {
    this.current = table;
    const { firedAt } = this;
    const turned = this.tables[table];
    if (turned !== undefined) this.probes[table]?.begin(this.slot, firedAt + turned.from, firedAt + turned.to);
  }

  /** Deals with `room` rows at most; what is left of it. */
  private takeRows(room: number): number {
    const { slot, firedAt, current } = this;
    const table = this.tables[current] as DueTable;
    const probe = this.probes[current] as RangeProbe;
    for (let left = room; left > 0; left -= 1) {
      if (this.context.output.full) return left;
      if (probe.at === probe.end && !probe.next()) {
        this.turnTo(current + 1);
        return left - 1;
      }
      const { at } = probe;
      probe.at += CELLS;
      table.take(slot, probe.chunk, at, firedAt);
    }
    return 0;
  }
}
