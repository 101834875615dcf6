/**
 * What `infer` is told, checked.
 */
import { type Batched, batchCallsSpec, callsSpec } from '../../api/async.js';
import type { OnError } from '../../api/on-error.js';
import { describeValue, MillraceError } from '../../core/errors.js';
import type { StandardSchemaV1 } from '../../core/schema.js';
import { type Duration, durationMs } from '../../core/time.js';
import type { AsyncSpec } from '../../operators/async/async-operator.js';
import type { CacheSpec } from '../../operators/async/lookup-cache.js';
import { jsonSchemaOf } from '../json-schema.js';
import type { ChatModel } from '../model/chat-model.js';
import type { InferSpec } from './inference.js';

/** One question about each record, and what its answer looks like. */
export interface KeyedInferOptions<T, S extends StandardSchemaV1> {
  /** The model, or several: the next one answers where one fails. */
  readonly model: ChatModel | readonly ChatModel[];
  /** What is to be found out. */
  readonly instructions: string;
  /** What the model is shown of a record, as data: text, or anything with a JSON. Default: the record. */
  readonly input?: (record: T) => unknown;
  /** What answers look like: a schema with a JSON Schema. */
  readonly output: S;
  /** Answers are kept by what was asked, in each subtask, and not in checkpoints. Default: none is. */
  readonly cache?: {
    /** Answers at most; the one that has not been asked for longest goes first. Default 10,000. */
    readonly size?: number;
    /** How long one may be used; default: for ever. */
    readonly ttl?: Duration;
  };
  /** Calls under way in each subtask; default 100, in batches 10. */
  readonly capacity?: number;
  /** How long a record may take, with all attempts; after that it has failed with `MILL_ASYNC_TIMEOUT`. Default: for ever. */
  readonly timeout?: Duration;
  /** How often a model is called before the next one is, when failures pass; default 5. Pauses are as long as it asks for. */
  readonly attempts?: number;
  /** What becomes of records without an answer; a dead letter has what was asked and answered in `about`. */
  readonly onError?: OnError<T>;
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  /** The name that it has in older checkpoints, so that calls under way are found again. */
  readonly renamedFrom?: string;
}

/** Likewise, of a stream that is not keyed. */
export interface InferOptions<T, S extends StandardSchemaV1> extends KeyedInferOptions<T, S> {
  /** `'input'` (default): results in the order of their records. `'any'`: as they are ready; see `mapAsync`. */
  readonly order?: 'input' | 'any';
  /** One request for several records: fewer tokens for instructions, and records whose answer does not fit are asked about again. */
  readonly batch?: Batched;
}

const CACHE_SIZE = 10_000;
const MODEL_ATTEMPTS = 5;

/** The calls, and what is asked in them. Throws `MILL_OPTION_INVALID`. */
export function inferSpec<T, S extends StandardSchemaV1>(
  options: InferOptions<T, S>,
): { readonly spec: InferSpec; readonly calls: Omit<AsyncSpec, 'apply'> } {
  const { instructions, output, input = (record: T): unknown => record, attempts = MODEL_ATTEMPTS } = options;
  const { maxOutputTokens, temperature, batch, order, capacity, timeout } = options;
  const models = [options.model].flat() as readonly ChatModel[];
  if (models.length === 0 || models.some((model) => typeof model?.chat !== 'function'))
    throw invalid('model', options.model);
  if (typeof instructions !== 'string' || instructions === '') throw invalid('instructions', instructions);
  if (!Number.isSafeInteger(attempts) || attempts < 1) throw invalid('attempts', attempts);
  const given = {
    ...(order !== undefined && { order }),
    ...(capacity !== undefined && { capacity }),
    ...(timeout !== undefined && { timeout }),
  };
  return {
    spec: {
      models,
      instructions,
      inputOf: input as (record: never) => unknown,
      output,
      schema: jsonSchemaOf(output, 'the answers'),
      cache: cacheSpec(options.cache),
      attempts,
      limits: {
        ...(maxOutputTokens !== undefined && { maxOutputTokens }),
        ...(temperature !== undefined && { temperature }),
      },
    },
    calls: batch ? batchCallsSpec({ ...given, batch }) : callsSpec(given),
  };
}

function cacheSpec(cache: InferOptions<unknown, StandardSchemaV1>['cache']): CacheSpec {
  if (!cache) return { size: 0, ttlMs: 0 };
  const { size = CACHE_SIZE, ttl } = cache;
  if (!Number.isSafeInteger(size) || size < 0) throw invalid('cache.size', size);
  return { size, ttlMs: ttl === undefined ? Number.POSITIVE_INFINITY : durationMs(ttl, 'cache.ttl') };
}

function invalid(option: string, value: unknown): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', `${option} of infer is ${describeValue(value)}`);
}
