/**
 * One pane: values of the slots that have one, in dense columns in order of insertion, and a small open-addressing
 * table from slot to row. Going through a pane touches its own keys and nothing else.
 *
 * Invariants: rows below `size` are in use; `cells` holds pairs (slot, row + 1), 0 as the second marking an empty
 * place, at most half of them in use; each row's slot stands in it once. Removing moves the last row into the gap.
 */
import type { Pane } from '../backend.js';
import type { KeyIndex } from '../key-index.js';
import type { ChangeJournal } from './state-table.js';

const PAIRS_MIN = 8;
/** 2^32 / golden ratio: consecutive slots land far apart. */
const SPREAD = 0x9e3779b1 | 0;

export class DensePane<T> implements Pane<T> {
  readonly time: number;
  size = 0;
  private readonly index: KeyIndex;
  private readonly journal: ChangeJournal | null;
  private slots = new Int32Array(PAIRS_MIN / 2);
  private readonly values: T[] = [];
  private cells = new Int32Array(PAIRS_MIN * 2);
  /** 32 less the table's bits: the hash's high bits choose the place. */
  private shift = 32 - Math.log2(PAIRS_MIN);
  /** Row that `get` found last: `set` mostly follows for the same slot. */
  private lastSlot = -1;
  private lastRow = -1;

  constructor(time: number, index: KeyIndex, journal: ChangeJournal | null) {
    this.time = time;
    this.index = index;
    this.journal = journal;
  }

  get(slot: number): T | undefined {
    const row = findRow(this.cells, this.shift, slot);
    if (row < 0) return undefined;
    this.lastSlot = slot;
    this.lastRow = row;
    return this.values[row];
  }

  set(slot: number, value: T): void {
    const row = slot === this.lastSlot ? this.lastRow : findRow(this.cells, this.shift, slot);
    if (row < 0) this.append(slot, value);
    else this.values[row] = value;
    if (this.journal !== null) this.journal.changed(slot, this.time);
  }

  remove(slot: number): void {
    const row = findRow(this.cells, this.shift, slot);
    if (row < 0) return;
    this.lastSlot = -1;
    removeCell(this.cells, this.shift, slot);
    this.fillGap(row);
    this.index.release(slot);
    if (this.journal !== null) this.journal.changed(slot, this.time);
  }

  slotAt(index: number): number {
    return this.slots[index] as number;
  }

  valueAt(index: number): T {
    return this.values[index] as T;
  }

  /** As `set`, of a slot without a value and without telling the journal. */
  append(slot: number, value: T): void {
    const row = this.size;
    if (row === this.slots.length) this.grow();
    this.slots[row] = slot;
    this.values.push(value);
    putCell(this.cells, this.shift, slot, row);
    this.size = row + 1;
    this.index.retain(slot);
  }

  /** Lets go of every row. The pane is not used after that. */
  release(): void {
    const { size, slots, index, journal, time } = this;
    this.size = 0;
    for (let row = 0; row < size; row += 1) {
      index.release(slots[row] as number);
      if (journal !== null) journal.changed(slots[row] as number, time);
    }
  }

  private fillGap(row: number): void {
    const last = this.size - 1;
    const value = this.values.pop() as T;
    this.size = last;
    if (row === last) return;
    const slot = this.slots[last] as number;
    this.slots[row] = slot;
    this.values[row] = value;
    removeCell(this.cells, this.shift, slot);
    putCell(this.cells, this.shift, slot, row);
  }

  private grow(): void {
    const slots = new Int32Array(this.slots.length * 2);
    slots.set(this.slots);
    const cells = new Int32Array(this.cells.length * 2);
    this.shift -= 1;
    for (let row = 0; row < this.size; row += 1) putCell(cells, this.shift, slots[row] as number, row);
    this.slots = slots;
    this.cells = cells;
  }
}

function findRow(cells: Int32Array, shift: number, slot: number): number {
  const wrap = cells.length - 1;
  let cell = (Math.imul(slot, SPREAD) >>> shift) << 1;
  for (;;) {
    const row = (cells[cell + 1] as number) - 1;
    if (row < 0 || cells[cell] === slot) return row;
    cell = (cell + 2) & wrap;
  }
}

function putCell(cells: Int32Array, shift: number, slot: number, row: number): void {
  const wrap = cells.length - 1;
  let cell = (Math.imul(slot, SPREAD) >>> shift) << 1;
  while (cells[cell + 1] !== 0) cell = (cell + 2) & wrap;
  cells[cell] = slot;
  cells[cell + 1] = row + 1;
}

/** Deletes without a tombstone: entries behind the gap that may stand further ahead move up into it. */
function removeCell(cells: Int32Array, shift: number, slot: number): void {
  const wrap = cells.length - 1;
  let gap = (Math.imul(slot, SPREAD) >>> shift) << 1;
  while (cells[gap] !== slot || cells[gap + 1] === 0) gap = (gap + 2) & wrap;
  for (let cell = (gap + 2) & wrap; cells[cell + 1] !== 0; cell = (cell + 2) & wrap) {
    const home = (Math.imul(cells[cell] as number, SPREAD) >>> shift) << 1;
    if (((cell - home) & wrap) < ((cell - gap) & wrap)) continue;
    cells[gap] = cells[cell] as number;
    cells[gap + 1] = cells[cell + 1] as number;
    gap = cell;
  }
  cells[gap + 1] = 0;
}
