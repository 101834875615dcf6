/**
 * One record in, any number out; what the function returns is pulled as room permits.
 */
import type { Inbox } from '../core/batch.js';
import { LazyOutput } from './lazy-output.js';
import type { Operator, OperatorContext, OperatorFactory } from './operator.js';

export function flatMapFactory(expand: (record: never) => Iterable<unknown>): OperatorFactory {
  return (context) => new FlatMapOperator(expand as (record: unknown) => Iterable<unknown>, context);
}

class FlatMapOperator implements Operator {
  readonly #expand: (record: unknown) => Iterable<unknown>;
  readonly #context: OperatorContext;
  readonly #lazy = new LazyOutput();

  constructor(expand: (record: unknown) => Iterable<unknown>, context: OperatorContext) {
    this.#expand = expand;
    this.#context = context;
  }

  process(inbox: Inbox): void {
    const { records, timestamps, count } = inbox.batch;
    const { output } = this.#context;
    const lazy = this.#lazy;
    if (lazy.pending) {
      if (!lazy.resume(output)) return;
      inbox.cursor += 1;
    }
    let at = inbox.cursor;
    try {
      for (; at < count && !output.full; at += 1) {
        if (!lazy.put(this.#expand(records[at]), timestamps[at] as number, output)) return;
      }
    } finally {
      inbox.cursor = at;
    }
  }

  close(): void {
    this.#lazy.close();
  }
}
