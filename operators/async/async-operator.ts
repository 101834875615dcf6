/**
 * Calls an asynchronous function for each record, many at a time (Flink's AsyncWaitOperator).
 *
 * Records whose results are not out are part of each checkpoint; after a restore they are called for again, before what comes
 * later. Their number is bounded by the capacity, but for those that come before a barrier that is on its way: these are
 * taken in and wait for their turn, so that a full queue does not hold the barrier back.
 *
 * Invariants: watermarks that come are held until what came before them is out; the operator says its own.
 */
import type { Inbox } from '../../core/batch.js';
import { TIME_MAX, TIME_MIN } from '../../core/time.js';
import type { Operator, OperatorContext, OperatorFactory } from '../operator.js';
import { Call, type CallSpec, type Outcome } from './call.js';
import { Flight, type InFlight } from './flight.js';

export interface AsyncSpec extends CallSpec {
  readonly order: 'input' | 'any';
  /** Records in flight. */
  readonly capacity: number;
}

/** Of a record in flight. */
type Saved = readonly [record: unknown, timestamp: number];

export function asyncFactory(spec: AsyncSpec): OperatorFactory {
  return (context, restored) => new AsyncOperator(spec, context, restored as readonly (readonly Saved[])[]);
}

class AsyncOperator implements Operator {
  readonly #spec: AsyncSpec;
  readonly #context: OperatorContext;
  readonly #flight: Flight;
  /** Those of the flight that have not been called for. */
  readonly #waiting: InFlight[] = [];
  #closed = false;

  constructor(spec: AsyncSpec, context: OperatorContext, restored: readonly (readonly Saved[])[]) {
    this.#spec = spec;
    this.#context = context;
    this.#flight = new Flight(spec.order);
    for (const [record, timestamp] of restored.flat()) this.#waiting.push(this.#flight.add(record, timestamp));
  }

  open(): void {
    const { watermark } = this.#context;
    if (watermark > TIME_MIN) this.#flight.fence(watermark);
    this.#startWaiting();
  }

  process(inbox: Inbox): void {
    const { records, timestamps, count } = inbox.batch;
    for (; inbox.cursor < count && this.#hasRoom(); inbox.cursor += 1)
      this.#waiting.push(this.#flight.add(records[inbox.cursor], timestamps[inbox.cursor] as number));
    this.#startWaiting();
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

  snapshot(): { readonly state: readonly Saved[] } {
    return { state: Array.from(this.#flight, ({ record, timestamp }) => [record, timestamp] as const) };
  }

  close(): void {
    this.#closed = true;
    for (const { call } of this.#flight) call?.cancel();
  }

  #isIdle(): boolean {
    this.#putReady();
    return this.#flight.size === 0;
  }

  #hasRoom(): boolean {
    return this.#flight.size < this.#spec.capacity || this.#context.awaitsBarrier;
  }

  #startWaiting(): void {
    while (this.#waiting.length > 0 && this.#flight.size - this.#waiting.length < this.#spec.capacity)
      this.#start(this.#waiting.shift() as InFlight);
  }

  #start(flying: InFlight): void {
    const call = new Call(this.#spec, flying.record, this.#context.host, (outcome) => this.#settled(flying, outcome));
    flying.call = call;
    call.start();
  }

  #settled(flying: InFlight, outcome: Outcome): void {
    if (this.#closed) return;
    this.#flight.done(flying, outcome);
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
      this.#put(flying);
      // It goes out before what came behind it.
      if (this.#flight.watermark > watermark) return this.#context.wake();
    }
    this.#startWaiting();
  }

  #put({ record, timestamp, outcome }: InFlight): void {
    if (outcome && 'value' in outcome) this.#context.output.push(outcome.value, timestamp);
    else this.#context.reject(outcome?.error, record, timestamp);
  }
}
