/**
 * Finds patterns that come and go while the job runs: rules, which are broadcast, say which. A record is shown to the rules
 * that are in force when the watermark passes it.
 */
import type { Inbox } from '../../core/batch.js';
import type { Operator, OperatorContext, OperatorFactory } from '../operator.js';
import { PatternOperator } from './pattern-operator.js';
import type { PatternSpec } from './pattern-spec.js';
import { type Rule, RuleTurns, type SavedRules } from './rule-turns.js';

export interface DynamicSpec {
  readonly specOf: (rule: Rule) => PatternSpec;
  readonly compare: PatternSpec['compare'];
}

export function dynamicPatternFactory(spec: DynamicSpec): OperatorFactory {
  return (context, restored) => new DynamicPatternOperator(spec, context, restored[0] as SavedRules | undefined);
}

class DynamicPatternOperator implements Operator {
  readonly #context: OperatorContext;
  readonly #turns: RuleTurns;
  readonly #patterns: PatternOperator;

  constructor({ specOf, compare }: DynamicSpec, context: OperatorContext, saved: SavedRules | undefined) {
    let turns: RuleTurns | undefined;
    this.#context = context;
    this.#patterns = new PatternOperator(compare, context, ({ timers, waits }) => {
      turns = new RuleTurns({ context, timers, waits, specOf }, saved);
      return turns;
    });
    this.#turns = turns as unknown as RuleTurns;
  }

  open(): void {
    this.#patterns.open();
  }

  process(inbox: Inbox): void {
    if (inbox.port === 0) {
      this.#patterns.process(inbox);
      return;
    }
    for (; !inbox.drained; inbox.cursor += 1) this.#apply(inbox.batch.records[inbox.cursor] as Rule);
  }

  onWatermark(watermark: number): boolean {
    return this.#patterns.onWatermark(watermark);
  }

  snapshot(): { readonly state: SavedRules } {
    return { state: this.#turns.snapshot() };
  }

  /** Every subtask gets every rule: one of them says what is wrong with it. */
  #apply(rule: Rule): void {
    try {
      this.#turns.apply(rule);
    } catch (error) {
      if (this.#context.subtask === 0) throw error;
    }
  }
}
