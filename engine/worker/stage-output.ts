/**
 * One output of a stage: the batch the operator fills and everybody who reads it.
 *
 * Invariants: the batch is cleared once every consumer has drained it, never before; consumers are offered one
 * thing at a time.
 */
import { Batch } from '../../core/batch.js';
import type { Control } from '../../core/control.js';
import { TIME_MIN } from '../../core/time.js';
import type { Downstream } from './downstream.js';

export class StageOutput {
  readonly batch: Batch;
  recordsOut = 0;
  /** The last watermark passed on. */
  watermark = TIME_MIN;
  readonly #consumers: readonly Downstream[];
  #offered: 'batch' | 'control' | undefined;
  /** Goes out before the batch at hand. */
  #status: Control | undefined;

  constructor(consumers: readonly Downstream[], capacity: number) {
    this.batch = new Batch(capacity);
    this.#consumers = consumers;
  }

  /** Whether there is something that drain has not finished. */
  get pending(): boolean {
    return this.#offered !== undefined || this.#status !== undefined || this.batch.count > 0;
  }

  /** Goes out at once: everything before must be drained. */
  offerControl(control: Control): void {
    if (control.kind === 'watermark') this.watermark = control.time;
    for (const consumer of this.#consumers) consumer.offerControl(control);
    this.#offered = 'control';
  }

  /** Goes out before the records in the batch: that they exist is what makes a source active. */
  offerStatus(status: Control): void {
    this.#status = status;
  }

  drain(): boolean {
    while (this.#offered || this.#offerNext()) {
      let drained = true;
      for (const consumer of this.#consumers) drained = consumer.drain() && drained;
      if (!drained) return false;
      if (this.#offered === 'batch') this.batch.clear();
      this.#offered = undefined;
    }
    return true;
  }

  #offerNext(): boolean {
    if (this.#status) {
      this.offerControl(this.#status);
      this.#status = undefined;
      return true;
    }
    if (this.batch.count === 0) return false;
    this.recordsOut += this.batch.count;
    for (const consumer of this.#consumers) consumer.offer(this.batch);
    this.#offered = 'batch';
    return true;
  }
}

/** Drains each, also when one before it is stuck; true once all are empty. */
export function drainAll(outputs: readonly StageOutput[]): boolean {
  let drained = true;
  for (const output of outputs) drained = output.drain() && drained;
  return drained;
}
