/**
 * A running aggregate per key that puts out one result a key for so many records, or so long (Flink's mini-batch): what
 * fold.ts does, less what is overtaken meanwhile.
 *
 * What has changed is put out before a barrier, so that a snapshot finds nothing of it here. Watermarks that come are held
 * while results of records before them wait.
 *
 * Invariant: a key whose result waits has changed since the last barrier, and so is at hand, with its slot, in every backend.
 */
import type { Inbox } from '../core/batch.js';
import { asMillraceError } from '../core/errors.js';
import type { ValueTable } from '../state/backend.js';
import type { KeyedFold } from './fold.js';
import type { Operator, OperatorContext, OperatorFactory } from './operator.js';

/** How much is put together. */
export interface Bundling {
  /** Records of a subtask. */
  readonly size: number;
  /** How long the first of them waits. */
  readonly delayMs: number;
}

export function bundledFoldFactory(fold: KeyedFold, bundling: Bundling): OperatorFactory {
  return (context) => new BundledFoldOperator(fold, bundling, context);
}

class BundledFoldOperator implements Operator {
  readonly #fold: KeyedFold;
  readonly #bundling: Bundling;
  readonly #context: OperatorContext;
  readonly #table: ValueTable<unknown>;
  /** The slots that have changed, each with the time of its last record, in order of these. */
  readonly #changed = new Map<number, number>();
  #records = 0;
  #isDue = false;
  /** All that came before it is out. */
  #passed: number;
  #cancelTimer: (() => void) | undefined;

  constructor(fold: KeyedFold, bundling: Bundling, context: OperatorContext) {
    this.#fold = fold;
    this.#bundling = bundling;
    this.#context = context;
    this.#table = context.state.value('fold');
    this.#passed = context.watermark;
  }

  process(inbox: Inbox): void {
    const { slots, records, timestamps, count } = inbox.batch;
    for (; this.#putDue() && inbox.cursor < count; inbox.cursor += 1) {
      const at = inbox.cursor;
      this.#add(slots[at] as number, records[at], timestamps[at] as number);
    }
  }

  onWake(): void {
    this.#putDue();
  }

  onWatermark(watermark: number): boolean {
    if (watermark === Number.POSITIVE_INFINITY) return this.#putAll();
    if (this.#records === 0) this.#passed = watermark;
    return true;
  }

  ownWatermark(): number {
    return this.#passed;
  }

  readyForBarrier(): boolean {
    return this.#putAll();
  }

  readyForIdle(): boolean {
    return this.#putAll();
  }

  onEnd(): boolean {
    return this.#putAll();
  }

  close(): void {
    this.#cancelTimer?.();
  }

  #add(slot: number, record: unknown, timestamp: number): void {
    const before = this.#table.get(slot);
    this.#table.set(slot, before === undefined ? this.#fold.create(record) : this.#fold.add(before, record));
    this.#changed.delete(slot);
    this.#changed.set(slot, timestamp);
    this.#records += 1;
    if (this.#records === this.#bundling.size) this.#isDue = true;
    this.#cancelTimer ??= this.#context.host.timer(this.#bundling.delayMs, () => {
      this.#isDue = true;
      this.#context.wake();
    });
  }

  #putDue(): boolean {
    if (!this.#isDue || this.#putAll()) return true;
    // Called again once there is room, though nothing more may come.
    this.#context.wake();
    return false;
  }

  /** False: there is no room for more. */
  #putAll(): boolean {
    const { output } = this.#context;
    for (const [slot, timestamp] of this.#changed) {
      if (output.full) return false;
      this.#changed.delete(slot);
      this.#put(slot, timestamp);
    }
    this.#records = 0;
    this.#isDue = false;
    this.#passed = this.#context.watermark;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    return true;
  }

  /** Its records are done with, so an error is the node's to judge; if it lets it pass, others come out. */
  #put(slot: number, timestamp: number): void {
    const key = this.#context.state.keyOf(slot);
    try {
      this.#context.output.push(this.#fold.result(this.#table.get(slot), key), timestamp);
    } catch (error) {
      this.#context.reject(asMillraceError(error, 'MILL_FUNCTION_FAILED', { key }), undefined, timestamp);
    }
  }
}
