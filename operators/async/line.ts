/**
 * Records in flight that have not been called for, and which of them are next: one by one, several together, or one of each
 * key at a time.
 */
import type { Host } from '../../core/host.js';
import type { InFlight } from './flight.js';

export interface Line {
  /** Records that wait. */
  readonly size: number;
  add(flying: InFlight): void;
  /** The records to be called for together, which then wait no more; undefined: none can be now. */
  next(): readonly InFlight[] | undefined;
  /** The call for a record is over. */
  over(flying: InFlight): void;
  /** Nothing more will come for now: do not wait for it. */
  flush(): void;
}

export class SingleLine implements Line {
  readonly #waiting: InFlight[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  add(flying: InFlight): void {
    this.#waiting.push(flying);
  }

  next(): readonly InFlight[] | undefined {
    const flying = this.#waiting.shift();
    return flying && [flying];
  }

  over(): void {}

  flush(): void {}
}

export interface Batching {
  /** Records of a call, at most. */
  readonly size: number;
  /** How long the first of them waits for the others. */
  readonly delayMs: number;
}

export class BatchLine implements Line {
  readonly #batching: Batching;
  readonly #host: Host;
  readonly #wake: () => void;
  #waiting: InFlight[] = [];
  /** What waits is called for, be it few. */
  #isDue = false;
  #cancelTimer: (() => void) | undefined;

  constructor(batching: Batching, host: Host, wake: () => void) {
    this.#batching = batching;
    this.#host = host;
    this.#wake = wake;
  }

  get size(): number {
    return this.#waiting.length;
  }

  add(flying: InFlight): void {
    this.#waiting.push(flying);
    this.#cancelTimer ??= this.#host.timer(this.#batching.delayMs, () => {
      this.#isDue = true;
      this.#wake();
    });
  }

  next(): readonly InFlight[] | undefined {
    const { size } = this.#batching;
    if (this.#waiting.length === 0 || (this.#waiting.length < size && !this.#isDue)) return undefined;
    const together = this.#waiting.splice(0, size);
    if (this.#waiting.length === 0) this.#rest();
    return together;
  }

  over(): void {}

  flush(): void {
    if (this.#waiting.length > 0) this.#isDue = true;
  }

  #rest(): void {
    this.#isDue = false;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}

/** One call a key at a time, in the order of its records. */
export class KeyLine implements Line {
  /** By the slots of keys: those that wait, behind the one whose call is under way. */
  readonly #behind = new Map<number, InFlight[]>();
  readonly #free: InFlight[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(flying: InFlight): void {
    this.#size += 1;
    const behind = this.#behind.get(flying.slot);
    if (behind) {
      behind.push(flying);
      return;
    }
    this.#behind.set(flying.slot, []);
    this.#free.push(flying);
  }

  next(): readonly InFlight[] | undefined {
    const flying = this.#free.shift();
    if (!flying) return undefined;
    this.#size -= 1;
    return [flying];
  }

  over({ slot }: InFlight): void {
    const next = this.#behind.get(slot)?.shift();
    if (next) this.#free.push(next);
    else this.#behind.delete(slot);
  }

  flush(): void {}
}
