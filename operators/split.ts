/**
 * Sends each record to the side output of the first branch that wants it, and the rest to the main output.
 */
import type { Batch, Inbox } from '../core/batch.js';
import type { Operator, OperatorContext, OperatorFactory } from './operator.js';

export interface Branch {
  readonly name: string;
  readonly wants: (record: never) => unknown;
}

export function splitFactory(branches: readonly Branch[]): OperatorFactory {
  return (context) => new SplitOperator(branches, context);
}

class SplitOperator implements Operator {
  readonly #outputs: readonly { wants(record: unknown): unknown; readonly batch: Batch }[];
  readonly #rest: Batch;

  constructor(branches: readonly Branch[], context: OperatorContext) {
    this.#rest = context.output;
    this.#outputs = branches.map(({ name, wants }) => ({
      wants: wants as (record: unknown) => unknown,
      batch: context.side(name),
    }));
  }

  process(inbox: Inbox): void {
    const { records, timestamps, count } = inbox.batch;
    let at = inbox.cursor;
    try {
      for (; at < count; at += 1) {
        const batch = this.#choose(records[at]);
        if (batch.full) return;
        batch.push(records[at], timestamps[at] as number);
      }
    } finally {
      inbox.cursor = at;
    }
  }

  #choose(record: unknown): Batch {
    for (const output of this.#outputs) if (output.wants(record)) return output.batch;
    return this.#rest;
  }
}
