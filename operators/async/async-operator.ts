/**
 * Calls an asynchronous function for each record, or for several together, many at a time (Flink's AsyncWaitOperator).
 *
 * Records whose results are not out are part of each checkpoint; after a restore they are called for again, before what comes
 * later. Their number is bounded by the capacity, but for those that come before a barrier that is on its way: these are
 * taken in and wait for their turn, so that a full queue does not hold the barrier back.
 *
 * Invariants: watermarks that come are held until what came before them is out; the operator says its own. In order `key`
 * the calls of a key are made one after the other.
 */
import type { Inbox } from '../../core/batch.js';
import { describeValue, MillraceError } from '../../core/errors.js';
import type { Meter } from '../../core/meter.js';
import { TIME_MAX, TIME_MIN } from '../../core/time.js';
import type { Operator, OperatorContext, OperatorFactory } from '../operator.js';
import { Call, type CallSpec, type Outcome } from './call.js';
import { Flight, type InFlight } from './flight.js';
import { type Keeping, KeyKeeping, SubtaskKeeping } from './keeping.js';
import { type Batching, BatchLine, KeyLine, type Line, SingleLine } from './line.js';

export interface AsyncSpec extends CallSpec {
  /** `key`: only of a keyed node. */
  readonly order: 'input' | 'any' | 'key';
  /** Calls under way. */
  readonly capacity: number;
  /** The function takes several records, as an array, and gives as many results. */
  readonly batch?: Batching | undefined;
  /** What the function measures of itself. */
  readonly meters?: (() => readonly Meter[]) | undefined;
}

/** A result that says that there is none. */
export const NO_RESULT = Symbol('no result');

/** The result of one record of a call for several: it has failed, and the others have not. */
export class FailedRecord {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

export function asyncFactory(spec: AsyncSpec): OperatorFactory {
  return (context, restored) => new AsyncOperator(spec, context, restored);
}

export class AsyncOperator implements Operator {
  readonly #spec: AsyncSpec;
  readonly #context: OperatorContext;
  readonly #flight: Flight;
  /** Those of the flight that have not been called for. */
  readonly #line: Line;
  readonly #keeping: Keeping;
  readonly #flyingMax: number;
  #calls = 0;
  #closed = false;

  constructor(spec: AsyncSpec, context: OperatorContext, restored: readonly unknown[]) {
    const { order, capacity, batch } = spec;
    this.#spec = spec;
    this.#context = context;
    this.#flight = new Flight(order === 'input' ? 'input' : 'any');
    this.#line = lineOf(spec, context);
    this.#keeping = order === 'key' ? new KeyKeeping(context) : new SubtaskKeeping(restored);
    this.#flyingMax = capacity * (batch?.size ?? 1);
  }

  open(): void {
    for (const [record, timestamp, slot] of this.#keeping.restore())
      this.#line.add(this.#flight.add(record, timestamp, slot));
    const { watermark } = this.#context;
    if (watermark > TIME_MIN) this.#flight.fence(watermark);
    this.#startWaiting();
  }

  process(inbox: Inbox): void {
    const { records, timestamps, slots, count } = inbox.batch;
    for (; inbox.cursor < count && this.#hasRoom(); inbox.cursor += 1) {
      const at = inbox.cursor;
      const flying = this.#flight.add(records[at], timestamps[at] as number, slots[at]);
      this.#keeping.added(flying);
      this.#line.add(flying);
    }
    this.#startWaiting();
  }

  meters(): readonly Meter[] {
    return this.#spec.meters?.() ?? [];
  }

  onWake(): void {
    this.#putReady();
  }

  onWatermark(watermark: number): boolean {
    if (watermark === TIME_MAX) return this.#isIdle();
    this.#flight.fence(watermark);
    return true;
  }

  ownWatermark(): number {
    return this.#flight.watermark;
  }

  readyForIdle(): boolean {
    return this.#isIdle();
  }

  onEnd(): boolean {
    return this.#isIdle();
  }

  snapshot(): { readonly state?: unknown } {
    const state = this.#keeping.snapshot(this.#flight);
    return state ? { state } : {};
  }

  close(): void {
    this.#closed = true;
    for (const { call } of this.#flight) call?.cancel();
  }

  #isIdle(): boolean {
    this.#line.flush();
    this.#putReady();
    return this.#flight.size === 0;
  }

  #hasRoom(): boolean {
    return this.#flight.size < this.#flyingMax || this.#context.awaitsBarrier;
  }

  #startWaiting(): void {
    while (this.#calls < this.#spec.capacity) {
      const together = this.#line.next();
      if (!together) return;
      this.#start(together);
    }
  }

  #start(together: readonly InFlight[]): void {
    const { batch } = this.#spec;
    const records = together.map(({ record }) => record);
    const call = new Call(this.#spec, batch ? records : records[0], this.#context.host, (outcome) =>
      this.#settled(together, outcome),
    );
    this.#calls += 1;
    for (const flying of together) flying.call = call;
    call.start();
  }

  #settled(together: readonly InFlight[], outcome: Outcome): void {
    if (this.#closed) return;
    this.#calls -= 1;
    const outcomes = this.#spec.batch ? outcomesOf(outcome, together.length) : [outcome];
    for (const [at, flying] of together.entries()) {
      this.#flight.done(flying, outcomes[at] as Outcome);
      this.#line.over(flying);
    }
    this.#context.wake();
  }

  /** Puts out what is ready, as far as there is room, and calls for what has been waiting. */
  #putReady(): void {
    const { output } = this.#context;
    for (let flying = this.#flight.ready; flying !== undefined; flying = this.#flight.ready) {
      // Called again once there is.
      if (output.full) return this.#context.wake();
      const { watermark } = this.#flight;
      this.#flight.taken(flying);
      this.#keeping.removed(flying);
      this.#put(flying);
      // It goes out before what came behind it.
      if (this.#flight.watermark > watermark) return this.#context.wake();
    }
    this.#startWaiting();
  }

  #put({ record, timestamp, outcome }: InFlight): void {
    if (!outcome || 'error' in outcome) this.#context.reject(outcome?.error, record, timestamp);
    else if (outcome.value !== NO_RESULT) this.#context.output.push(outcome.value, timestamp);
  }
}

function lineOf({ order, batch }: AsyncSpec, context: OperatorContext): Line {
  if (batch) return new BatchLine(batch, context.host, () => context.wake());
  return order === 'key' ? new KeyLine() : new SingleLine();
}

/** One for each record of a call. */
function outcomesOf(outcome: Outcome, count: number): readonly Outcome[] {
  if ('error' in outcome) return Array.from({ length: count }, () => outcome);
  const { value } = outcome;
  if (Array.isArray(value) && value.length === count) return value.map(recordOutcome);
  const given = Array.isArray(value) ? `${value.length} results` : describeValue(value);
  const error = new MillraceError('MILL_FUNCTION_FAILED', `a call for ${count} records gave ${given}`, {
    hint: 'Return an array with one result for each record, in their order.',
  });
  return Array.from({ length: count }, () => ({ error }));
}

function recordOutcome(value: unknown): Outcome {
  return value instanceof FailedRecord ? { error: value.error } : { value };
}
