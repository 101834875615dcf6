/**
 * Slots whose rows of one pane stand in the checkpoints and are gone since: to be removed there at the next seal,
 * unless they come back before. Each is retained in the key index meanwhile; the caller retains and releases.
 *
 * A dropped pane leaves as many as it had rows, at once; they are kept as they come, and put into a set only when
 * one is looked for, because the time of a dropped pane hardly ever comes again.
 *
 * Invariant: either `list` or `set` holds them, each slot once.
 */
export class GoneSlots {
  private list: Int32Array | null = null;
  private set: Set<number> | null = null;

  get size(): number {
    return this.list !== null ? this.list.length : (this.set?.size ?? 0);
  }

  add(slot: number): void {
    this.asSet().add(slot);
  }

  addAll(slots: Int32Array): void {
    if (this.size > 0) for (const slot of slots) this.asSet().add(slot);
    else {
      this.list = slots;
      this.set = null;
    }
  }

  /** Takes the slot out; false if it was not in. */
  take(slot: number): boolean {
    return this.asSet().delete(slot);
  }

  slots(): Iterable<number> {
    return this.list ?? this.set ?? [];
  }

  private asSet(): Set<number> {
    this.set ??= new Set(this.list);
    this.list = null;
    return this.set;
  }
}
