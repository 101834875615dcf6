/**
 * Gives streams their method `infer`: whoever imports millrace/agents has it.
 */
import type { Input } from '../../api/graph-builder.js';
import { KeyedStream } from '../../api/keyed-stream.js';
import { Stream } from '../../api/stream.js';
import { MillraceError } from '../../core/errors.js';
import type { Key } from '../../core/key.js';
import type { InferOutput, StandardSchemaV1 } from '../../core/schema.js';
import { AsyncOperator, type AsyncSpec } from '../../operators/async/async-operator.js';
import type { CallContext } from '../../operators/async/call.js';
import type { OperatorFactory } from '../../operators/operator.js';
import { joinedOrFailed } from '../joined.js';
import { type InferOptions, inferSpec, type KeyedInferOptions } from './infer-options.js';
import { Inference, type InferSpec } from './inference.js';

declare module '../../api/stream.js' {
  interface Stream<T> {
    /**
     * Asks a model one question about each record: what it is about, what is in it, how to say it shorter. What comes out is the
     * answer, typed by its schema, or what `combine` makes of it and the record.
     *
     * Calls are those of `mapAsync`: in checkpoints, up to `capacity` at a time. Failures that pass are tried again when the
     * provider says so, and an answer that does not fit may be mended once; a record without an answer is treated as
     * `onError` says. Throws `MILL_OPTION_INVALID`.
     *
     * @example
     * reviews.infer('mood', {
     *   model,
     *   instructions: 'Is the customer happy?',
     *   input: (review) => review.text,
     *   output: z.object({ happy: z.boolean() }),
     *   batch: { size: 20, delay: '100ms' },
     * }, (review, { happy }) => ({ ...review, happy }))
     */
    infer<S extends StandardSchemaV1>(name: string, options: InferOptions<T, S>): Stream<InferOutput<S>>;
    infer<S extends StandardSchemaV1, O>(
      name: string,
      options: InferOptions<T, S>,
      combine: (record: T, answer: InferOutput<S>) => O,
    ): Stream<O>;
  }
}

declare module '../../api/keyed-stream.js' {
  interface KeyedStream<K extends Key, T> {
    /**
     * As `infer` of a stream, with one question a key at a time, in the order of its records.
     *
     * @example messages.keyBy((m) => m.thread).infer('summary', { model, instructions: 'In one sentence.', output: Summary })
     */
    infer<S extends StandardSchemaV1>(name: string, options: KeyedInferOptions<T, S>): Stream<InferOutput<S>>;
    infer<S extends StandardSchemaV1, O>(
      name: string,
      options: KeyedInferOptions<T, S>,
      combine: (record: T, answer: InferOutput<S>) => O,
    ): Stream<O>;
  }
}

type Combine = (record: never, answer: never) => unknown;
type Options = InferOptions<never, StandardSchemaV1>;

Stream.prototype.infer = function (this: Stream<unknown>, name: string, options: Options, combine?: Combine) {
  const input = { origins: this.origins, partition: { kind: 'forward' } } as const;
  return inferred(this, input, name, options, combine, false);
} as Stream<unknown>['infer'];

KeyedStream.prototype.infer = function (
  this: KeyedStream<Key, unknown>,
  name: string,
  options: Options,
  combine?: Combine,
) {
  return inferred(this, this.input, name, options, combine, true);
} as KeyedStream<Key, unknown>['infer'];

function inferred(
  { graph }: Pick<Stream<unknown>, 'graph'>,
  input: Input,
  name: string,
  options: Options,
  combine: Combine | undefined,
  keyed: boolean,
): Stream<unknown> {
  if (keyed && options.batch)
    throw new MillraceError(
      'MILL_OPTION_INVALID',
      'infer of a keyed stream asks about one record at a time, without batch',
    );
  const { spec, calls } = inferSpec(options);
  const node = graph.operator({
    type: 'infer',
    name,
    renamedFrom: options.renamedFrom,
    description: spec.models.map(({ id }) => id).join(', '),
    inputs: [input],
    keyed,
    onError: options.onError,
    factory: inferFactory(spec, keyed ? { ...calls, order: 'key' } : calls, combine),
  });
  return new Stream<unknown>(graph, [{ node, side: undefined }]);
}

function inferFactory(spec: InferSpec, calls: Omit<AsyncSpec, 'apply'>, combine: Combine | undefined): OperatorFactory {
  const joined = (record: unknown, answer: unknown): unknown =>
    combine ? combine(record as never, answer as never) : answer;
  return (context, restored) => {
    const inference = new Inference(spec, context.host);
    const one = (record: unknown, { signal }: CallContext): unknown => {
      const answer = inference.one(record, signal);
      return answer instanceof Promise ? answer.then((value) => joined(record, value)) : joined(record, answer);
    };
    const several = async (records: readonly unknown[], { signal }: CallContext): Promise<readonly unknown[]> =>
      (await inference.several(records, signal)).map((answer, at) => joinedOrFailed(combine, records[at], answer));
    const apply = (calls.batch ? several : one) as AsyncSpec['apply'];
    return new AsyncOperator({ ...calls, apply, meters: () => inference.health.meters.all }, context, restored);
  };
}
