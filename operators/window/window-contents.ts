/**
 * The keys and accumulators of one window that is being fired, from the slices that it is made of.
 */
import type { Pane, PaneTable } from '../../state/backend.js';
import { SlotMap } from '../../state/tables/slot-map.js';
import type { WindowFold } from './window-fold.js';

/** Gives the rows of one window after another, in ascending order of their ends. */
export interface WindowContents<Acc> {
  /** Turns to the window [start, end); false: there is more to do, call again. */
  seek(start: number, end: number): boolean;
  readonly rows: number;
  slotAt(row: number): number;
  /** Undefined for a row to be left out. Not to be changed. */
  accAt(row: number): Acc | undefined;
  /** The window is done with; slices before `start` may be dropped after this. */
  leaveBefore(start: number): void;
  /** A record was added to a key in a slice of a window that has fired already. */
  touch(slot: number, slice: number): void;
}

/** What one key has in a window: merged from its slices, or the one accumulator there is. Not to be changed. */
export function accumulatorOf<Acc>(
  fold: WindowFold<never, Acc, unknown>,
  panes: readonly Pane<Acc>[],
  slot: number,
): Acc | undefined {
  let only: Acc | undefined;
  let merged: Acc | undefined;
  for (let at = 0; at < panes.length; at += 1) {
    const acc = (panes[at] as Pane<Acc>).get(slot);
    if (acc === undefined) continue;
    if (only === undefined) only = acc;
    else merged = fold.merge(merged === undefined ? fold.merge(fold.create(), only) : merged, acc);
  }
  return merged === undefined ? only : merged;
}

/** The panes of the slices in [start, end) that hold something, ascending. */
export function panesBetween<Acc>(table: PaneTable<Acc>, start: number, end: number): Pane<Acc>[] {
  const panes: Pane<Acc>[] = [];
  const times = table.times();
  for (let at = firstFrom(times, start); at < times.length && (times[at] as number) < end; at += 1) {
    const pane = table.find(times[at] as number);
    if (pane !== undefined && pane.size > 0) panes.push(pane);
  }
  return panes;
}

/** Index of the first of ascending `times` that is at or after `start`. */
export function firstFrom(times: readonly number[], start: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Looks each key up in all slices of the window, each time. Right where a window has few slices, or where the
 * accumulators are lists, which are as long put together as they are apart.
 */
export class GatheredContents<Acc> implements WindowContents<Acc> {
  private readonly table: PaneTable<Acc>;
  private readonly fold: WindowFold<never, Acc, unknown>;
  private panes: readonly Pane<Acc>[] = [];
  /** Slots of the window's keys; the only pane itself if there is one. */
  private slots: { readonly size: number; slotAt(row: number): number } = new SlotMap<true>();

  constructor(table: PaneTable<Acc>, fold: WindowFold<never, Acc, unknown>) {
    this.table = table;
    this.fold = fold;
  }

  get rows(): number {
    return this.slots.size;
  }

  seek(start: number, end: number): boolean {
    this.panes = panesBetween(this.table, start, end);
    this.slots = this.panes.length === 1 ? (this.panes[0] as Pane<Acc>) : unionOf(this.panes);
    return true;
  }

  slotAt(row: number): number {
    return this.slots.slotAt(row);
  }

  accAt(row: number): Acc | undefined {
    const [pane] = this.panes;
    if (this.panes.length === 1 && pane !== undefined) return pane.valueAt(row);
    return accumulatorOf(this.fold, this.panes, this.slots.slotAt(row));
  }

  leaveBefore(): void {
    this.panes = [];
    this.slots = new SlotMap<true>();
  }

  touch(): void {}
}

function unionOf(panes: readonly Pane<unknown>[]): SlotMap<true> {
  const slots = new SlotMap<true>();
  for (const pane of panes) {
    for (let row = 0; row < pane.size; row += 1) slots.set(pane.slotAt(row), true);
  }
  return slots;
}
