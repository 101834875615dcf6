/**
 * A pane that notes which of its rows change, by a byte of flags a row.
 *
 * A row is marked when it first changes in an epoch. One that was there when the epoch began is STORED: if it goes, its
 * removal is noted in the table (`PaneChanges.gone`), and takes over its reference in the key index. One that was not
 * leaves nothing behind: a pane that is made and dropped between two seals costs the checkpoint nothing.
 *
 * Invariants: flags of a row are 0 or a mark, the mark of the open epoch with STORED if the row was there when that
 * began; an unmarked row was. A row with the sealed mark has neither been changed nor handed out since the seal. That
 * holds after the pane is dropped, so its sealed rows can be written then.
 */
import type { KeyIndex } from '../key-index.js';
import { DensePane } from './dense-pane.js';
import type { PaneChanges } from './pane-changes.js';
import { isMutable, STORED, type TableJournal } from './table-journal.js';

/** What looking at a row's flags costs, as a part of writing one. */
const LOOK = 1 / 64;

export class JournaledPane<T> extends DensePane<T> {
  private readonly journal: TableJournal;
  private readonly changes: PaneChanges;
  private flags: Uint8Array;
  /** Marked rows, in the epoch in which one was marked last. */
  private dirty = 0;
  private dirtyEpoch = -1;
  /** Rows before this one have been drained. */
  private drained = 0;

  constructor(time: number, index: KeyIndex, changes: PaneChanges, capacity: number) {
    super(time, index, capacity);
    this.changes = changes;
    this.journal = changes.journal;
    this.flags = new Uint8Array(Math.max(4, capacity));
  }

  override get(slot: number): T | undefined {
    if (this.journal.draining) this.touch(this.values.rowOf(slot));
    return this.values.get(slot);
  }

  override valueAt(index: number): T {
    if (this.journal.draining) this.touch(index);
    return this.values.valueAt(index);
  }

  override set(slot: number, value: T): void {
    const row = this.values.rowOf(slot);
    if (row < 0) {
      this.append(slot, value);
      return;
    }
    if (((this.flags[row] as number) & this.journal.open) === 0) this.mark(row);
    this.values.replace(slot, value);
  }

  override remove(slot: number): void {
    const row = this.values.rowOf(slot);
    if (row < 0) return;
    const last = this.values.size - 1;
    if (this.journal.draining) {
      this.writeSealed(row);
      // It is going to move to where draining has perhaps been.
      this.writeSealed(last);
    }
    this.takeOut(slot, row);
    this.flags[row] = this.flags[last] as number;
    this.values.remove(slot);
  }

  override restore(slot: number, value: T): void {
    const row = this.values.rowOf(slot);
    if (row < 0) {
      const gone = this.changes.takeGone(this.time, slot);
      this.place(slot, value, gone ? this.journal.open | STORED : 0);
      if (gone) this.note();
      return;
    }
    if (this.journal.draining) this.writeSealed(row);
    this.values.replace(slot, value);
  }

  override release(): void {
    const { values, index, journal, flags } = this;
    let gone: Int32Array | null = null;
    let goneCount = 0;
    let sealed = 0;
    for (let row = 0; row < values.size; row += 1) {
      const flag = flags[row] as number;
      const slot = values.slotAt(row);
      if (isBorn(flag, journal)) index.release(slot);
      else {
        gone ??= new Int32Array(values.size);
        gone[goneCount++] = slot;
      }
      sealed |= flag & journal.sealed;
    }
    journal.dirty += goneCount - this.dirtyNow;
    this.changes.dropped(this, gone === null ? null : gone.subarray(0, goneCount), sealed !== 0);
  }

  /** Writes about `rows` of the sealed rows; how many are left of them, none only if there may be more. */
  drain(rows: number): number {
    const { sealed } = this.journal;
    let left = rows;
    while (this.drained < this.values.size && left > 0) {
      if (((this.flags[this.drained] as number) & sealed) !== 0) {
        this.writeSealed(this.drained);
        left -= 1;
      } else left -= LOOK;
      this.drained += 1;
    }
    if (left > 0) this.drained = 0;
    return left;
  }

  protected override append(slot: number, value: T): void {
    const stored = this.changes.takeGone(this.time, slot);
    this.place(slot, value, stored ? this.journal.open | STORED : this.journal.open);
    if (!stored) this.journal.dirty += 1;
    this.note();
  }

  private get dirtyNow(): number {
    return this.dirtyEpoch === this.journal.epoch ? this.dirty : 0;
  }

  /** A row that takes over the reference of its removal, if it is STORED. */
  private place(slot: number, value: T, flags: number): void {
    const row = this.values.size;
    this.values.append(slot, value);
    if ((flags & STORED) === 0) this.index.retain(slot);
    if (row === this.flags.length) this.grow();
    this.flags[row] = flags;
  }

  private touch(row: number): void {
    if (row >= 0 && isMutable(this.values.valueAt(row))) this.writeSealed(row);
  }

  private mark(row: number): void {
    if (this.journal.draining) this.writeSealed(row);
    this.flags[row] = this.journal.open | STORED;
    this.journal.dirty += 1;
    this.note();
  }

  /** One of the rows is marked. */
  private note(): void {
    const { journal } = this;
    if (this.dirtyEpoch !== journal.epoch) {
      this.dirtyEpoch = journal.epoch;
      this.dirty = 0;
      this.changes.open.add(this);
    }
    this.dirty += 1;
  }

  /** Accounts for a row that is about to go. */
  private takeOut(slot: number, row: number): void {
    const { journal } = this;
    const flag = this.flags[row] as number;
    const marked = (flag & journal.open) !== 0;
    const born = isBorn(flag, journal);
    if (marked) this.dirty -= 1;
    if (born) this.index.release(slot);
    else this.changes.goneAt(this.time).add(slot);
    if (marked && born) journal.dirty -= 1;
    if (!marked) journal.dirty += 1;
  }

  private writeSealed(row: number): void {
    const { flags, values, journal } = this;
    if (((flags[row] as number) & journal.sealed) === 0) return;
    journal.put(values.slotAt(row), this.time, values.valueAt(row));
    flags[row] = 0;
  }

  private grow(): void {
    const flags = new Uint8Array(this.flags.length * 2);
    flags.set(this.flags);
    this.flags = flags;
  }
}

/** Whether the row came in the open epoch. */
function isBorn(flags: number, journal: TableJournal): boolean {
  return (flags & (journal.open | STORED)) === journal.open;
}
