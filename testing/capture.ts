/**
 * What a sink or an output under test has been given, step by step.
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

export class Capture implements Operator {
  private readonly records: Emitted<unknown>[] = [];
  private readonly watermarks: number[] = [];
  ended = false;

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
    }
  }

  onWatermark(watermark: number): boolean {
    this.watermarks.push(watermark);
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
}
