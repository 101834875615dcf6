/**
 * Panes by time. Callers keep the pane they are filling at hand; finding one here costs a hash lookup.
 *
 * Invariant: `sorted`, unless null, holds the times of `panes`, ascending.
 */
import { TIME_MIN } from '../../core/time.js';
import type { Pane, PaneTable, RowWriter } from '../backend.js';
import type { KeyIndex } from '../key-index.js';
import { DensePane } from './dense-pane.js';
import { JournaledPane } from './journaled-pane.js';
import { PaneChanges } from './pane-changes.js';
import type { StateTable, TableContext, TableRow } from './state-table.js';
import type { TableJournal } from './table-journal.js';

/** A small pane must not cost the memory of a large one. */
const EXPECTED_SIZE_MAX = 1_024;

export class DensePaneTable<T> implements PaneTable<T>, StateTable {
  readonly kind = 'pane';
  private readonly index: KeyIndex;
  readonly journal: TableJournal | null;
  private readonly changes: PaneChanges | null;
  private readonly panes = new Map<number, DensePane<T>>();
  private sorted: readonly number[] | null = [];
  /** The pane made last: the next one is expected to be as large. Its size, once it is gone. */
  private newest: DensePane<T> | null = null;
  private expectedSize = 0;

  constructor(context: TableContext) {
    this.index = context.index;
    this.journal = context.journal;
    this.changes = context.journal === null ? null : new PaneChanges(context.journal, context.index);
  }

  pane(time: number): DensePane<T> {
    return this.panes.get(time) ?? this.make(time);
  }

  find(time: number): Pane<T> | undefined {
    return this.panes.get(time);
  }

  times(): readonly number[] {
    this.sorted ??= [...this.panes.keys()].sort((a, b) => a - b);
    return this.sorted;
  }

  drop(time: number): void {
    const pane = this.panes.get(time);
    if (pane === undefined) return;
    this.panes.delete(time);
    if (pane === this.newest) {
      this.expectedSize = pane.size;
      this.newest = null;
    }
    // The oldest pane goes first as a rule, and the newest comes last.
    this.sorted = this.sorted?.[0] === time ? this.sorted.slice(1) : null;
    pane.release();
  }

  *rows(): Iterable<TableRow> {
    for (const pane of this.panes.values()) yield* pane.rows();
  }

  restore(slot: number, subkey: unknown, value: unknown): void {
    this.pane(subkey as number).restore(slot, value as T);
  }

  seal(writer: RowWriter): void {
    this.changes?.seal(writer);
  }

  drain(rows: number): number {
    return this.changes?.drain(rows) ?? 0;
  }

  private make(time: number): DensePane<T> {
    const expected = Math.min(this.newest?.size ?? this.expectedSize, EXPECTED_SIZE_MAX);
    const pane = this.newPane(time, expected);
    this.newest = pane;
    this.panes.set(time, pane);
    this.sorted = this.sorted !== null && time > (this.sorted.at(-1) ?? TIME_MIN) ? [...this.sorted, time] : null;
    return pane;
  }
  private newPane(time: number, expectedSize: number): DensePane<T> {
    return this.changes === null
      ? new DensePane<T>(time, this.index, expectedSize)
      : new JournaledPane<T>(time, this.index, this.changes, expectedSize);
  }
}
