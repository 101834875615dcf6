/**
 * One pane: values of the slots that have one, which it retains in the key index until they or the pane go.
 */
import type { Pane } from '../backend.js';
import type { KeyIndex } from '../key-index.js';
import { SlotMap } from './slot-map.js';
import type { TableRow } from './state-table.js';

export class DensePane<T> implements Pane<T> {
  readonly time: number;
  protected readonly index: KeyIndex;
  protected readonly values: SlotMap<T>;

  constructor(time: number, index: KeyIndex, capacity: number) {
    this.time = time;
    this.index = index;
    this.values = new SlotMap(capacity);
  }

  get size(): number {
    return this.values.size;
  }

  get(slot: number): T | undefined {
    return this.values.get(slot);
  }

  set(slot: number, value: T): void {
    if (!this.values.replace(slot, value)) this.append(slot, value);
  }

  remove(slot: number): void {
    if (this.values.remove(slot)) this.index.release(slot);
  }

  slotAt(index: number): number {
    return this.values.slotAt(index);
  }

  valueAt(index: number): T {
    return this.values.valueAt(index);
  }

  /** Puts a value without its counting as a change. */
  restore(slot: number, value: T): void {
    this.set(slot, value);
  }

  *rows(): Iterable<TableRow> {
    const { values, time } = this;
    for (let row = 0; row < values.size; row += 1)
      yield { slot: values.slotAt(row), subkey: time, value: values.valueAt(row) };
  }

  /** Lets go of every slot. The pane is not used after that. */
  release(): void {
    const { values, index } = this;
    for (let row = 0; row < values.size; row += 1) index.release(values.slotAt(row));
  }

  protected append(slot: number, value: T): void {
    this.values.append(slot, value);
    this.index.retain(slot);
  }
}
