/**
 * The bound on the bytes of keyed state that one worker holds in memory, over all its operators.
 *
 * Invariant: after `trim` the states hold no more than `limitBytes`, but for what they may not let go of: rows that are
 * not in the base yet, and those of the keys being worked on.
 */
export interface Evicting {
  /** Estimated bytes of what may leave memory, at some time. */
  readonly heldBytes: number;
  /** Rows that no checkpoint has been asked for. */
  readonly dirtyCount: number;
  /** Rows of a checkpoint that is under way, or not in the base yet. */
  readonly awaitsBase: boolean;
  /** Lets about so many bytes go. */
  evict(bytes: number): void;
}

/** What a worker wants done about rows that no checkpoint holds, and that can't leave memory. */
export interface Pressure {
  /** A checkpoint, ahead of its time. */
  readonly asks: boolean;
  /** Sources are to wait: there are far too many. */
  readonly holds: boolean;
}

/** Times the limit. */
const WANTS_ROOM_AT = 0.75;
/** Times the limit: when a checkpoint is asked for, and when sources wait for it. */
const ASKS_AT = 1.25;
const HOLDS_AT = 2;

export class StateCache {
  readonly limitBytes: number;
  private readonly states: Evicting[] = [];

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** Rows will soon have to leave memory, for which the base must hold them. */
  get wantsRoom(): boolean {
    return this.heldBytes > WANTS_ROOM_AT * this.limitBytes;
  }

  /** Nothing is wanted that would not help: rows of the keys being worked on may be too many by themselves. */
  get pressure(): Pressure {
    const held = this.heldBytes;
    if (held <= ASKS_AT * this.limitBytes) return { asks: false, holds: false };
    const awaitsBase = this.states.some((state) => state.awaitsBase);
    const dirty = this.states.some(({ dirtyCount }) => dirtyCount > 0);
    return { asks: dirty && !awaitsBase, holds: (dirty || awaitsBase) && held > HOLDS_AT * this.limitBytes };
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
