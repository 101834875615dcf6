/**
 * What every table of state has in common, whichever backend it belongs to: it holds rows of slots, tells of each row
 * that changes, and can give out and take back all of them.
 *
 * A table retains a slot in the key index while it holds something for it (a timer: while it stands in the heap).
 */
import type { StateRow } from '../backend.js';
import type { KeyIndex } from '../key-index.js';

export interface StateTable {
  readonly kind: StateRow['kind'];
  rows(): Iterable<TableRow>;
  /** Puts back a row that `rows` gave, in any order. */
  restore(slot: number, subkey: unknown, value: unknown): void;
}

export interface TableRow {
  readonly slot: number;
  readonly subkey?: unknown;
  readonly value: unknown;
}

/**
 * Told of every row that is put, replaced or removed, after the fact; never of restored ones. A backend that writes
 * checkpoints notes the row as dirty here and reads it from the table when it seals.
 */
export interface ChangeJournal {
  changed(slot: number, subkey?: unknown): void;
}

/** What a table is made with. */
export interface TableContext {
  readonly index: KeyIndex;
  /** Null in backends that keep no journal: one comparison per change. */
  readonly journal: ChangeJournal | null;
}
