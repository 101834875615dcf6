/**
 * One value per slot.
 *
 * While all values are numbers they stand in a Float64Array, without boxes; the first other value moves all of them
 * to an ordinary array, for good. Measured on random updates of 100 K slots: fractions 3.0 times as fast as in an
 * ordinary array, where each is a new heap object; small integers 0.8 times.
 *
 * Invariants: undefined is absence; `numbers` or `values` is in use, not both; present[slot] = 1 exactly where the
 * slot has a value, and the index's reference with it.
 */
import type { ValueTable } from '../backend.js';
import type { KeyIndex } from '../key-index.js';
import type { ChangeJournal, StateTable, TableContext, TableRow } from './state-table.js';

export class ColumnValueTable<T> implements ValueTable<T>, StateTable {
  readonly kind = 'value';
  private readonly index: KeyIndex;
  private readonly journal: ChangeJournal | null;
  private numbers = new Float64Array(0);
  private present = new Uint8Array(0);
  private values: (T | undefined)[] | null = null;

  constructor(context: TableContext) {
    this.index = context.index;
    this.journal = context.journal;
  }

  get(slot: number): T | undefined {
    if (this.values !== null) return this.values[slot];
    return this.present[slot] === 1 ? (this.numbers[slot] as T) : undefined;
  }

  set(slot: number, value: T): void {
    if (this.present[slot] !== 1 && !this.enter(slot, value)) return;
    if (this.values === null && typeof value === 'number') this.numbers[slot] = value;
    else this.setOther(slot, value);
    if (this.journal !== null) this.journal.changed(slot);
  }

  remove(slot: number): void {
    if (this.present[slot] !== 1) return;
    this.present[slot] = 0;
    if (this.values !== null) this.values[slot] = undefined;
    this.index.release(slot);
    if (this.journal !== null) this.journal.changed(slot);
  }

  *rows(): Iterable<TableRow> {
    for (let slot = 0; slot < this.present.length; slot += 1) {
      if (this.present[slot] === 1) yield { slot, value: this.get(slot) };
    }
  }

  restore(slot: number, _subkey: unknown, value: unknown): void {
    if (!this.enter(slot, value as T)) return;
    if (this.values === null && typeof value === 'number') this.numbers[slot] = value;
    else this.boxed()[slot] = value as T;
  }

  /** Notes that the slot has a value from now on; false when `value` is absence itself. */
  private enter(slot: number, value: T): boolean {
    if (value === undefined) return false;
    if (slot >= this.present.length) this.grow(slot);
    this.present[slot] = 1;
    this.index.retain(slot);
    return true;
  }

  private setOther(slot: number, value: T): void {
    if (value === undefined) this.drop(slot);
    else this.boxed()[slot] = value;
  }

  private drop(slot: number): void {
    this.present[slot] = 0;
    if (this.values !== null) this.values[slot] = undefined;
    this.index.release(slot);
  }

  private boxed(): (T | undefined)[] {
    if (this.values !== null) return this.values;
    const values = Array.from(this.present, (present, slot) => (present === 1 ? (this.numbers[slot] as T) : undefined));
    this.numbers = new Float64Array(0);
    this.values = values;
    return values;
  }

  private grow(slot: number): void {
    const length = Math.max(64, slot + 1, this.present.length * 2);
    const present = new Uint8Array(length);
    present.set(this.present);
    this.present = present;
    if (this.values !== null) return;
    const numbers = new Float64Array(length);
    numbers.set(this.numbers);
    this.numbers = numbers;
  }
}
