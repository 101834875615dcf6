/**
 * Lets only the last of many records of a key through: once its time has come, or at most one in a while (Kafka Streams'
 * suppress). What is held when the input ends comes out then.
 *
 * Invariant: what is held for a time has a timer of its key at that time.
 */
import type { Inbox } from '../../core/batch.js';
import { describeValue, MillraceError } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import { TIME_MAX, TIME_MIN } from '../../core/time.js';
import type { MapTable, TimerTable } from '../../state/backend.js';
import type { Operator, OperatorContext, OperatorFactory } from '../operator.js';

/** When the last record comes out. */
export type SuppressSpec =
  /** Once the watermark has come to what `until` says, and so much further. Each such time has a last record. */
  | { readonly until: (record: never) => number; readonly graceMs: number }
  /** So long after the first record since, in one of the times. */
  | { readonly everyMs: number; readonly time: 'event' | 'processing' };

export function suppressFactory(spec: SuppressSpec): OperatorFactory {
  return (context) => new SuppressOperator(spec, context);
}

/** A record that waits, and its event time. */
type Held = readonly [record: unknown, timestamp: number];

class SuppressOperator implements Operator {
  readonly #spec: SuppressSpec;
  readonly #context: OperatorContext;
  readonly #time: 'event' | 'processing';
  /** The last record for each time at which one comes out. */
  readonly #held: MapTable<number, Held>;
  readonly #timers: TimerTable;

  constructor(spec: SuppressSpec, context: OperatorContext) {
    this.#spec = spec;
    this.#context = context;
    this.#time = 'until' in spec ? 'event' : spec.time;
    this.#held = context.state.map('held');
    this.#timers = context.state.timers(this.#time);
  }

  process(inbox: Inbox): void {
    const { records, timestamps, slots, count } = inbox.batch;
    for (; inbox.cursor < count; inbox.cursor += 1) {
      const at = inbox.cursor;
      const slot = slots[at] as number;
      const due = this.#dueTime(slot, records[at], timestamps[at] as number);
      this.#held.set(slot, due, [records[at], timestamps[at] as number]);
      this.#timers.add(slot, due);
    }
  }

  onWatermark(watermark: number): boolean {
    if (this.#time === 'event') return this.#fire(watermark);
    if (watermark < TIME_MAX) return true;
    // The input has ended: the clock is not waited for.
    return this.#context.state.prepareTimers('processing', TIME_MAX) && this.#fire(TIME_MAX);
  }

  onProcessingTime(now: number): boolean {
    return this.#time === 'event' || this.#fire(now);
  }

  #dueTime(slot: number, record: unknown, timestamp: number): number {
    const spec = this.#spec;
    if ('until' in spec) return untilOf(spec, record);
    for (const [due] of this.#held.entries(slot)) return due;
    if (spec.time === 'processing') return this.#context.host.now() + spec.everyMs;
    if (timestamp === TIME_MIN) throw timeMissing();
    return timestamp + spec.everyMs;
  }

  #fire(until: number): boolean {
    const context = this.#context;
    for (let left: number = LIMITS.timersPerStep; left > 0 && !context.output.full; left -= 1) {
      const time = this.#timers.earliest;
      const slot = this.#timers.take(until);
      if (slot < 0) return true;
      this.#release(slot, time);
    }
    if (!context.output.full) context.wake();
    return false;
  }

  #release(slot: number, time: number): void {
    const held = this.#held.get(slot, time);
    if (!held) return;
    this.#held.remove(slot, time);
    // By the clock it may be due far behind its watermark, behind which nothing may come out.
    const { watermark } = this.#context;
    const timestamp =
      this.#time === 'event' ? time : watermark === TIME_MAX ? held[1] : Math.max(held[1], watermark + 1);
    this.#context.output.push(held[0], timestamp);
  }
}

function untilOf({ until, graceMs }: { until: (record: never) => number; graceMs: number }, record: unknown): number {
  const time = until(record as never);
  if (Number.isFinite(time)) return time + graceMs + 0;
  throw new MillraceError('MILL_FUNCTION_FAILED', `until of a suppression returned ${describeValue(time)}`, {
    hint: 'Return finite epoch milliseconds.',
  });
}

function timeMissing(): MillraceError {
  return new MillraceError('MILL_TIMESTAMP_MISSING', 'a record without a timestamp has come to a suppression', {
    hint: "Call eventTime on the stream before it, or suppress in time: 'processing'.",
  });
}
