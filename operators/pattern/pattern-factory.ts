/** Chooses the operator for a pattern: in event time, or in processing time. */
import type { OperatorContext, OperatorFactory } from '../operator.js';
import { ArrivalOperator } from './arrival-operator.js';
import { PatternOperator } from './pattern-operator.js';
import { matchTurn, type PatternSpec } from './pattern-spec.js';

export function patternFactory(spec: PatternSpec & { readonly time: 'event' | 'processing' }): OperatorFactory {
  return (context) =>
    spec.time === 'processing' ? new ArrivalOperator(spec, context) : eventTimeOperator(spec, context);
}

function eventTimeOperator(spec: PatternSpec, context: OperatorContext): PatternOperator {
  return new PatternOperator(spec.compare, context, ({ timers, waits }) =>
    matchTurn(spec, context, {
      timers,
      isNeeded: waits,
      onError: (error, record, timestamp) => context.reject(error, record, timestamp),
    }),
  );
}
