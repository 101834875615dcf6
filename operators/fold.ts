/**
 * A running aggregate per key: one output for each input, with the aggregate so far.
 *
 * Invariant: nothing but the accumulator of each key is kept, in the value table `fold`.
 */
import type { Inbox } from '../core/batch.js';
import type { Aggregator } from '../state/aggregator.js';
import type { ValueTable } from '../state/backend.js';
import type { Operator, OperatorContext, OperatorFactory } from './operator.js';

/** How records become an accumulator, and it an output. Accumulators are plain data. */
export interface KeyedFold {
  create(record: unknown): unknown;
  /** May change and return the accumulator it is given. */
  add(accumulator: unknown, record: unknown): unknown;
  /** A fresh record. */
  result(accumulator: unknown, key: unknown): unknown;
}

export function foldFactory(fold: KeyedFold): OperatorFactory {
  return (context) => new FoldOperator(fold, context);
}

/** Reduces a stream: the accumulator is the record so far. */
export function reduceFold(reduce: (a: never, b: never) => unknown): KeyedFold {
  return {
    create: (record) => record,
    add: reduce as (a: unknown, b: unknown) => unknown,
    result: (accumulator) => accumulator,
  };
}

/** A running aggregation; `result` makes the output of it. */
export function aggregateFold<In, Acc>(
  aggregator: Pick<Aggregator<In, Acc, unknown>, 'create' | 'add'>,
  result: (accumulator: Acc, key: unknown) => unknown,
): KeyedFold {
  return {
    create: (record) => aggregator.add(aggregator.create(), record as In),
    add: aggregator.add as (accumulator: unknown, record: unknown) => unknown,
    result: result as (accumulator: unknown, key: unknown) => unknown,
  };
}

class FoldOperator implements Operator {
  readonly #fold: KeyedFold;
  readonly #context: OperatorContext;
  readonly #table: ValueTable<unknown>;

  constructor(fold: KeyedFold, context: OperatorContext) {
    this.#fold = fold;
    this.#context = context;
    this.#table = context.state.value('fold');
  }

  process(inbox: Inbox): void {
    const { records, timestamps, keys, slots, count } = inbox.batch;
    const { output } = this.#context;
    const table = this.#table;
    const fold = this.#fold;
    let at = inbox.cursor;
    try {
      for (; at < count && !output.full; at += 1) {
        const slot = slots[at] as number;
        const before = table.get(slot);
        const after = before === undefined ? fold.create(records[at]) : fold.add(before, records[at]);
        table.set(slot, after);
        output.push(fold.result(after, keys[at]), timestamps[at] as number);
      }
    } finally {
      inbox.cursor = at;
    }
  }
}
