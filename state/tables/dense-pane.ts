/**
 * One pane: values of the slots that have one, which it retains in the key index until they or the pane go.
 */
import type { Pane } from '../backend.js';
import type { KeyIndex } from '../key-index.js';
import { SlotMap } from './slot-map.js';
import type { ChangeJournal } from './state-table.js';

export class DensePane<T> implements Pane<T> {
  readonly time: number;
  private readonly index: KeyIndex;
  private readonly journal: ChangeJournal | null;
  private readonly values: SlotMap<T>;

  constructor(time: number, index: KeyIndex, journal: ChangeJournal | null, capacity: number) {
    this.time = time;
    this.index = index;
    this.journal = journal;
    this.values = new SlotMap(capacity);
  }

  get size(): number {
    return this.values.size;
  }

  get(slot: number): T | undefined {
    return this.values.get(slot);
  }

  set(slot: number, value: T): void {
    if (!this.values.replace(slot, value)) this.restore(slot, value);
    if (this.journal !== null) this.journal.changed(slot, this.time);
  }

  remove(slot: number): void {
    if (!this.values.remove(slot)) return;
    this.index.release(slot);
    if (this.journal !== null) this.journal.changed(slot, this.time);
  }

  slotAt(index: number): number {
    return this.values.slotAt(index);
  }

  valueAt(index: number): T {
    return this.values.valueAt(index);
  }

  /** Puts the value of a slot that has none, without telling the journal. */
  restore(slot: number, value: T): void {
    this.values.append(slot, value);
    this.index.retain(slot);
  }

  /** Lets go of every slot. The pane is not used after that. */
  release(): void {
    const { values, index, journal, time } = this;
    for (let row = 0; row < values.size; row += 1) {
      index.release(values.slotAt(row));
      if (journal !== null) journal.changed(values.slotAt(row), time);
    }
  }
}
