/**
 * A running aggregate per key that puts out one result a key and batch of input, the last, instead of one for each record:
 * what fold.ts does, less what is overtaken within the batch.
 *
 * Invariant: what a batch has changed is put out before its last record is done with, so a snapshot finds nothing of it
 * here; if that record fails, it fails after the rest is out.
 */
import type { Inbox } from '../core/batch.js';
import type { ValueTable } from '../state/backend.js';
import type { KeyedFold } from './fold.js';
import type { Operator, OperatorContext, OperatorFactory } from './operator.js';

export function miniBatchFactory(fold: KeyedFold): OperatorFactory {
  return (context) => new MiniBatchOperator(fold, context);
}

class MiniBatchOperator implements Operator {
  readonly #fold: KeyedFold;
  readonly #context: OperatorContext;
  readonly #table: ValueTable<unknown>;
  /** The slots that have changed, each with the index of its last record, in order of these. */
  readonly #changed = new Map<number, number>();
  /** All records of the batch are folded. */
  #folded = false;
  /** Of the last record, if it has one. */
  #failure: { readonly error: unknown } | undefined;

  constructor(fold: KeyedFold, context: OperatorContext) {
    this.#fold = fold;
    this.#context = context;
    this.#table = context.state.value('fold');
  }

  process(inbox: Inbox): void {
    if (!this.#folded) this.#foldAll(inbox);
    if (!this.#putOut(inbox)) return;
    this.#folded = false;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
    inbox.cursor = inbox.batch.count;
  }

  #foldAll(inbox: Inbox): void {
    const { slots, count } = inbox.batch;
    for (let at = inbox.cursor; at < count; at += 1) {
      inbox.cursor = at;
      try {
        this.#add(slots[at] as number, inbox.batch.records[at]);
      } catch (error) {
        if (at < count - 1) throw error;
        this.#failure = { error };
        break;
      }
      // Again at the end, so that results are in order of their records.
      this.#changed.delete(slots[at] as number);
      this.#changed.set(slots[at] as number, at);
    }
    this.#folded = true;
  }

  #add(slot: number, record: unknown): void {
    const before = this.#table.get(slot);
    this.#table.set(slot, before === undefined ? this.#fold.create(record) : this.#fold.add(before, record));
  }

  /** True once all that has changed is out. A result that fails is its last record's failure. */
  #putOut(inbox: Inbox): boolean {
    const { keys, timestamps, count } = inbox.batch;
    const { output } = this.#context;
    for (const [slot, at] of this.#changed) {
      if (output.full) return false;
      this.#changed.delete(slot);
      inbox.cursor = at;
      // The batch is done with if the job goes on from here.
      this.#folded = at < count - 1;
      output.push(this.#fold.result(this.#table.get(slot), keys[at]), timestamps[at] as number);
      this.#folded = true;
    }
    inbox.cursor = count - 1;
    return true;
  }
}
