/**
 * Panes by time. Callers keep the pane they are filling at hand; finding one here costs a hash lookup.
 *
 * Invariant: `sorted`, unless null, holds the times of `panes`, ascending.
 */
import { TIME_MIN } from '../../core/time.js';
import type { Pane, PaneTable } from '../backend.js';
import type { KeyIndex } from '../key-index.js';
import { DensePane } from './dense-pane.js';
import type { ChangeJournal, StateTable, TableContext, TableRow } from './state-table.js';

/** A small pane must not cost the memory of a large one. */
const EXPECTED_SIZE_MAX = 1_024;

export class DensePaneTable<T> implements PaneTable<T>, StateTable {
  readonly kind = 'pane';
  private readonly index: KeyIndex;
  private readonly journal: ChangeJournal | null;
  private readonly panes = new Map<number, DensePane<T>>();
  private sorted: readonly number[] | null = [];
  /** The pane made last: the next one is expected to be as large. Its size, once it is gone. */
  private newest: DensePane<T> | null = null;
  private expectedSize = 0;

  constructor(context: TableContext) {
    this.index = context.index;
    this.journal = context.journal;
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
    for (const pane of this.panes.values()) {
      for (let row = 0; row < pane.size; row += 1)
        yield { slot: pane.slotAt(row), subkey: pane.time, value: pane.valueAt(row) };
    }
  }

  restore(slot: number, subkey: unknown, value: unknown): void {
    this.pane(subkey as number).restore(slot, value as T);
  }

  private make(time: number): DensePane<T> {
    const expected = Math.min(this.newest?.size ?? this.expectedSize, EXPECTED_SIZE_MAX);
    const pane = new DensePane<T>(time, this.index, this.journal, expected);
    this.newest = pane;
    this.panes.set(time, pane);
    this.sorted = this.sorted !== null && time > (this.sorted.at(-1) ?? TIME_MIN) ? [...this.sorted, time] : null;
    return pane;
  }
}
