/**
 * A source over what the program has at hand: arrays, iterables, async iterables, functions that return them.
 *
 * Invariants: one split, read in order; a position is the number of records given out. Of an async iterable at most
 * one batch is taken before it is asked for, and never two items at a time.
 */
import type { Batch } from '../../core/batch.js';
import { asMillraceError, MillraceError } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import { TIME_MIN } from '../../core/time.js';
import type { Enumerator, PollStatus, ReaderContext, Source, Split, SplitReader } from '../../operators/source.js';

type AnyIterable<T> = Iterable<T> | AsyncIterable<T>;

/** What `fromIterable` reads. The function form is called again on every restart. */
export type IterableInput<T> = AnyIterable<T> | (() => AnyIterable<T>);

export interface IterableOptions {
  /** Whether it ends by itself. Default true. */
  readonly bounded?: boolean;
}

/**
 * Reads an array, an iterable, an async iterable, or what a function returns.
 *
 * Replayable when it yields the same items each time: after a restart the items given out before are skipped. Give a
 * generator as a function (`() => numbers()`), since the object of a generator can be read only once; resuming one
 * fails with `MILL_OPTION_INVALID`. An error of the iterable fails the job with `MILL_SOURCE_FAILED`.
 *
 * @example
 * j.from('words', fromIterable(['to', 'be', 'or', 'not', 'to', 'be']))
 * j.from('ticks', fromIterable(async function* () { for (let n = 0; n < 3; n += 1) yield { n } }))
 */
export function fromIterable<T>(items: IterableInput<T>, options: IterableOptions = {}): Source<T> {
  if (typeof items !== 'function' && !isIterable(items)) {
    throw new MillraceError(
      'MILL_OPTION_INVALID',
      'fromIterable: expected an iterable, or a function that returns one',
    );
  }
  return {
    kind: 'iterable',
    description: Array.isArray(items) ? `${items.length} items` : 'items',
    bounded: options.bounded ?? true,
    enumerator: () => new OneSplit(),
    reader: (_split, position, context) => openReader(items, (position as number | undefined) ?? 0, context),
  };
}

function isIterable(value: unknown): value is AnyIterable<unknown> {
  const iterable = value as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined;
  return typeof iterable?.[Symbol.iterator] === 'function' || typeof iterable?.[Symbol.asyncIterator] === 'function';
}

class OneSplit implements Enumerator {
  private discovered = false;

  async discover(): Promise<readonly Split[]> {
    if (this.discovered) return [];
    this.discovered = true;
    return [{ id: '0' }];
  }

  snapshot(): unknown {
    return this.discovered;
  }

  restore(state: unknown): void {
    this.discovered = state === true;
  }
}

function openReader<T>(items: IterableInput<T>, position: number, context: ReaderContext): SplitReader {
  try {
    if (typeof items === 'function') return chooseReader(items(), position, context);
    if (position > 0) checkReadable(items);
    return chooseReader(items, position, context);
  } catch (thrown) {
    context.fail(asMillraceError(thrown, 'MILL_SOURCE_FAILED'));
    return new FailedReader(position);
  }
}

/** An iterator is its own iterable: what it has yielded is gone. */
function checkReadable(items: AnyIterable<unknown>): void {
  if (typeof (items as Partial<Iterator<unknown>>).next !== 'function') return;
  throw new MillraceError('MILL_OPTION_INVALID', 'fromIterable: an iterator cannot be read again from its start', {
    hint: 'Pass a function that returns a new one, such as () => numbers().',
  });
}

function chooseReader<T>(items: AnyIterable<T>, position: number, context: ReaderContext): SplitReader {
  if (Array.isArray(items)) return new ArrayReader(items, position);
  if (!isIterable(items))
    throw new MillraceError('MILL_OPTION_INVALID', 'fromIterable: the function did not return an iterable');
  // A text is iterable, and no object.
  if (Symbol.iterator in Object(items)) {
    return new IterableReader((items as Iterable<T>)[Symbol.iterator](), position);
  }
  return new AsyncReader((items as AsyncIterable<T>)[Symbol.asyncIterator](), position, context);
}

