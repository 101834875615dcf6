/**
 * Removes what has outlived its time to live, of one operator's keyed state in one subtask. One timer a key does for all
 * of its tables; what is over is not shown from that moment on, and removed when its timer fires or when it is met.
 *
 * Invariant: a key with a row that has a time to live has a timer no later than that row's end, or an eighth of its time
 * after it, unless event time went backwards when it was written.
 */
import { TIME_MAX } from '../core/time.js';
import type { KeyedState } from './backend.js';
import type { TtlTime } from './ttl.js';

export interface ExpiryClock {
  /** What the end of a time to live is compared with. */
  now(time: TtlTime): number;
  /** What is written at this moment is of this time. */
  writtenAt(time: TtlTime): number;
}

/** A table whose rows have an end. */
export interface Expiring {
  /** Removes what is over at `now`; the end of what ends next, TIME_MAX if nothing is left. */
  purge(slot: number, now: number): number;
}

export const EXPIRY_TIMERS = { event: 'event-expiry', processing: 'processing-expiry' } as const;

export class Expiry {
  readonly clock: ExpiryClock;
  private readonly keyed: KeyedState;
  private readonly tables: Readonly<Record<TtlTime, Expiring[]>> = { event: [], processing: [] };

  constructor(keyed: KeyedState, clock: ExpiryClock) {
    this.keyed = keyed;
    this.clock = clock;
  }

  add(time: TtlTime, table: Expiring): void {
    this.tables[time].push(table);
  }

  /** A key has got something that ends at `end`. */
  schedule(time: TtlTime, slot: number, end: number): void {
    if (Number.isFinite(end)) this.keyed.timers(EXPIRY_TIMERS[time]).add(slot, end);
  }

  fire(time: TtlTime, until: number): void {
    const timers = this.keyed.timers(EXPIRY_TIMERS[time]);
    while (timers.earliest <= until && timers.earliest < TIME_MAX) {
      const slot = timers.take(until);
      let next = TIME_MAX;
      for (const table of this.tables[time]) next = Math.min(next, table.purge(slot, until));
      this.schedule(time, slot, next);
    }
  }
}
