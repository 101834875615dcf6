/**
 * A source that makes its records from their numbers: 0, 1, 2 …; for benchmarks, demonstrations and tests.
 *
 * Invariants: split s of n makes the numbers s, s + n, s + 2n …, each once, in order. A position is the next number.
 * With a rate, a split never runs ahead of it, nor makes up for more than a second of standstill.
 */
import type { Batch } from '../../core/batch.js';
import { asMillraceError, MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import { LIMITS } from '../../core/limits.js';
import { TIME_MIN } from '../../core/time.js';
import type { Enumerator, PollStatus, ReaderContext, Source, Split, SplitReader } from '../../operators/source.js';

/** What `generate` makes, how much and how fast. */
export interface GenerateOptions<T> {
  /** How many records in all; absent: without end. */
  readonly count?: number;
  /** Records a second over all splits; absent: as fast as they are taken. */
  readonly rate?: number;
  /** Into how many splits the numbers are dealt; default: the job's parallelism. */
  readonly splits?: number;
  /** The record of number `n`. Must depend on `n` alone, so that a restart makes the same ones again. */
  readonly make: (n: number) => T;
  /** Event time of a record, epoch milliseconds; absent: it has none until `eventTime` gives it one. */
  readonly timestamp?: (record: T, n: number) => number;
}

interface NumberSplit extends Split {
  readonly first: number;
  readonly step: number;
}

/**
 * Makes records from their numbers, 0 to `count` - 1.
 *
 * Replayable: after a restart it goes on with the next number, and `make` is called with the numbers since the last
 * checkpoint again. With a `rate` the records come evenly; a source that was held up (by back-pressure, a pause of
 * the machine) makes up for at most one second's worth and forgets the rest.
 *
 * Costs a few nanoseconds a record besides `make`. Throws `MILL_OPTION_INVALID` for a count, rate or number of splits
 * that is none; an error of `make` fails the job with `MILL_FUNCTION_FAILED`, naming the number.
 *
 * @example
 * j.from('orders', generate({ count: 1_000_000, make: (n) => ({ id: n, cents: (n * 7919) % 10_000 }) }))
 */
export function generate<T>(options: GenerateOptions<T>): Source<T> {
  checkOptions(options);
  const { count = Number.POSITIVE_INFINITY, rate } = options;
  return {
    kind: 'generate',
    description: `${count === Number.POSITIVE_INFINITY ? 'endless' : `${count} records`}${rate === undefined ? '' : `, ${rate} a second`}`,
    bounded: count !== Number.POSITIVE_INFINITY,
    enumerator: (context) => new NumberEnumerator(options.splits ?? context.parallelism) as Enumerator,
    reader: (split, position, context) =>
      new GeneratorReader(options, split as NumberSplit, position as number | undefined, context),
  };
}

function checkOptions(options: Pick<GenerateOptions<unknown>, 'count' | 'rate' | 'splits'>): void {
  const { count = 0, rate = 1, splits = 1 } = options;
  if (!Number.isSafeInteger(count) || count < 0) throw invalid(`count is ${count}, expected a whole number from 0`);
  if (!(rate > 0) || !Number.isFinite(rate)) throw invalid(`rate is ${rate}, expected records per second above 0`);
  if (!Number.isSafeInteger(splits) || splits < 1) throw invalid(`splits is ${splits}, expected a whole number from 1`);
}

function invalid(what: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', `generate: ${what}`);
}

class NumberEnumerator implements Enumerator<NumberSplit> {
  private discovered = false;

  constructor(private readonly splits: number) {}

  async discover(): Promise<readonly NumberSplit[]> {
    if (this.discovered) return [];
    this.discovered = true;
    return Array.from({ length: this.splits }, (_, first) => ({ id: `${first}`, first, step: this.splits }));
  }

  snapshot(): unknown {
    return this.discovered;
  }

  restore(state: unknown): void {
    this.discovered = state === true;
  }
}

class GeneratorReader<T> implements SplitReader {
  private next: number;
  private readonly end: number;
  private readonly pace: Pace | undefined;

  constructor(
    private readonly options: GenerateOptions<T>,
    private readonly split: NumberSplit,
    position: number | undefined,
    context: ReaderContext,
  ) {
    this.next = position ?? split.first;
    this.end = options.count ?? Number.POSITIVE_INFINITY;
    if (options.rate !== undefined)
      this.pace = new Pace(context.host, options.rate / split.step, context.wake.bind(context));
  }

  poll(batch: Batch): PollStatus {
    if (this.next >= this.end) return 'end';
    const room = batch.capacity - batch.count;
    const due = this.pace === undefined ? room : Math.min(room, this.pace.due());
    const first = this.next;
    this.fill(batch, Math.min(due, Math.ceil((this.end - first) / this.split.step)));
    this.pace?.took((this.next - first) / this.split.step);
    if (this.next >= this.end) return 'end';
    if (due === room) return 'more';
    this.pace?.wakeWhenDue(batch.capacity);
    return 'wait';
  }

  /** The hot loop: columns and counters in locals, the error handling around it. */
  private fill(batch: Batch, count: number): void {
    const { make, timestamp } = this.options;
    const { records, timestamps } = batch;
    const step = this.split.step;
    const end = batch.count + count;
    let at = batch.count;
    let n = this.next;
    try {
      if (timestamp === undefined) {
        for (; at < end; at += 1, n += step) {
          records[at] = make(n);
          timestamps[at] = TIME_MIN;
        }
      } else {
        for (; at < end; at += 1, n += step) {
          const record = make(n);
          records[at] = record;
          timestamps[at] = timestamp(record, n);
        }
      }
    } catch (thrown) {
      throw asMillraceError(thrown, 'MILL_FUNCTION_FAILED', { position: n });
    } finally {
      batch.count = at;
      this.next = n;
    }
  }

  position(): number {
    return this.next;
  }

  close(): void {
    this.pace?.close();
  }
}

const BURST_MS_MAX = 1_000;

/**
 * Says how many records are due. Counts from one fixed start, so that rounding never adds up to a drift; the start
 * moves only when more than a second's worth has been missed.
 */
class Pace {
  private start: number;
  private taken = 0;
  private cancel: (() => void) | undefined;
  private readonly perMs: number;

  constructor(
    private readonly host: Host,
    perSecond: number,
    private readonly wake: () => void,
  ) {
    this.perMs = perSecond / 1_000;
    this.start = host.elapsed();
  }

  due(): number {
    const now = this.host.elapsed();
    const missedMs = now - this.start - this.taken / this.perMs;
    // One record is always worth making up for, also where a second holds less than one.
    const keptMs = Math.max(BURST_MS_MAX, 1 / this.perMs);
    if (missedMs > keptMs) this.start += missedMs - keptMs;
    return Math.floor((now - this.start) * this.perMs + ROUNDING) - this.taken;
  }

  took(count: number): void {
    this.taken += count;
  }

  /** Wakes when a batch is due, but after `flushMs` at the latest, and not before one record is. */
  wakeWhenDue(batchRecords: number): void {
    if (this.cancel !== undefined) return;
    const now = this.host.elapsed();
    const oneMs = this.start + (this.taken + 1) / this.perMs - now;
    const batchMs = this.start + (this.taken + batchRecords) / this.perMs - now;
    const delayMs = Math.max(1, oneMs, Math.min(batchMs, LIMITS.flushMs));
    this.cancel = this.host.timer(delayMs, () => {
      this.cancel = undefined;
      this.wake();
    });
  }

  close(): void {
    this.cancel?.();
    this.cancel = undefined;
  }
}

/** A record that is due but for the last bits of a floating-point product is due. */
const ROUNDING = 1e-6;
