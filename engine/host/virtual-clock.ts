/**
 * A clock that stands still until it is told to move, and fires timers in order of time, then of registration.
 */
interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

export class VirtualClock {
  #now: number;
  readonly #timers: Timer[] = [];

  constructor(startAt: number) {
    this.#now = startAt;
  }

  /** Epoch milliseconds. */
  get now(): number {
    return this.#now;
  }

  timer(delayMs: number, fire: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delayMs), fire };
    const after = this.#timers.findIndex((other) => other.at > timer.at);
    this.#timers.splice(after < 0 ? this.#timers.length : after, 0, timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }

  /** Moves on by `ms` and fires what has come due, each timer at its own time. */
  pass(ms: number): void {
    this.moveTo(this.#now + ms);
  }

  moveTo(time: number): void {
    while (this.#timers.length > 0 && (this.#timers[0] as Timer).at <= time) this.#fireNext();
    this.#now = Math.max(this.#now, time);
  }

  /** Jumps to the next timer and fires it; false when there is none. */
  advance(): boolean {
    if (this.#timers.length === 0) return false;
    this.#fireNext();
    return true;
  }

  #fireNext(): void {
    const timer = this.#timers.shift() as Timer;
    this.#now = Math.max(this.#now, timer.at);
    timer.fire();
  }
}
