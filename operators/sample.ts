/**
 * Lets some of the records through: each with a probability, drawn by the subtask's own generator, or every so many-th of
 * each subtask. Both go on from a checkpoint as they would have without it.
 */
import type { Inbox } from '../core/batch.js';
import type { Operator, OperatorContext, OperatorFactory } from './operator.js';

/** A probability, or every so many-th. */
export type SampleSpec = { readonly fraction: number } | { readonly every: number };

export function sampleFactory(spec: SampleSpec): OperatorFactory {
  return (context, restored) => new SampleOperator(spec, context, restored[0] as number | undefined);
}

class SampleOperator implements Operator {
  readonly #spec: SampleSpec;
  readonly #context: OperatorContext;
  /** Records so far, up to the next that is let through. */
  #count: number;

  constructor(spec: SampleSpec, context: OperatorContext, restored: number | undefined) {
    this.#spec = spec;
    this.#context = context;
    this.#count = restored ?? 0;
  }

  process(inbox: Inbox): void {
    const { records, timestamps, count } = inbox.batch;
    const { output } = this.#context;
    for (; inbox.cursor < count && !output.full; inbox.cursor += 1)
      if (this.#isChosen()) output.push(records[inbox.cursor], timestamps[inbox.cursor] as number);
  }

  snapshot(): { readonly state: number } {
    return { state: this.#count };
  }

  #isChosen(): boolean {
    if ('fraction' in this.#spec) return this.#context.random() < this.#spec.fraction;
    this.#count = (this.#count + 1) % this.#spec.every;
    return this.#count === 0;
  }
}
