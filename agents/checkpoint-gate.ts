/**
 * What may happen only once a completed checkpoint holds what it rests on. Whoever waits has a checkpoint asked for, a little
 * later, so that others who are about to wait share it.
 *
 * Without checkpoints nothing is ever taken back to one, and nothing waits.
 */
import type { OperatorContext } from '../operators/operator.js';

/** How long somebody who waits waits for others. */
const GATHER_MS = 10;

interface Waiter {
  /** The last checkpoint whose barrier had passed when it took something in. */
  readonly takenInAt: () => number;
  pass(): void;
}

export class CheckpointGate {
  readonly #context: OperatorContext;
  #waiting: Waiter[] = [];
  #cutAt = 0;
  #completed = 0;
  #cancelAsk: (() => void) | undefined;

  constructor(context: OperatorContext) {
    this.#context = context;
  }

  /** The last checkpoint whose barrier has passed since the start; 0: none. What is restored was before all of them. */
  get cutAt(): number {
    return this.#cutAt;
  }

  /** Resolves once a completed checkpoint began after that. */
  passed(takenInAt: () => number): Promise<void> {
    if (!this.#context.calls || this.holds(takenInAt())) return Promise.resolve();
    return new Promise((pass) => {
      this.#waiting.push({ takenInAt, pass });
      this.#ask();
    });
  }

  cut(checkpoint: number): void {
    this.#cutAt = checkpoint;
  }

  complete(checkpoint: number): void {
    this.#completed = checkpoint;
    const passing = this.#waiting.filter(({ takenInAt }) => this.holds(takenInAt()));
    this.#waiting = this.#waiting.filter((waiter) => !passing.includes(waiter));
    for (const { pass } of passing) pass();
    if (this.#waiting.length > 0) this.#ask();
  }

  aborted(): void {
    if (this.#waiting.length > 0) this.#ask();
  }

  close(): void {
    this.#cancelAsk?.();
  }

  /** Whether a completed checkpoint began after that. */
  holds(takenInAt: number): boolean {
    return takenInAt < this.#completed;
  }

  #ask(): void {
    this.#cancelAsk ??= this.#context.host.timer(GATHER_MS, () => {
      this.#cancelAsk = undefined;
      this.#context.askForCheckpoint();
    });
  }
}
