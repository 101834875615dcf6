/**
 * What every table of state has in common, whichever backend it belongs to: it holds rows of slots, keeps a journal of
 * those that change, if it is given one, and can give out and take back all of them.
 *
 * A table retains a slot in the key index while it holds something for it (a timer: while it stands in the heap), and
 * while its journal has yet to write that it no longer does.
 */
import type { RowWriter, StateRow } from '../backend.js';
import type { KeyIndex } from '../key-index.js';
import type { TableJournal } from './table-journal.js';

export interface StateTable {
  readonly kind: StateRow['kind'];
  /** Null: changes are not noted, at the price of one comparison each. */
  readonly journal: TableJournal | null;
  rows(): Iterable<TableRow>;
  /** Puts back a row that `rows` gave, in any order. It does not count as changed. */
  restore(slot: number, subkey: unknown, value: unknown): void;
  /** Of a table with a journal, as `KeyedState.seal`. O(1). */
  seal(writer: RowWriter): void;
  /** Writes about `rows` of the sealed rows; the effort spent. The journal is `draining` until none is left. */
  drain(rows: number): number;
}

/** A table whose rows may leave memory, a key's all at once, and come back by `restore`. */
export interface EvictableTable extends StateTable {
  /** Rows held. */
  readonly held: number;
  /** Whether none of the slot's rows waits to be sealed or written. */
  isClean(slot: number): boolean;
  /** Lets go of the rows of a clean slot, which does not count as a change; how many there were. */
  evict(slot: number): number;
}

export interface TableRow {
  readonly slot: number;
  readonly subkey?: unknown;
  readonly value: unknown;
}

/** What a table is made with. */
export interface TableContext {
  readonly index: KeyIndex;
  readonly journal: TableJournal | null;
}
