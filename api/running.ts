/**
 * Makes the operators of running aggregates. The methods that users call are in keyed-stream.ts.
 */
import { type Duration, durationMs } from '../core/time.js';
import { type AggregateBuilder, type AggregateParts, aggregateBuilder } from '../operators/aggregate/aggregates.js';
import { composeAggregates } from '../operators/aggregate/compose-aggregates.js';
import { bundledFoldFactory } from '../operators/bundled-fold.js';
import { aggregateFold, foldFactory, type KeyedFold } from '../operators/fold.js';
import { miniBatchFactory } from '../operators/mini-batch-fold.js';
import type { OperatorFactory } from '../operators/operator.js';
import type { Aggregator } from '../state/aggregator.js';
import { checkSize } from './chunk.js';
import type { OnError } from './on-error.js';

/** Options of keyed operators. */
export interface KeyedOptions<T> {
  readonly onError?: OnError<T>;
  /** The name that it has in older checkpoints, so that its state is found again. */
  readonly renamedFrom?: string;
}

/** Options of running aggregates. */
export interface RunningOptions<T> extends KeyedOptions<T> {
  /**
   * Puts out one result a key and batch of input, the last, instead of one for each record: less for what comes after. How
   * many records are in a batch depends on the load. With `{ size, delay }` it is one a key for `size` records of a subtask, or
   * for those of so long (Flink's mini-batch): checkpoints do not wait for that, event time does. Default: false.
   */
  readonly miniBatch?: boolean | { readonly size: number; readonly delay: Duration };
}

// biome-ignore lint/suspicious/noExplicitAny: aggregators of every accumulator
export type AggregateDefinition<T> = ((a: AggregateBuilder<T>) => AggregateParts<T>) | Aggregator<T, any, any>;

export function runningFactory(fold: KeyedFold, { miniBatch }: RunningOptions<never>): OperatorFactory {
  if (typeof miniBatch === 'object') {
    const { size, delay } = miniBatch;
    return bundledFoldFactory(fold, { size: checkSize(size), delayMs: durationMs(delay, 'delay of the mini-batch') });
  }
  return miniBatch ? miniBatchFactory(fold) : foldFactory(fold);
}

export function foldOf<T>(how: AggregateDefinition<T>): KeyedFold {
  if (typeof how !== 'function') return aggregateFold(how, (acc, key) => ({ key, value: how.result(acc) }));
  const composite = composeAggregates(how(aggregateBuilder<T>()));
  return aggregateFold(composite, composite.keyedResult);
}
