/**
 * Timers as an operator of the `level` backend sees them: up to the first whose key is not at hand. All of them are in
 * memory; `LevelState.prepareTimers` fetches the rows of keys that come next.
 */
import { TIME_MAX } from '../../core/time.js';
import type { TimerTable } from '../backend.js';
import type { HeapTimerTable } from '../tables/timer-table.js';

/** What the timers ask about keys. */
export interface KeysAtHand {
  isAtHand(slot: number): boolean;
  /** The operator works on the slot's key from now on. */
  take(slot: number): void;
}

export class GuardedTimers implements TimerTable {
  private readonly timers: HeapTimerTable;
  private readonly keys: KeysAtHand;

  constructor(timers: HeapTimerTable, keys: KeysAtHand) {
    this.timers = timers;
    this.keys = keys;
  }

  get size(): number {
    return this.timers.size;
  }

  get earliest(): number {
    return this.hidden ? TIME_MAX : this.timers.earliest;
  }

  add(slot: number, time: number): void {
    this.timers.add(slot, time);
  }

  remove(slot: number, time: number): void {
    this.timers.remove(slot, time);
  }

  take(until: number): number {
    if (this.hidden) return -1;
    const slot = this.timers.take(until);
    if (slot >= 0) this.keys.take(slot);
    return slot;
  }

  private get hidden(): boolean {
    const { nextSlot } = this.timers;
    return nextSlot >= 0 && !this.keys.isAtHand(nextSlot);
  }
}
