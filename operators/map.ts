/**
 * One record in, one out. Rows are written to the output's columns directly: this loop is most of what a stateless
 * job does.
 */
import type { Inbox } from '../core/batch.js';
import type { Operator, OperatorContext, OperatorFactory } from './operator.js';

export function mapFactory(apply: (record: never) => unknown): OperatorFactory {
  return (context) => new MapOperator(apply as (record: unknown) => unknown, context);
}

class MapOperator implements Operator {
  readonly #apply: (record: unknown) => unknown;
  readonly #context: OperatorContext;

  constructor(apply: (record: unknown) => unknown, context: OperatorContext) {
    this.#apply = apply;
    this.#context = context;
  }

  process(inbox: Inbox): void {
    const { records, timestamps } = inbox.batch;
    const { output } = this.#context;
    const apply = this.#apply;
    const to = output.records;
    const times = output.timestamps;
    const end = Math.min(inbox.batch.count, inbox.cursor + output.room);
    let at = inbox.cursor;
    let put = output.count;
    try {
      for (; at < end; at += 1) {
        to[put] = apply(records[at]);
        times[put] = timestamps[at] as number;
        put += 1;
      }
    } finally {
      inbox.cursor = at;
      output.count = put;
    }
  }
}
