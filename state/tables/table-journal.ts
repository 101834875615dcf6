/**
 * The journal of one table: which mark says "changed in this epoch", and where the rows of the sealed epoch go.
 * Which rows have changed is the table's own to note, each in the way that suits it.
 *
 * Two marks take turns: what is marked as open becomes sealed by exchanging them, whatever its number. That is sound
 * because an epoch is drained, and its marks wiped, before the next one is sealed.
 *
 * Invariants, of every table: a checkpoint's rows, put onto those of the checkpoints before, give the table as it was
 * at the seal. So a row stands in the checkpoints before exactly if it was there at the last seal (or restored): one
 * that came after it and is gone again need not be written. A slot is retained while a row of it that stands there is
 * yet to be removed.
 */
import type { RowWriter, StateRow } from '../backend.js';
import type { KeyIndex } from '../key-index.js';

/** Bits of a row's flags, where a table keeps such; bit 0 is the table's own. */
export const MARK_A = 4;
export const MARK_B = 8;
/** Beside a mark: the row was there when the marked epoch began. */
export const STORED = 2;

export class TableJournal {
  /** Number of the open epoch. */
  epoch = 0;
  /** Rows changed in the open epoch, those included that came and went. */
  dirty = 0;
  open = MARK_A;
  sealed = MARK_B;
  /** While sealed rows may be left to be written. */
  draining = false;
  /** Told of the slot of every row that has been written. */
  written: ((slot: number) => void) | null = null;
  private readonly index: KeyIndex;
  private readonly table: string;
  private readonly kind: StateRow['kind'];
  private writer: RowWriter | null = null;

  constructor(index: KeyIndex, table: string, kind: StateRow['kind']) {
    this.index = index;
    this.table = table;
    this.kind = kind;
  }

  /** What was open is sealed. */
  turn(writer: RowWriter): void {
    const { open } = this;
    this.open = this.sealed;
    this.sealed = open;
    this.epoch += 1;
    this.dirty = 0;
    this.writer = writer;
    this.draining = true;
  }

  finish(): void {
    this.writer = null;
    this.draining = false;
  }

  put(slot: number, subkey: unknown, value: unknown): void {
    const { index } = this;
    (this.writer as RowWriter).put(this.table, this.kind, index.keyGroupAt(slot), index.keyAt(slot), subkey, value);
    if (this.written !== null) this.written(slot);
  }

  remove(slot: number, subkey: unknown): void {
    const { index } = this;
    (this.writer as RowWriter).remove(this.table, this.kind, index.keyGroupAt(slot), index.keyAt(slot), subkey);
    if (this.written !== null) this.written(slot);
  }
}

/** Whether a value may change after it was handed out. */
export function isMutable(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
