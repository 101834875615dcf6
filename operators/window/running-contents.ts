/**
 * The contents of a window that slides, kept up to date as it does: the cost of a slide does not grow with the number
 * of slices in a window.
 *
 * Two stacks (a queue with an aggregate; after Tangwongsan, Hirzel, Schneider 2015), over whole slices of keys. New
 * slices are merged into `back`. When the window leaves the oldest slice, and `front` has none, all slices of the
 * back are turned over: going from the newest to the oldest, each key's accumulator is merged with what is behind it,
 * and what it was before is noted with the slice. Leaving a slice then is putting back what was noted with it.
 *
 *     slices of the window    | f1 | f2 | f3 | b1 | b2 |
 *     front: f1+f2+f3 per key   back: b1+b2 per key       before[f1]: f2+f3, before[f2]: f3, before[f3]: nothing
 *
 * Each (key, slice) is merged twice and moved twice over its life; a row of the window costs one merge.
 *
 * All of this is derived from the state's panes, and is made anew after a restart. Invariants: slices of `front` and
 * `absorbed` are ascending, and all of `front` before all of `absorbed`; they are those of the panes with
 * `from` <= slice <= the last absorbed; every slot here stands in a pane of one of them, so it stays its key's.
 */
import type { Pane, PaneTable } from '../../state/backend.js';
import { SlotMap } from '../../state/tables/slot-map.js';
import { firstFrom, type WindowContents } from './window-contents.js';
import type { WindowFold } from './window-fold.js';

/** Rows merged in one call of `seek`. */
const ROWS_PER_STEP = 16_384;

interface FrontSlice<Acc> {
  readonly slice: number;
  /** What the slice's keys have without it; null: nothing. */
  readonly before: SlotMap<Acc | null>;
}

export class RunningContents<Acc> implements WindowContents<Acc> {
  private readonly table: PaneTable<Acc>;
  private readonly fold: WindowFold<never, Acc, unknown>;
  /** Start of the window at hand. */
  private from = Number.NEGATIVE_INFINITY;
  /** Oldest last. */
  private front: FrontSlice<Acc>[] = [];
  private frontAccs = new SlotMap<Acc>();
  private absorbed: number[] = [];
  /** Accumulators of our own, of the slices in `absorbed`. */
  private backAccs = new SlotMap<Acc>();
  /** Slices of the back that are yet to be turned over, while that is under way. */
  private turning: number[] = [];

  constructor(table: PaneTable<Acc>, fold: WindowFold<never, Acc, unknown>) {
    this.table = table;
    this.fold = fold;
  }

  get rows(): number {
    return this.frontAccs.size + this.backAccs.size;
  }

  seek(start: number, end: number): boolean {
    if (start > this.from) this.leaveBefore(start);
    const room = this.turnOver(ROWS_PER_STEP);
    return room > 0 && this.absorb(start, end, room);
  }

  slotAt(row: number): number {
    const { frontAccs, backAccs } = this;
    return row < frontAccs.size ? frontAccs.slotAt(row) : backAccs.slotAt(row - frontAccs.size);
  }

  accAt(row: number): Acc | undefined {
    const { frontAccs, backAccs, fold } = this;
    if (row >= frontAccs.size) {
      const at = row - frontAccs.size;
      return frontAccs.has(backAccs.slotAt(at)) ? undefined : backAccs.valueAt(at);
    }
    const acc = frontAccs.valueAt(row);
    const behind = backAccs.get(frontAccs.slotAt(row));
    return behind === undefined ? acc : fold.merge(fold.merge(fold.create(), acc), behind);
  }

  leaveBefore(start: number): void {
    this.from = start;
    if ((this.absorbed.at(-1) ?? start) < start) this.forget();
    while (this.front.length > 0 && (this.front.at(-1) as FrontSlice<Acc>).slice < start) this.popFront();
    if (this.front.length > 0) return;
    if ((this.absorbed[0] ?? start) < start) {
      this.turning = this.absorbed;
      this.absorbed = [];
      this.backAccs = new SlotMap();
    }
    // Slices that are left at once need not be turned over.
    this.turning = this.turning.filter((slice) => slice >= start);
  }

