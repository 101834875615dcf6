/**
 * The bound on the bytes of keyed state that one worker holds in memory, over all its operators.
 *
 * Invariant: after `trim` the states hold no more than `limitBytes`, but for what they may not let go of: rows that are
 * not in the base yet, and those of the keys being worked on.
 */
export interface Evicting {
  /** Estimated bytes of what may leave memory, at some time. */
  readonly heldBytes: number;
  /** Lets about so many bytes go. */
  evict(bytes: number): void;
}

/** Times the limit. */
const HELD_MAX = 2;

export class StateCache {
  readonly limitBytes: number;
  private readonly states: Evicting[] = [];

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** The base lacks rows of completed checkpoints, which may not leave memory before. */
  behind = false;

  /**
   * No more records are to be worked on until the base has caught up: they would bring more rows than leave. That only
   * waits for the disk, never for another checkpoint, whose barrier might be behind those records.
   */
  get mustWait(): boolean {
    return this.behind && this.heldBytes > HELD_MAX * this.limitBytes;
  }

  add(state: Evicting): void {
    this.states.push(state);
  }

  get heldBytes(): number {
    let bytes = 0;
    for (const state of this.states) bytes += state.heldBytes;
    return bytes;
  }

  /** Each state gives its share. */
  trim(): void {
    const held = this.heldBytes;
    const excess = held - this.limitBytes;
    if (excess <= 0) return;
    for (const state of this.states) if (state.heldBytes > 0) state.evict((excess * state.heldBytes) / held);
  }
}
