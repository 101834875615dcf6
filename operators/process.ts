/**
 * The user's own keyed operator: one or two inputs, state, timers in both times, side outputs.
 *
 * Invariants: handles, timers and outputs refer to the key at hand; timers fire in order of time, then key; what a
 * function returns is pulled as room permits, before the next record or timer.
 */
import type { Batch, Inbox } from '../core/batch.js';
import { asMillraceError, describeValue, MillraceError } from '../core/errors.js';
import { TIME_MAX, TIME_MIN } from '../core/time.js';
import type { TimerTable } from '../state/backend.js';
import type { StateDescriptors } from '../state/descriptors.js';
import { Expiry } from '../state/expiry.js';
import { bindHandles } from '../state/handles.js';
import type { TtlTime } from '../state/ttl.js';
import { LazyOutput, type Results } from './lazy-output.js';
import type { Operator, OperatorContext, OperatorFactory } from './operator.js';

/** Timers of the key at hand. Times are epoch ms; a timer that exists is registered once. */
export interface Timers {
  add(time: number): void;
  remove(time: number): void;
}

/** What the engine hands to the user's functions. Typed for users in api/process.ts. */
export interface ProcessContext {
  readonly key: unknown;
  /** Event time of the record or timer at hand; undefined if it has none. */
  readonly timestamp: number | undefined;
  readonly watermark: number;
  readonly state: Readonly<Record<string, unknown>>;
  readonly side: Readonly<Record<string, (record: unknown) => void>>;
  readonly eventTimers: Timers;
  readonly processingTimers: Timers;
  readonly broadcast: Readonly<Record<string, object>>;
  now(): number;
  random(): number;
}

export interface ProcessSpec {
  readonly state: StateDescriptors;
  readonly sides: readonly string[];
  /** One per input. */
  readonly onRecord: readonly ((record: never, context: never) => Results<unknown>)[];
  readonly onEventTimer: ((time: number, context: never) => Results<unknown>) | undefined;
  readonly onProcessingTimer: ((time: number, context: never) => Results<unknown>) | undefined;
  /** What the functions may read of broadcast state. */
  readonly broadcast?: Readonly<Record<string, object>>;
}

type Handler<T> = (input: T, context: ProcessContext) => Results<unknown>;

export function processFactory(spec: ProcessSpec): OperatorFactory {
  return (context) => new ProcessOperator(spec, context);
}

class ProcessOperator implements Operator {
  readonly #context: OperatorContext;
  readonly #user: UserContext;
  readonly #onRecord: readonly Handler<unknown>[];
  readonly #onEventTimer: Handler<number> | undefined;
  readonly #onProcessingTimer: Handler<number> | undefined;
  readonly #lazy = new LazyOutput();

  constructor(spec: ProcessSpec, context: OperatorContext) {
    this.#context = context;
    this.#user = new UserContext(spec, context);
    this.#onRecord = spec.onRecord as unknown as readonly Handler<unknown>[];
    this.#onEventTimer = spec.onEventTimer as Handler<number> | undefined;
    this.#onProcessingTimer = spec.onProcessingTimer as Handler<number> | undefined;
  }

  process(inbox: Inbox): void {
    const { output, state } = this.#context;
    const lazy = this.#lazy;
    const user = this.#user;
    if (lazy.pending) {
      if (!lazy.resume(output)) return;
      inbox.cursor += 1;
    }
    const { records, timestamps, slots, count } = inbox.batch;
    const onRecord = this.#onRecord[inbox.port] as Handler<unknown>;
    let at = inbox.cursor;
    try {
      for (; at < count && !output.full && !user.sideFull; at += 1) {
        state.slot = slots[at] as number;
        user.time = timestamps[at] as number;
        const results = onRecord(records[at], user);
        if (results !== undefined && !lazy.put(results, user.time, output)) return;
      }
    } finally {
      inbox.cursor = at;
    }
  }

  onWatermark(watermark: number): boolean {
    return this.#fire(this.#context.state.timers('event'), watermark, this.#onEventTimer, true);
  }

  onProcessingTime(now: number): boolean {
    return this.#fire(this.#context.state.timers('processing'), now, this.#onProcessingTimer, false);
  }