/** Stands in for a reader that could not be opened. */
class FailedReader implements SplitReader {
  constructor(private readonly at: number) {}

  poll(): PollStatus {
    return 'wait';
  }

  position(): number {
    return this.at;
  }

  close(): void {}
}

class ArrayReader implements SplitReader {
  constructor(
    private readonly items: readonly unknown[],
    private next: number,
  ) {}

  poll(batch: Batch): PollStatus {
    const { items } = this;
    const end = Math.min(items.length, this.next + batch.capacity - batch.count);
    for (let at = this.next; at < end; at += 1) batch.push(items[at], TIME_MIN);
    this.next = Math.max(this.next, end);
    return this.next < items.length ? 'more' : 'end';
  }

  position(): number {
    return this.next;
  }

  close(): void {}
}

class IterableReader implements SplitReader {
  private given = 0;
  private ended = false;

  constructor(
    private readonly iterator: Iterator<unknown>,
    private readonly resumeAt: number,
  ) {}

  poll(batch: Batch): PollStatus {
    try {
      if (this.given < this.resumeAt) this.skip(batch.capacity);
      else this.take(batch);
    } catch (thrown) {
      throw asMillraceError(thrown, 'MILL_SOURCE_FAILED', { position: this.position() });
    }
    return this.ended ? 'end' : 'more';
  }

  /** A batch's worth at a time, so that the worker's other chains get their turn. */
  private skip(count: number): void {
    const end = Math.min(this.resumeAt, this.given + count);
    while (!this.ended && this.given < end) this.next();
  }

  private take(batch: Batch): void {
    while (!batch.full) {
      const step = this.next();
      if (step.done === true) return;
      batch.push(step.value, TIME_MIN);
    }
  }

  private next(): IteratorResult<unknown> {
    const step = this.iterator.next();
    if (step.done === true) this.ended = true;
    else this.given += 1;
    return step;
  }

  position(): number {
    return Math.max(this.given, this.resumeAt);
  }

  close(): void {
    if (!this.ended) this.iterator.return?.();
  }
}

/** Pumps an async iterator into a bounded queue. */
class AsyncReader implements SplitReader {
  private readonly queue: unknown[] = [];
  private head = 0;
  private ended = false;
  private closed = false;
  private resumePump: (() => void) | undefined;

  constructor(
    private readonly iterator: AsyncIterator<unknown>,
    private given: number,
    private readonly context: ReaderContext,
  ) {
    void this.pump();
  }

  poll(batch: Batch): PollStatus {
    while (!batch.full && this.head < this.queue.length) {
      batch.push(this.queue[this.head], TIME_MIN);
      this.head += 1;
      this.given += 1;
    }
    if (this.head < this.queue.length) return 'more';
    this.queue.length = 0;
    this.head = 0;
    this.resumePump?.();
    return this.ended ? 'end' : 'wait';
  }

  private async pump(): Promise<void> {
    try {
      await this.skip(this.given);
      while (!this.ended && !this.closed) {
        if (this.queue.length >= LIMITS.batchRecords) await this.room();
        else await this.take();
      }
    } catch (thrown) {
      if (!this.closed) this.context.fail(asMillraceError(thrown, 'MILL_SOURCE_FAILED', { position: this.given }));
    }
  }

  private async skip(count: number): Promise<void> {
    for (let skipped = 0; skipped < count && !this.closed && !this.ended; skipped += 1) {
      if ((await this.iterator.next()).done === true) this.ended = true;
    }
    if (this.ended) this.context.wake();
  }

  private async take(): Promise<void> {
    const step = await this.iterator.next();
    if (this.closed) return;
    if (step.done === true) this.ended = true;
    else this.queue.push(step.value);
    if (this.ended || this.queue.length === 1) this.context.wake();
  }

  private room(): Promise<void> {
    return new Promise((resolve) => {
      this.resumePump = () => {
        this.resumePump = undefined;
        resolve();
      };
    });
  }

  position(): number {
    return this.given;
  }

  /** Does not wait for the iterator: one that never yields again would never let go. */
  close(): void {
    this.closed = true;
    this.resumePump?.();
    if (!this.ended) Promise.resolve(this.iterator.return?.()).catch(() => undefined);
  }
}
