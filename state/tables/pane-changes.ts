/**
 * Which panes of a table have rows that have changed, and which rows have gone from panes: in the open epoch and in the
 * sealed one.
 *
 * Invariants: a pane is in `open` if one of its rows has the open mark, in `sealed` if one has the sealed mark, unless
 * it was dropped and has none. Slots in `gone` and `sealedGone` are retained in the index; no row of them is there.
 */
import type { RowWriter } from '../backend.js';
import type { KeyIndex } from '../key-index.js';
import { GoneSlots } from './gone-slots.js';
import type { TableJournal } from './table-journal.js';

/** A pane as draining sees it. */
export interface DrainablePane {
  /** Writes about `rows` of its sealed rows; how many are left of them, none only if there may be more. */
  drain(rows: number): number;
}

export class PaneChanges {
  readonly journal: TableJournal;
  open = new Set<DrainablePane>();
  private readonly index: KeyIndex;
  private sealed = new Set<DrainablePane>();
  /** By the pane's time, whether there is such a pane now or not. */
  private gone = new Map<number, GoneSlots>();
  private removals: Iterator<readonly [time: number, slot: number]> | null = null;

  constructor(journal: TableJournal, index: KeyIndex) {
    this.journal = journal;
    this.index = index;
  }

  goneAt(time: number): GoneSlots {
    let gone = this.gone.get(time);
    if (gone === undefined) {
      gone = new GoneSlots();
      this.gone.set(time, gone);
    }
    return gone;
  }

  /** A row comes: true if its removal had been noted, whose reference in the index is the caller's now. */
  takeGone(time: number, slot: number): boolean {
    return this.gone.size > 0 && this.gone.get(time)?.take(slot) === true;
  }

  /** A pane has been dropped, with these slots gone. */
  dropped(pane: DrainablePane & { readonly time: number }, gone: Int32Array | null, holdsSealed: boolean): void {
    this.open.delete(pane);
    if (!holdsSealed) this.sealed.delete(pane);
    if (gone !== null) this.goneAt(pane.time).addAll(gone);
  }

  seal(writer: RowWriter): void {
    this.journal.turn(writer);
    [this.open, this.sealed] = [this.sealed, this.open];
    this.removals = pairsOf(this.gone);
    this.gone = new Map();
  }

  drain(rows: number): number {
    let left = rows;
    for (const pane of this.sealed) {
      left = pane.drain(left);
      if (left <= 0) return rows;
      this.sealed.delete(pane);
    }
    left = this.drainRemovals(left);
    if (left > 0) this.journal.finish();
    return rows - left;
  }

  private drainRemovals(rows: number): number {
    const removals = this.removals as Iterator<readonly [number, number]>;
    let left = rows;
    for (; left > 0; left -= 1) {
      const { done, value } = removals.next();
      if (done) return left;
      const [time, slot] = value;
      this.journal.remove(slot, time);
      this.index.release(slot);
    }
    return left;
  }
}

function* pairsOf(gone: ReadonlyMap<number, GoneSlots>): Generator<readonly [number, number]> {
  for (const [time, slots] of gone) for (const slot of slots.slots()) yield [time, slot];
}
