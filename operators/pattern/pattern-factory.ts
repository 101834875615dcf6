/** Chooses the operator for a pattern: in event time, or in processing time. */
import type { OperatorFactory } from '../operator.js';
import { ArrivalOperator } from './arrival-operator.js';
import { PatternOperator } from './pattern-operator.js';
import type { PatternSpec } from './pattern-spec.js';

export function patternFactory(spec: PatternSpec & { readonly time: 'event' | 'processing' }): OperatorFactory {
  return (context) =>
    spec.time === 'processing' ? new ArrivalOperator(spec, context) : new PatternOperator(spec, context);
}
