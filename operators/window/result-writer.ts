/**
 * Puts results of windows out. Results of a fold of elements are pulled one by one while the output has room; what is
 * left of them waits here until the operator is called again.
 *
 * Invariant: while `pending`, the operator starts nothing else and lets nothing be cut: it returns false from
 * `onWatermark`, or leaves the inbox's cursor on the record that fired. So a snapshot never finds one here.
 */
import { asMillraceError } from '../../core/errors.js';
import type { OperatorContext } from '../operator.js';
import type { Window } from './assigners.js';
import type { Firing, WindowContext, WindowFold } from './window-fold.js';

export class ResultWriter<T, Acc, Out> implements WindowContext {
  firing: Firing = 'on-time';
  private readonly context: OperatorContext;
  private readonly fold: WindowFold<T, Acc, Out>;
  private rest: Iterator<Out> | null = null;
  private restKey: unknown;
  private restTime = 0;

  constructor(context: OperatorContext, fold: WindowFold<T, Acc, Out>) {
    this.context = context;
    this.fold = fold;
  }

  get pending(): boolean {
    return this.rest !== null;
  }

  get watermark(): number {
    return this.context.watermark;
  }

  now(): number {
    return this.context.host.now();
  }

  /** Puts out one window of one key, stamped `time`. Only with room in the output, and nothing pending. */
  write(acc: Acc, key: unknown, window: Window, time: number): void {
    const { fold } = this;
    try {
      if (fold.kind === 'incremental') {
        this.context.output.push(fold.result(acc, key, window), time);
        return;
      }
      this.rest = fold.results(acc, key, window, this)[Symbol.iterator]();
    } catch (error) {
      throw asMillraceError(error, 'MILL_FUNCTION_FAILED', { key });
    }
    this.restKey = key;
    this.restTime = time;
    this.resume();
  }

  /** As `write`, on account of a late record. */
  writeLate(acc: Acc, key: unknown, window: Window): void {
    this.firing = 'late';
    this.write(acc, key, window, window.end - 1);
  }

  /** Pulls while there is room; true once nothing is pending. After an error nothing is. */
  resume(): boolean {
    if (this.rest === null) return true;
    try {
      return this.pull(this.rest);
    } catch (error) {
      this.rest = null;
      throw asMillraceError(error, 'MILL_FUNCTION_FAILED', { key: this.restKey });
    }
  }

  /** As `write`, on account of a watermark: an error is the node's to judge, and if it lets it pass, others go on. */
  fire(acc: Acc, key: unknown, window: Window): void {
    this.firing = 'on-time';
    try {
      this.write(acc, key, window, window.end - 1);
    } catch (error) {
      this.context.reject(error, undefined, window.end - 1);
    }
  }

  /** As `resume`, on account of a watermark. */
  resumeFiring(): boolean {
    try {
      return this.resume();
    } catch (error) {
      this.context.reject(error, undefined, this.restTime);
      return true;
    }
  }

  private pull(rest: Iterator<Out>): boolean {
    const { output } = this.context;
    while (!output.full) {
      const next = rest.next();
      if (next.done) {
        this.rest = null;
        return true;
      }
      output.push(next.value, this.restTime);
    }
    return false;
  }
}
