/**
 * Values by slot: dense columns in order of insertion, and a small open-addressing table from slot to row. Going
 * through one touches its own slots and nothing else.
 *
 * Invariants: rows below `size` are in use; `cells` holds pairs (slot, row + 1), 0 as the second marking an empty
 * place, at most half of them in use; each row's slot stands in it once. Removing moves the last row into the gap.
 */
const PAIRS_BITS_MIN = 3;
/** 2^32 / golden ratio: consecutive slots land far apart. */
const SPREAD = 0x9e3779b1 | 0;

export class SlotMap<T> {
  size = 0;
  private slots: Int32Array;
  private readonly values: T[] = [];
  private cells: Int32Array;
  /** 32 less the table's bits: the hash's high bits choose the place. */
  private shift: number;
  /** Row that `get` found last: `set` mostly follows for the same slot. */
  private lastSlot = -1;
  private lastRow = -1;

  /** With room for `capacity` slots from the start: growing costs two arrays each time. */
  constructor(capacity = 0) {
    let bits = PAIRS_BITS_MIN;
    while (1 << bits < capacity * 2) bits += 1;
    this.slots = new Int32Array(1 << (bits - 1));
    this.cells = new Int32Array(2 << bits);
    this.shift = 32 - bits;
  }

  get(slot: number): T | undefined {
    const row = findRow(this.cells, this.shift, slot);
    if (row < 0) return undefined;
    this.lastSlot = slot;
    this.lastRow = row;
    return this.values[row];
  }

  /** Row of the slot, -1 if it has none. */
  rowOf(slot: number): number {
    if (slot === this.lastSlot) return this.lastRow;
    const row = findRow(this.cells, this.shift, slot);
    if (row >= 0) {
      this.lastSlot = slot;
      this.lastRow = row;
    }
    return row;
  }

  has(slot: number): boolean {
    return findRow(this.cells, this.shift, slot) >= 0;
  }

  set(slot: number, value: T): void {
    if (!this.replace(slot, value)) this.append(slot, value);
  }

  slotAt(index: number): number {
    return this.slots[index] as number;
  }

  valueAt(index: number): T {
    return this.values[index] as T;
  }

  /** False if there was none. */
  remove(slot: number): boolean {
    const row = findRow(this.cells, this.shift, slot);
    if (row < 0) return false;
    this.lastSlot = -1;
    removeCell(this.cells, this.shift, slot);
    this.fillGap(row);
    return true;
  }

  /** Sets the value of a slot that has one; false if it has none. */
  replace(slot: number, value: T): boolean {
    const row = slot === this.lastSlot ? this.lastRow : findRow(this.cells, this.shift, slot);
    if (row < 0) return false;
    this.values[row] = value;
    return true;
  }

  /** Sets the value of a slot that has none. */
  append(slot: number, value: T): void {
    const row = this.size;
    if (row === this.slots.length) this.grow();
    this.slots[row] = slot;
    this.values.push(value);
    putCell(this.cells, this.shift, slot, row);
    this.size = row + 1;
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
