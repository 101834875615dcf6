/**
 * What `infer` is told, checked.
 */
import { type Batched, batchCallsSpec, callsSpec } from '../../api/async.js';
import type { StandardSchemaV1 } from '../../core/schema.js';
import type { AsyncSpec } from '../../operators/async/async-operator.js';
import { jsonSchemaOf } from '../json-schema.js';
import type { ChatModel } from '../model/chat-model.js';
import {
  attemptsOf,
  cacheSpec,
  callOptions,
  invalidOption,
  type ModelStreamOptions,
  modelsOf,
} from '../model-stream-options.js';
import type { InferSpec } from './inference.js';

/** One question about each record, and what its answer looks like. A dead letter has what was asked and answered in `about`. */
export interface KeyedInferOptions<T, S extends StandardSchemaV1> extends ModelStreamOptions<T> {
  /** The model, or several: the next one answers where one fails. */
  readonly model: ChatModel | readonly ChatModel[];
  /** What is to be found out. */
  readonly instructions: string;
  /** What the model is shown of a record, as data: text, or anything with a JSON. Default: the record. */
  readonly input?: (record: T) => unknown;
  /** What answers look like: a schema with a JSON Schema. */
  readonly output: S;
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
}

/** Likewise, of a stream that is not keyed. */
export interface InferOptions<T, S extends StandardSchemaV1> extends KeyedInferOptions<T, S> {
  /** `'input'` (default): results in the order of their records. `'any'`: as they are ready; see `mapAsync`. */
  readonly order?: 'input' | 'any';
  /** One request for several records: fewer tokens for instructions, and records whose answer does not fit are asked about again. */
  readonly batch?: Batched;
}

/** The calls, and what is asked in them. Throws `MILL_OPTION_INVALID`. */
export function inferSpec<T, S extends StandardSchemaV1>(
  options: InferOptions<T, S>,
): { readonly spec: InferSpec; readonly calls: Omit<AsyncSpec, 'apply'> } {
  const { model, instructions, output, input = (record: T): unknown => record, cache, attempts, batch } = options;
  if (typeof instructions !== 'string' || instructions === '') throw invalidOption('instructions', instructions);
  const calls = callOptions(options, 'order', 'capacity', 'timeout');
  return {
    spec: {
      models: modelsOf(model, 'chat'),
      instructions,
      inputOf: input as (record: never) => unknown,
      output,
      schema: jsonSchemaOf(output, 'the answers'),
      cache: cacheSpec(cache),
      attempts: attemptsOf(attempts),
      limits: callOptions(options, 'maxOutputTokens', 'temperature'),
    },
    calls: batch ? batchCallsSpec({ ...calls, batch }) : callsSpec(calls),
  };
}
