/**
 * A sink that calls a function for each record: the door to whatever has no connector.
 *
 * Invariants: calls begin in the order of the records; at most `concurrency` of their promises are pending; a
 * checkpoint waits for all calls that began before it. After an error nothing is called any more.
 */
import type { Inbox } from '../../core/batch.js';
import { asMillraceError, MillraceError } from '../../core/errors.js';
import type { Sink, SinkContext, SinkWriter } from '../../operators/sink.js';

/** What a callback learns besides the record. */
export interface CallbackInfo {
  /** Event time of the record, epoch milliseconds; undefined when it has none. */
  readonly timestamp: number | undefined;
  readonly subtask: number;
}

/** Options of `callback`. */
export interface CallbackOptions {
  /** How many promises a subtask may have pending. Default 1: one record after the other. */
  readonly concurrency?: number;
}

/** A function for each record; the next record waits for the promise it returns, if any. */
export type Callback<T> = (record: T, info: CallbackInfo) => void | PromiseLike<void>;

/**
 * Calls `fn` for each record and awaits what it returns. At least once: after a restart, records since the last
 * checkpoint come again, so make `fn` idempotent.
 *
 * With a `concurrency` above 1 calls begin in order but may end in any. What `fn` throws or rejects with fails the job
 * with `MILL_FUNCTION_FAILED`. A promise costs about a microsecond a record; a function that returns none, a few
 * nanoseconds.
 *
 * @example
 * alerts.to('pager', callback(async (alert) => { await fetch(url, { method: 'POST', body: JSON.stringify(alert) }) }))
 */
export function callback<T>(fn: Callback<T>, options: CallbackOptions = {}): Sink<T> {
  const concurrency = options.concurrency ?? 1;
  if (!(concurrency >= 1))
    throw new MillraceError('MILL_OPTION_INVALID', `callback: concurrency is ${concurrency}, expected a number from 1`);
  return {
    kind: 'callback',
    description: fn.name === '' ? 'a function' : fn.name,
    writer: (context) => new CallbackWriter(fn as Callback<unknown>, concurrency, context),
  };
}

class CallbackWriter implements SinkWriter {
  private pending = 0;
  private failed: unknown;
  private closed = false;
  private whenIdle: (() => void)[] = [];

  constructor(
    private readonly fn: Callback<unknown>,
    private readonly concurrency: number,
    private readonly context: SinkContext,
  ) {}

  write(inbox: Inbox): void {
    const { batch } = inbox;
    try {
      while (inbox.cursor < batch.count && this.pending < this.concurrency && this.failed === undefined) {
        const at = inbox.cursor;
        const timestamp = batch.hasTimestamp(at) ? batch.timestamps[at] : undefined;
        const result = this.fn(batch.records[at], { timestamp, subtask: this.context.subtask });
        inbox.cursor = at + 1;
        if (isPromise(result)) this.follow(result);
      }
    } catch (thrown) {
      throw this.error(thrown);
    }
  }

  private follow(result: PromiseLike<void>): void {
    this.pending += 1;
    result.then(
      () => this.settle(),
      (thrown) => this.settle(this.error(thrown)),
    );
  }

  private settle(error?: MillraceError): void {
    this.pending -= 1;
    if (error !== undefined && this.failed === undefined) {
      this.failed = error;
      if (!this.closed) this.context.fail(error);
    }
    if (this.pending === 0) for (const idle of this.whenIdle.splice(0)) idle();
    if (!this.closed) this.context.wake();
  }

  private error(thrown: unknown): MillraceError {
    return asMillraceError(thrown, 'MILL_FUNCTION_FAILED', {
      operator: this.context.uid,
      subtask: this.context.subtask,
    });
  }

  async prepare(): Promise<readonly unknown[]> {
    if (this.pending > 0) await new Promise<void>((resolve) => this.whenIdle.push(resolve));
    if (this.failed !== undefined) throw this.failed;
    return [];
  }

  close(): void {
    this.closed = true;
  }
}

function isPromise(value: unknown): value is PromiseLike<void> {
  return typeof (value as PromiseLike<void> | undefined | null)?.then === 'function';
}
