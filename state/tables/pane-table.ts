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

export class DensePaneTable<T> implements PaneTable<T>, StateTable {
  readonly kind = 'pane';
  private readonly index: KeyIndex;
  private readonly journal: ChangeJournal | null;
  private readonly panes = new Map<number, DensePane<T>>();
  private sorted: readonly number[] | null = [];

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
    const pane = new DensePane<T>(time, this.index, this.journal);
    this.panes.set(time, pane);
    this.sorted = this.sorted !== null && time > (this.sorted.at(-1) ?? TIME_MIN) ? [...this.sorted, time] : null;
    return pane;
  }
}
