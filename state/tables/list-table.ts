/**
 * A list per slot. A row is an element, named by its index, so that appending changes one row at any length.
 *
 * Invariants: a list held is not empty; it is this table's own array: `set` copies, and what `get` gives out is for
 * reading until the next change of that list.
 */
import type { ListTable, RowWriter } from '../backend.js';
import type { KeyIndex } from '../key-index.js';
import { ListChanges } from './list-changes.js';
import type { EvictableTable, TableContext, TableRow } from './state-table.js';
import type { TableJournal } from './table-journal.js';

const NOTHING: readonly never[] = Object.freeze([]);

export class ArrayListTable<T> implements ListTable<T>, EvictableTable {
  readonly kind = 'list';
  held = 0;
  readonly journal: TableJournal | null;
  private readonly index: KeyIndex;
  private readonly changes: ListChanges | null;
  private readonly lists: (T[] | undefined)[] = [];

  constructor(context: TableContext) {
    this.index = context.index;
    this.journal = context.journal;
    this.changes = context.journal === null ? null : new ListChanges(context.journal, context.index);
  }

  get(slot: number): readonly T[] {
    if (this.changes !== null) this.changes.touch(slot, this.listAt(slot));
    return this.listAt(slot);
  }

  add(slot: number, element: T): void {
    if (this.changes !== null) this.changes.append(slot, this.listAt(slot));
    const list = this.lists[slot] ?? this.open(slot);
    list.push(element);
    this.held += 1;
  }

  set(slot: number, elements: readonly T[]): void {
    const before = this.listAt(slot);
    if (this.changes !== null) this.changes.replace(slot, before, elements.length);
    this.held += elements.length - before.length;
    if (elements.length > 0) {
      if (before.length === 0) this.open(slot);
      this.lists[slot] = elements.slice();
    } else if (before.length > 0) this.close(slot);
  }

  remove(slot: number): void {
    const before = this.listAt(slot);
    if (before.length === 0) return;
    if (this.changes !== null) this.changes.replace(slot, before, 0);
    this.held -= before.length;
    this.close(slot);
  }

  *rows(): Iterable<TableRow> {
    for (let slot = 0; slot < this.lists.length; slot += 1) {
      const list = this.listAt(slot);
      for (let at = 0; at < list.length; at += 1) yield { slot, subkey: at, value: list[at] };
    }
  }

  restore(slot: number, subkey: unknown, value: unknown): void {
    if (this.changes !== null) this.changes.touch(slot, this.listAt(slot));
    const list = this.lists[slot] ?? this.open(slot);
    const before = list.length;
    list[subkey as number] = value as T;
    this.held += list.length - before;
  }

  seal(writer: RowWriter): void {
    this.changes?.seal(writer);
  }

  drain(rows: number): number {
    return this.changes?.drain(rows, this.lists) ?? 0;
  }

  isClean(slot: number): boolean {
    return this.changes?.isClean(slot) ?? true;
  }

  evict(slot: number): number {
    const { length } = this.listAt(slot);
    if (length === 0) return 0;
    this.held -= length;
    this.close(slot);
    return length;
  }

  private listAt(slot: number): readonly T[] {
    return this.lists[slot] ?? NOTHING;
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
}