  touch(slot: number, slice: number): void {
    if (slice < this.from || slice > this.lastSlice()) return;
    // Between two watermarks either none or all of `turning` has been turned over: here none.
    if (this.turning.includes(slice)) return;
    if (this.absorbed.includes(slice)) this.recomputeBack(slot);
    else if (this.front.some((front) => front.slice === slice)) this.recomputeFront(slot);
    else this.forget();
  }

  private lastSlice(): number {
    return this.absorbed.at(-1) ?? this.front[0]?.slice ?? this.turning.at(-1) ?? Number.NEGATIVE_INFINITY;
  }

  /** Starts again from nothing: the next `seek` absorbs all slices of its window. */
  private forget(): void {
    this.front = [];
    this.frontAccs = new SlotMap();
    this.absorbed = [];
    this.backAccs = new SlotMap();
    this.turning = [];
  }

  private popFront(): void {
    const { before } = this.front.pop() as FrontSlice<Acc>;
    if (this.front.length === 0) this.frontAccs = new SlotMap();
    else putBack(this.frontAccs, before);
  }

  private turnOver(room: number): number {
    let left = room;
    while (this.turning.length > 0 && left > 0) {
      const slice = this.turning.pop() as number;
      const pane = this.table.find(slice);
      const before = new SlotMap<Acc | null>(pane?.size);
      if (pane !== undefined) stack(this.fold, this.frontAccs, pane, before);
      this.front.push({ slice, before });
      left -= before.size + 1;
    }
    return left;
  }

  private absorb(start: number, end: number, room: number): boolean {
    let left = room;
    const last = this.lastSlice();
    const times = this.table.times();
    for (let at = firstFrom(times, start); at < times.length; at += 1) {
      const slice = times[at] as number;
      if (slice >= end) break;
      if (slice <= last) continue;
      if (left <= 0) return false;
      const pane = this.table.find(slice) as Pane<Acc>;
      mergeInto(this.fold, this.backAccs, pane);
      this.absorbed.push(slice);
      left -= pane.size + 1;
    }
    return true;
  }

  private recomputeBack(slot: number): void {
    let acc = this.fold.create();
    for (const slice of this.absorbed) {
      const part = this.table.find(slice)?.get(slot);
      if (part !== undefined) acc = this.fold.merge(acc, part);
    }
    this.backAccs.set(slot, acc);
  }

  private recomputeFront(slot: number): void {
    const { fold } = this;
    let behind: Acc | undefined;
    for (const { slice, before } of this.front) {
      const part = this.table.find(slice)?.get(slot);
      if (part === undefined) continue;
      before.set(slot, behind === undefined ? null : behind);
      behind = behind === undefined ? part : fold.merge(fold.merge(fold.create(), part), behind);
    }
    if (behind !== undefined) this.frontAccs.set(slot, behind);
  }
}

/** Merges each accumulator of a slice into our own of its key. */
function mergeInto<Acc>(fold: WindowFold<never, Acc, unknown>, into: SlotMap<Acc>, pane: Pane<Acc>): void {
  for (let row = 0; row < pane.size; row += 1) {
    const slot = pane.slotAt(row);
    const known = into.get(slot);
    into.set(slot, fold.merge(known === undefined ? fold.create() : known, pane.valueAt(row)));
  }
}

/** Puts a slice before the slices in `accs`, noting what its keys had there. */
function stack<Acc>(
  fold: WindowFold<never, Acc, unknown>,
  accs: SlotMap<Acc>,
  pane: Pane<Acc>,
  before: SlotMap<Acc | null>,
): void {
  for (let row = 0; row < pane.size; row += 1) {
    const slot = pane.slotAt(row);
    const acc = pane.valueAt(row);
    const behind = accs.get(slot);
    before.append(slot, behind === undefined ? null : behind);
    accs.set(slot, behind === undefined ? acc : fold.merge(fold.merge(fold.create(), acc), behind));
  }
}

/** Undoes `stack`. */
function putBack<Acc>(accs: SlotMap<Acc>, before: SlotMap<Acc | null>): void {
  for (let row = 0; row < before.size; row += 1) {
    const value = before.valueAt(row);
    if (value === null) accs.remove(before.slotAt(row));
    else accs.set(before.slotAt(row), value);
  }
}
