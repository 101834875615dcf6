/**
 * A list per slot. A row is an element, named by its index, so that appending changes one row at any length.
 *
 * Invariants: a list held is not empty; it is this table's own array: `set` copies, and what `get` gives out is for
 * reading until the next change of that list.
 */
import type { ListTable } from '../backend.js';
import type { KeyIndex } from '../key-index.js';
import type { ChangeJournal, StateTable, TableContext, TableRow } from './state-table.js';

const NOTHING: readonly never[] = Object.freeze([]);

export class ArrayListTable<T> implements ListTable<T>, StateTable {
  readonly kind = 'list';
  private readonly index: KeyIndex;
  private readonly journal: ChangeJournal | null;
  private readonly lists: (T[] | undefined)[] = [];

  constructor(context: TableContext) {
    this.index = context.index;
    this.journal = context.journal;
  }

  get(slot: number): readonly T[] {
    return this.lists[slot] ?? NOTHING;
  }

  add(slot: number, element: T): void {
    const list = this.lists[slot] ?? this.open(slot);
    list.push(element);
    if (this.journal !== null) this.journal.changed(slot, list.length - 1);
  }

  set(slot: number, elements: readonly T[]): void {
    const before = this.get(slot).length;
    if (elements.length > 0) {
      if (before === 0) this.open(slot);
      this.lists[slot] = elements.slice();
    } else if (before > 0) this.close(slot);
    this.note(slot, Math.max(before, elements.length));
  }

  remove(slot: number): void {
    const before = this.get(slot).length;
    if (before === 0) return;
    this.close(slot);
    this.note(slot, before);
  }

  *rows(): Iterable<TableRow> {
    for (let slot = 0; slot < this.lists.length; slot += 1) {
      const list = this.get(slot);
      for (let at = 0; at < list.length; at += 1) yield { slot, subkey: at, value: list[at] };
    }
  }

  restore(slot: number, subkey: unknown, value: unknown): void {
    const list = this.lists[slot] ?? this.open(slot);
    list[subkey as number] = value as T;
  }

  private open(slot: number): T[] {
    while (this.lists.length < slot) this.lists.push(undefined);
    const list: T[] = [];
    this.lists[slot] = list;
    this.index.retain(slot);
    return list;
  }

  private close(slot: number): void {
    this.lists[slot] = undefined;
    this.index.release(slot);
  }

  private note(slot: number, elements: number): void {
    if (this.journal === null) return;
    for (let at = 0; at < elements; at += 1) this.journal.changed(slot, at);
  }
}
