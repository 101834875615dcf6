/**
 * Slots, many at times and none at others, in memory that stays: an array that grows to a hundred thousand slots and is
 * dropped again with each checkpoint is copied in one go as it grows, which takes milliseconds.
 */
export class SlotList {
  private slots = new Int32Array(1 << 10);
  private count = 0;

  get length(): number {
    return this.count;
  }

  push(slot: number): void {
    if (this.count === this.slots.length) this.grow();
    this.slots[this.count] = slot;
    this.count += 1;
  }

  /** Takes the last one out; there must be one. */
  pop(): number {
    this.count -= 1;
    return this.slots[this.count] as number;
  }

  private grow(): void {
    const longer = new Int32Array(this.slots.length * 2);
    longer.set(this.slots);
    this.slots = longer;
  }
}
