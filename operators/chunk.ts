/**
 * Gathers records into arrays, in order of arrival within each subtask.
 *
 * Records that wait are part of each checkpoint. Watermarks that come are held while what came before them waits.
 * Invariant: a chunk carries the greatest timestamp of its records, and comes out before any watermark that came behind one of
 * them.
 */
import type { Inbox } from '../core/batch.js';
import { TIME_MIN } from '../core/time.js';
import type { Operator, OperatorContext, OperatorFactory } from './operator.js';

export interface ChunkSpec {
  readonly size: number;
  /** How long the first record of a chunk waits for the others; Infinity: until they come. */
  readonly withinMs: number;
}

type Waiting = readonly [record: unknown, timestamp: number];

export function chunkFactory(spec: ChunkSpec): OperatorFactory {
  return (context, restored) => new ChunkOperator(spec, context, (restored as readonly Waiting[][]).flat());
}

class ChunkOperator implements Operator {
  readonly #spec: ChunkSpec;
  readonly #context: OperatorContext;
  #waiting: Waiting[];
  /** All that came before it is out. */
  #passed = TIME_MIN;
  #cancelTimer: (() => void) | undefined;
  #isDue = false;

  constructor(spec: ChunkSpec, context: OperatorContext, restored: readonly Waiting[]) {
    this.#spec = spec;
    this.#context = context;
    this.#waiting = [...restored];
  }

  open(): void {
    // What waits came before some watermark that had passed: which, is not known.
    if (this.#waiting.length === 0) {
      this.#passed = this.#context.watermark;
      return;
    }
    this.#startTimer();
    // After a rescaling, what several subtasks had may make chunks already.
    this.#context.wake();
  }

  process(inbox: Inbox): void {
    const { records, timestamps, count } = inbox.batch;
    for (; this.#putFull() && inbox.cursor < count; inbox.cursor += 1) {
      if (this.#waiting.length === 0) this.#startTimer();
      this.#waiting.push([records[inbox.cursor], timestamps[inbox.cursor] as number]);
    }
  }

  onWake(): void {
    if (this.#isDue) this.#putAll();
    else this.#putFull();
  }

  onWatermark(watermark: number): boolean {
    if (watermark === Number.POSITIVE_INFINITY) return this.#putAll();
    if (this.#waiting.length === 0) this.#passed = watermark;
    return true;
  }

  ownWatermark(): number {
    return this.#passed;
  }

  readyForIdle(): boolean {
    return this.#putAll();
  }

  onEnd(): boolean {
    return this.#putAll();
  }

  snapshot(): { readonly state: readonly Waiting[] } {
    return { state: [...this.#waiting] };
  }

  close(): void {
    this.#cancelTimer?.();
  }

  /** Puts out chunks that have their size; false: there is no room for one, and it is called again once there is. */
  #putFull(): boolean {
    while (this.#waiting.length >= this.#spec.size) if (!this.#put()) return false;
    return true;
  }

  /** Also the last, smaller one. */
  #putAll(): boolean {
    while (this.#waiting.length > 0) if (!this.#put()) return false;
    return true;
  }

  #put(): boolean {
    if (this.#context.output.full) {
      this.#context.wake();
      return false;
    }
    const chunk = this.#waiting.splice(0, this.#spec.size);
    let latest = TIME_MIN;
    for (const [, timestamp] of chunk) latest = Math.max(latest, timestamp);
    this.#context.output.push(
      chunk.map(([record]) => record),
      latest,
    );
    this.#isDue = false;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#waiting.length > 0) this.#startTimer();
    else this.#passed = this.#context.watermark;
    return true;
  }

  #startTimer(): void {
    const { withinMs } = this.#spec;
    if (withinMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#context.host.timer(withinMs, () => {
      this.#isDue = true;
      this.#context.wake();
    });
  }
}
