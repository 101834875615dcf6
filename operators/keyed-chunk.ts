/**
 * Gathers the records of each key into arrays, in order of arrival.
 *
 * What waits is in state, with its key. Watermarks that come are held while what came before them waits. Keys have the same
 * patience, so that the one that has begun to wait first is the first to be due, and to have held a watermark.
 *
 * Invariants: `waiting` holds what the pane holds, in the order in which it began to wait; a chunk carries the greatest
 * timestamp of its records, and comes out before any watermark that came behind one of them.
 */
import type { Inbox } from '../core/batch.js';
import { TIME_MIN } from '../core/time.js';
import type { Pane } from '../state/backend.js';
import type { Operator, OperatorContext, OperatorFactory } from './operator.js';

export interface KeyedChunkSpec {
  readonly size: number;
  /** How long the first record of a chunk waits for the others. */
  readonly withinMs: number;
}

/** What a key has: plain data. */
interface Chunk {
  readonly records: unknown[];
  latest: number;
  /** The watermark that had passed when its first record came. */
  readonly passed: number;
}

interface Waiting {
  readonly due: number;
  readonly passed: number;
}

export function keyedChunkFactory(spec: KeyedChunkSpec): OperatorFactory {
  return (context) => new KeyedChunkOperator(spec, context);
}

class KeyedChunkOperator implements Operator {
  readonly #spec: KeyedChunkSpec;
  readonly #context: OperatorContext;
  readonly #pane: () => Pane<Chunk>;
  /** By the slots of keys, which are theirs as long as the pane has them. */
  readonly #waiting = new Map<number, Waiting>();
  /** The watermark that has been dealt with. */
  #watermark = TIME_MIN;
  #cancelTimer: (() => void) | undefined;

  constructor(spec: KeyedChunkSpec, context: OperatorContext) {
    this.#spec = spec;
    this.#context = context;
    const panes = context.state.panes<Chunk>('chunks');
    this.#pane = () => panes.pane(0);
  }

  open(): void {
    this.#watermark = this.#context.watermark;
    const pane = this.#pane();
    const slots = Array.from({ length: pane.size }, (_, at) => pane.slotAt(at));
    // In which order they came is not known any more.
    const passed = Math.min(...slots.map((_, at) => pane.valueAt(at).passed));
    for (const slot of slots) this.#await(slot, passed);
  }

  process(inbox: Inbox): void {
    const { batch } = inbox;
    const { output } = this.#context;
    for (; inbox.cursor < batch.count && !output.full; inbox.cursor += 1) {
      const at = inbox.cursor;
      this.#add(batch.slots[at] as number, batch.records[at], batch.timestamps[at] as number);
    }
  }

  onWake(): void {
    if (!this.#putUntil(this.#context.host.now())) this.#context.wake();
  }

  onWatermark(watermark: number): boolean {
    if (watermark === Number.POSITIVE_INFINITY) return this.#putUntil(watermark);
    this.#watermark = watermark;
    return true;
  }

  ownWatermark(): number {
    for (const { passed } of this.#waiting.values()) return passed;
    return this.#watermark;
  }

  readyForIdle(): boolean {
    return this.#putUntil(Number.POSITIVE_INFINITY);
  }

  onEnd(): boolean {
    return this.#putUntil(Number.POSITIVE_INFINITY);
  }

  close(): void {
    this.#cancelTimer?.();
  }

  #add(slot: number, record: unknown, timestamp: number): void {
    const pane = this.#pane();
    const chunk = pane.get(slot) ?? this.#begin(slot);
    chunk.records.push(record);
    chunk.latest = Math.max(chunk.latest, timestamp);
    pane.set(slot, chunk);
    if (chunk.records.length === this.#spec.size) this.#put(slot);
  }

  #begin(slot: number): Chunk {
    this.#await(slot, this.#watermark);
    return { records: [], latest: TIME_MIN, passed: this.#watermark };
  }

  #await(slot: number, passed: number): void {
    this.#waiting.set(slot, { due: this.#context.host.now() + this.#spec.withinMs, passed });
    this.#startTimer();
  }

  #put(slot: number): void {
    const pane = this.#pane();
    const { records, latest } = pane.get(slot) as Chunk;
    pane.remove(slot);
    this.#waiting.delete(slot);
    this.#context.output.push(records, latest);
  }

  /** Puts out what is due by then; false: there is no room for more. */
  #putUntil(time: number): boolean {
    for (const [slot, { due }] of this.#waiting) {
      if (due > time) break;
      if (this.#context.output.full) return false;
      this.#put(slot);
    }
    this.#startTimer();
    return true;
  }

  /** For the one that is due first; it may have come out before. */
  #startTimer(): void {
    if (this.#cancelTimer) return;
    const { host } = this.#context;
    for (const { due } of this.#waiting.values()) {
      this.#cancelTimer = host.timer(Math.max(0, due - host.now()), () => {
        this.#cancelTimer = undefined;
        this.#context.wake();
      });
      return;
    }
  }
}
