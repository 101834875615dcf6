/**
 * Gives streams their method `embed`: whoever imports millrace/agents has it.
 */
import { type Batched, batchCallsSpec } from '../../api/async.js';
import { Stream } from '../../api/stream.js';
import { AsyncOperator, type AsyncSpec } from '../../operators/async/async-operator.js';
import type { CallContext } from '../../operators/async/call.js';
import type { OperatorFactory } from '../../operators/operator.js';
import { joinedOrFailed } from '../joined.js';
import type { EmbeddingModel } from '../model/embedding-model.js';
import { attemptsOf, cacheSpec, callOptions, type ModelStreamOptions, modelsOf } from '../model-stream-options.js';
import { Embedding, type EmbedSpec } from './embedding.js';

/** How records get their vectors. */
export interface EmbedOptions<T> extends ModelStreamOptions<T> {
  /** The model, or several of the same vectors: the next one answers where one fails. */
  readonly model: EmbeddingModel | readonly EmbeddingModel[];
  /** The text of a record. Default: the record, which must be one. A record without text has no vector. */
  readonly input?: (record: T) => string;
  /** How many texts are in a request, and how long the first waits for the others; default 100, and 10 ms. */
  readonly batch?: Batched;
  /** `'input'` (default): results in the order of their records. `'any'`: as they are ready; see `mapAsync`. */
  readonly order?: 'input' | 'any';
}

declare module '../../api/stream.js' {
  interface Stream<T> {
    /**
     * Has a model turn a text of each record into a vector: many texts in a request, the same one once. What comes out is the
     * vector, or what `combine` makes of it and the record. Calls are those of `batchAsync`; see `infer` for their failures.
     *
     * @example
     * pages.embed('vectors', { model, input: (page) => page.text }, (page, vector) => ({ ...page, vector }))
     */
    embed(name: string, options: EmbedOptions<T>): Stream<Float32Array>;
    embed<O>(name: string, options: EmbedOptions<T>, combine: (record: T, vector: Float32Array) => O): Stream<O>;
  }
}

type Combine = (record: never, vector: never) => unknown;

Stream.prototype.embed = function (
  this: Stream<unknown>,
  name: string,
  options: EmbedOptions<never>,
  combine?: Combine,
) {
  const { model, input = (record: unknown): unknown => record, cache, attempts, batch = {} } = options;
  const spec: EmbedSpec = {
    models: modelsOf(model, 'embed'),
    inputOf: input as (record: never) => unknown,
    cache: cacheSpec(cache),
    attempts: attemptsOf(attempts),
  };
  const calls = batchCallsSpec({ ...callOptions(options, 'order', 'capacity', 'timeout'), batch });
  const node = this.graph.operator({
    type: 'embed',
    name,
    renamedFrom: options.renamedFrom,
    description: spec.models.map(({ id }) => id).join(', '),
    inputs: [{ origins: this.origins, partition: { kind: 'forward' } }],
    onError: options.onError,
    factory: embedFactory(spec, calls, combine),
  });
  return new Stream<unknown>(this.graph, [{ node, side: undefined }]);
} as Stream<unknown>['embed'];

function embedFactory(spec: EmbedSpec, calls: Omit<AsyncSpec, 'apply'>, combine: Combine | undefined): OperatorFactory {
  return (context, restored) => {
    const embedding = new Embedding(spec, context.host);
    const apply = async (records: readonly unknown[], { signal }: CallContext): Promise<readonly unknown[]> =>
      (await embedding.several(records, signal)).map((vector, at) => joinedOrFailed(combine, records[at], vector));
    const meters = () => embedding.health.meters.all;
    return new AsyncOperator({ ...calls, apply: apply as AsyncSpec['apply'], meters }, context, restored);
  };
}
