/**
 * Keeps the records that a predicate holds for.
 */
import type { Inbox } from '../core/batch.js';
import type { Operator, OperatorContext, OperatorFactory } from './operator.js';

export function filterFactory(keep: (record: never) => unknown): OperatorFactory {
  return (context) => new FilterOperator(keep as (record: unknown) => unknown, context);
}

class FilterOperator implements Operator {
  readonly #keep: (record: unknown) => unknown;
  readonly #context: OperatorContext;

  constructor(keep: (record: unknown) => unknown, context: OperatorContext) {
    this.#keep = keep;
    this.#context = context;
  }

  process(inbox: Inbox): void {
    const { records, timestamps } = inbox.batch;
    const { output } = this.#context;
    const keep = this.#keep;
    const to = output.records;
    const times = output.timestamps;
    // As many as there is room for at worst; if few are kept, the engine calls again at once.
    const end = Math.min(inbox.batch.count, inbox.cursor + output.room);
    let at = inbox.cursor;
    let put = output.count;
    try {
      for (; at < end; at += 1) {
        const record = records[at];
        if (!keep(record)) continue;
        to[put] = record;
        times[put] = timestamps[at] as number;
        put += 1;
      }
    } finally {
      inbox.cursor = at;
      output.count = put;
    }
  }
}
