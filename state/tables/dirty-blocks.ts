/**
 * Which blocks of slots hold rows that have changed: in the open epoch, and in the sealed one. Rows of a block are
 * found by looking at its flags, in the order in which they lie in memory: a list of the rows themselves would lead
 * all over it, and would be as long as there are changes.
 *
 * Invariant: a block is in each of the two lists at most once, and in `noted` exactly if it is in `open`.
 */
const BLOCK_BITS = 8;

export const BLOCK_SLOTS = 1 << BLOCK_BITS;

export class DirtyBlocks {
  private open: number[] = [];
  private sealed: number[] = [];
  private noted = new Uint8Array(0);
  /** Kept for the next epoch: all zero but where blocks are sealed. */
  private spare = new Uint8Array(0);

  note(slot: number): void {
    const block = slot >> BLOCK_BITS;
    if (this.noted[block] === 1) return;
    if (block >= this.noted.length) this.grow(block);
    this.noted[block] = 1;
    this.open.push(block);
  }

  /** What was open is sealed. The sealed list must be empty. */
  turn(): void {
    [this.open, this.sealed] = [this.sealed, this.open];
    [this.noted, this.spare] = [this.spare, this.noted];
  }

  /** A sealed block that is not done with; -1: there is none. */
  next(): number {
    return this.sealed.length === 0 ? -1 : (this.sealed[this.sealed.length - 1] as number);
  }

  /** The block that `next` gave is done with. */
  leave(block: number): void {
    this.sealed.pop();
    this.spare[block] = 0;
  }

  private grow(block: number): void {
    const noted = new Uint8Array(Math.max(16, block + 1, this.noted.length * 2));
    noted.set(this.noted);
    this.noted = noted;
  }
}