  onExpiry(time: TtlTime, until: number): void {
    this.#user.expiry.fire(time, until);
  }

  close(): void {
    this.#lazy.close();
  }

  /** Fires what is due; false when the output is full. A timer that fails is given up, and the others go on. */
  #fire(timers: TimerTable, until: number, onTimer: Handler<number> | undefined, eventTime: boolean): boolean {
    for (;;) {
      try {
        return this.#fireDue(timers, until, onTimer, eventTime);
      } catch (error) {
        const failure = asMillraceError(error, 'MILL_FUNCTION_FAILED', { key: this.#user.key });
        this.#context.reject(failure, undefined, this.#user.time);
      }
    }
  }

  #fireDue(timers: TimerTable, until: number, onTimer: Handler<number> | undefined, eventTime: boolean): boolean {
    const { output, state } = this.#context;
    const user = this.#user;
    if (!this.#lazy.resume(output)) return false;
    user.timer = undefined;
    // Without timers `earliest` is TIME_MAX, which the final watermark reaches.
    while (timers.earliest <= until && timers.earliest < TIME_MAX) {
      if (output.full || user.sideFull) return false;
      const time = timers.earliest;
      state.slot = timers.take(until);
      user.time = eventTime ? time : TIME_MIN;
      user.timer = eventTime ? time : undefined;
      const results = onTimer?.(time, user);
      if (results !== undefined && !this.#lazy.put(results, user.time, output)) return false;
    }
    user.timer = undefined;
    return true;
  }
}

class UserContext implements ProcessContext {
  readonly state: Readonly<Record<string, unknown>>;
  readonly side: Readonly<Record<string, (record: unknown) => void>>;
  readonly eventTimers: Timers;
  readonly processingTimers: Timers;
  readonly broadcast: Readonly<Record<string, object>>;
  readonly expiry: Expiry;
  /** Timestamp that outputs get. */
  time = TIME_MIN;
  /** Of the event timer at hand. The watermark may be far ahead of it, and tells nothing about its state. */
  timer: number | undefined;
  readonly #context: OperatorContext;
  readonly #sides: readonly Batch[];

  constructor(spec: ProcessSpec, context: OperatorContext) {
    this.#context = context;
    this.broadcast = spec.broadcast ?? {};
    this.#sides = spec.sides.map((name) => context.side(name));
    this.expiry = new Expiry(context.state, {
      now: (time) => (time === 'event' ? (this.timer ?? context.watermark) : context.host.now()),
      writtenAt: (time) =>
        time === 'event' ? (this.timer ?? Math.max(this.time, context.watermark)) : context.host.now(),
    });
    this.state = bindHandles(spec.state, context.state, this.expiry);
    this.side = Object.fromEntries(spec.sides.map((name, at) => [name, this.#sideOutput(this.#sides[at] as Batch)]));
    this.eventTimers = this.#timers('event');
    this.processingTimers = this.#timers('processing');
  }

  get key(): unknown {
    return this.#context.state.keyOf(this.#context.state.slot);
  }

  get timestamp(): number | undefined {
    return this.time === TIME_MIN ? undefined : this.time;
  }

  get watermark(): number {
    return this.#context.watermark;
  }

  get sideFull(): boolean {
    for (const side of this.#sides) if (side.full) return true;
    return false;
  }

  now(): number {
    return this.#context.host.now();
  }

  random(): number {
    return this.#context.random();
  }

  #sideOutput(batch: Batch): (record: unknown) => void {
    return (record) => batch.push(record, this.time);
  }

  #timers(kind: 'event' | 'processing'): Timers {
    const { state } = this.#context;
    const table = state.timers(kind);
    return {
      add: (time) => table.add(state.slot, checkTime(time)),
      remove: (time) => table.remove(state.slot, checkTime(time)),
    };
  }
}

/** -0 becomes 0, so that equal times are one timer. */
function checkTime(time: number): number {
  if (Number.isFinite(time)) return time + 0;
  throw new MillraceError('MILL_TIMESTAMP_INVALID', `a timer was set for ${describeValue(time)}`, {
    hint: 'Set timers for finite epoch milliseconds.',
  });
}
