/**
 * Event time in the middle of a chain: stamps records and makes watermarks per subtask. Directly after a source the
 * source does this itself, per split (source-loop.ts).
 */
import type { Inbox } from '../../core/batch.js';
import { TIME_MIN } from '../../core/time.js';
import type { Operator, OperatorContext, OperatorFactory } from '../../operators/operator.js';
import type { EventTime } from '../graph/nodes.js';
import { timestampOf, type Watermarks, watermarksOf } from './record-time.js';

export function eventTimeFactory(eventTime: EventTime, watermarkMs: number): OperatorFactory {
  return (context, restored) => new EventTimeOperator(eventTime, watermarkMs, context, restored);
}

class EventTimeOperator implements Operator {
  readonly #eventTime: EventTime;
  readonly #watermarkMs: number;
  readonly #context: OperatorContext;
  readonly #watermarks: Watermarks;
  /** The highest watermark that the records so far make. */
  #highest = TIME_MIN;
  #sent = TIME_MIN;
  #sentAt = TIME_MIN;
  #cancelTimer: (() => void) | undefined;
  #cancelTick: (() => void) | undefined;

  constructor(eventTime: EventTime, watermarkMs: number, context: OperatorContext, restored: readonly unknown[]) {
    this.#eventTime = eventTime;
    this.#watermarkMs = watermarkMs;
    this.#context = context;
    this.#watermarks = watermarksOf(eventTime);
    // Several old subtasks may be dealt to this one: the slowest of them is safe for all.
    if (restored.length > 0) this.#highest = Math.min(...(restored as number[])) - eventTime.outOfOrderMs - 1;
  }

  open(): void {
    if (this.#watermarks.periodic) this.#tickLater(this.#watermarks.periodic);
  }

  process(inbox: Inbox): void {
    const { records, count } = inbox.batch;
    const { output } = this.#context;
    const { behind } = this.#watermarks;
    const each = this.#eventTime.emit === 'each';
    let at = inbox.cursor;
    try {
      while (at < count && !output.full) {
        const time = timestampOf(this.#eventTime, records[at]);
        const watermark = behind(records[at], time);
        output.push(records[at], time);
        at += 1;
        const rises = watermark > this.#highest;
        if (rises) this.#highest = watermark;
        if (rises && each) return;
      }
    } finally {
      inbox.cursor = at;
    }
  }

  ownWatermark(): number {
    const time = this.#highest;
    if (time <= this.#sent) return this.#sent;
    const elapsed = this.#context.host.elapsed();
    const waitMs = this.#sentAt + this.#watermarkMs - elapsed;
    if (this.#eventTime.emit === 'interval' && waitMs > 0) return this.#sendLater(waitMs);
    this.#sentAt = elapsed;
    this.#sent = time;
    return time;
  }

  close(): void {
    this.#cancelTimer?.();
    this.#cancelTick?.();
  }

  #tickLater(periodic: (now: number) => number): void {
    const { host } = this.#context;
    this.#cancelTick = host.timer(this.#watermarkMs, () => {
      try {
        this.#highest = Math.max(this.#highest, periodic(host.now()));
      } catch (error) {
        return this.#context.fail(error);
      }
      this.#tickLater(periodic);
      if (this.#highest > this.#sent) this.#context.wake();
    });
  }

  /** The engine asks again when woken. */
  #sendLater(waitMs: number): number {
    this.#cancelTimer ??= this.#context.host.timer(waitMs, () => {
      this.#cancelTimer = undefined;
      this.#context.wake();
    });
    return this.#sent;
  }

  snapshot(): { readonly state: number } {
    // As a timestamp: it stays right if `outOfOrder` is another one when the job goes on.
    return { state: this.#highest + this.#eventTime.outOfOrderMs + 1 };
  }
}
