/**
 * Doorbells: how a sleeping worker is woken. A worker announces its sleep (`arm`), looks once more whether there is
 * anything to do, and only then sleeps; whoever has something for it rings. So no ring is lost between the look and
 * the sleep.
 *
 * Invariants: at most one wait is outstanding per worker (`Atomics.waitAsync` can't be cancelled and leaks if
 * re-armed); ringing an awake worker costs one atomic exchange and no system call.
 */
import type { Doorbell } from '../exchange/channel.js';

export interface Bed extends Doorbell {
  /** Announces sleep: from here on a ring ends it. */
  arm(): void;
  /** Takes the announcement back. */
  disarm(): void;
  /** Resolves at the first ring since `arm`. */
  sleep(): Promise<void>;
}

const AWAKE = 0;
const ASLEEP = 1;

/** A word in shared memory: any thread may ring. */
export class SharedDoorbell implements Bed {
  readonly #words: Int32Array;
  readonly #index: number;

  constructor(words: Int32Array, index: number) {
    this.#words = words;
    this.#index = index;
  }

  ring(): void {
    const before = Atomics.exchange(this.#words, this.#index, AWAKE);
    if (before === ASLEEP) Atomics.notify(this.#words, this.#index);
  }

  arm(): void {
    Atomics.store(this.#words, this.#index, ASLEEP);
  }

  disarm(): void {
    Atomics.store(this.#words, this.#index, AWAKE);
  }

  async sleep(): Promise<void> {
    const wait = Atomics.waitAsync(this.#words, this.#index, ASLEEP);
    if (wait.async) await wait.value;
  }
}

/** Within one thread: a flag and a promise. */
export class LocalDoorbell implements Bed {
  #asleep = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#asleep = false;
    this.#wake?.();
    this.#wake = undefined;
  }

  arm(): void {
    this.#asleep = true;
  }

  disarm(): void {
    this.#asleep = false;
  }

  sleep(): Promise<void> {
    if (!this.#asleep) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
