/**
 * What a sink or an output under test has been given, step by step.
 *
 * Invariant: what was given before a snapshot is not given again after it is restored, and what came later is taken
 * back, unless the test has taken it.
 */
import type { Inbox } from '../core/batch.js';
import { TIME_MIN } from '../core/time.js';
import type { Operator, OperatorFactory } from '../operators/operator.js';

/** A record as it came out. */
export interface Emitted<T> {
  readonly record: T;
  /** Event time, epoch ms; undefined if it has none. */
  readonly timestamp: number | undefined;
}

/** How much a capture had been given at some moment. */
export interface CaptureMark {
  readonly records: number;
  readonly watermarks: number;
}

export class Capture implements Operator {
  ended = false;
  private readonly records: Emitted<unknown>[] = [];
  private readonly watermarks: number[] = [];
  /** Given in all, with those that have been taken. */
  private total: CaptureMark = { records: 0, watermarks: 0 };

  factory(): OperatorFactory {
    return () => this;
  }

  process(inbox: Inbox): void {
    const { batch } = inbox;
    for (; inbox.cursor < batch.count; inbox.cursor += 1) {
      const timestamp = batch.timestamps[inbox.cursor] as number;
      const emitted = {
        record: batch.records[inbox.cursor],
        timestamp: timestamp === TIME_MIN ? undefined : timestamp,
      };
      this.records.push(emitted);
      this.total = { ...this.total, records: this.total.records + 1 };
    }
  }

  onWatermark(watermark: number): boolean {
    this.watermarks.push(watermark);
    this.total = { ...this.total, watermarks: this.total.watermarks + 1 };
    return true;
  }

  onEnd(): boolean {
    this.ended = true;
    return true;
  }

  /** What has come since the last call. */
  take(): Emitted<unknown>[] {
    return this.records.splice(0);
  }

  takeWatermarks(): number[] {
    return this.watermarks.splice(0);
  }

  mark(): CaptureMark {
    return this.total;
  }

  /** The job starts again from where the mark was set: what came later has never come. */
  rewind(mark: CaptureMark): void {
    dropLast(this.records, this.total.records - mark.records);
    dropLast(this.watermarks, this.total.watermarks - mark.watermarks);
    this.total = mark;
    this.ended = false;
  }
}

function dropLast(items: unknown[], count: number): void {
  items.splice(Math.max(0, items.length - Math.max(0, count)));
}
