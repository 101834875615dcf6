/**
 * Jobs: a name and a definition, which builds the same plan wherever it is called.
 */
import { MillraceError } from '../core/errors.js';
import { LIMITS } from '../core/limits.js';
import type { LogicalPlan } from '../engine/graph/nodes.js';
import { checkName, closePlan } from '../engine/graph/plan.js';
import { brandJob, type LoadableJob } from '../engine/host/job-module.js';
import type { Source } from '../operators/source.js';
import { GraphBuilder } from './graph-builder.js';
import { type OnError, policyOf } from './on-error.js';
import type { Output } from './output.js';
import { Stream } from './stream.js';

/** Options of `j.from`. */
export interface SourceOptions {
  /** What happens to records that can't be read or don't fit the schema. */
  readonly onError?: OnError<unknown>;
  /** The name that the source has in older checkpoints, so that its positions are found again. */
  readonly renamedFrom?: string;
}

/** What a job definition gets: the way to begin streams. */
export class JobBuilder {
  readonly #graph: GraphBuilder;

  /** @internal */
  constructor(graph: GraphBuilder) {
    this.#graph = graph;
  }

  /**
   * Begins a stream. The name identifies the source's positions in checkpoints.
   *
   * `onError` says what happens to records that can't be read or don't fit the schema.
   *
   * @example j.from('orders', files('orders-*.ndjson', ndjson({ schema: Order })), { onError: 'skip' })
   */
  from<T>(name: string, source: Source<T>, options: SourceOptions = {}): Stream<T> {
    const onError = options.onError as OnError<never> | undefined;
    const { policy, sides } = policyOf(onError);
    const node = this.#graph.add(name, {
      kind: 'source',
      renamedFrom: options.renamedFrom,
      type: source.kind,
      description: source.description,
      inputs: [],
      sides,
      onError: policy,
      source: source as Source<unknown>,
    });
    this.#graph.deadLetters(node, onError);
    return new Stream<T>(this.#graph, [{ node, side: undefined }]);
  }
}

/** Options of `job`. */
export interface JobOptions<P> {
  /** Values that a run may change, with their defaults: plain data. */
  readonly params?: P;
  /** Key groups, the most subtasks the job's state can ever be dealt to; fixed for its life. Default 128. */
  readonly maxParallelism?: number;
}

/** A job, ready to be run, explained or tested. `R`: what iterating over its handle gives. */
export interface JobDefinition<R = unknown, P = unknown> extends LoadableJob {
  readonly name: string;
  readonly params: P;
  /** Builds the plan; `params` replace defaults of the same name. Throws for a definition that makes no sense. */
  plan(params?: unknown): LogicalPlan;
  /** Phantom: the type of its results. */
  readonly result?: R;
}

type Define<R, P> = (j: JobBuilder, params: P) => Output<R> | void;

/**
 * Defines a job. `define` is called on every thread that works for the job and must build the same graph each time:
 * from `params` only, without clock, randomness or environment.
 *
 * Functions in it may use what their module imports and declares; with workers, each thread has its own copy.
 *
 * @example
 * export default job('word-count', (j) => {
 *   j.from('book', files('book.txt', lines()))
 *     .flatMap((line) => line.toLowerCase().match(/\w+/g) ?? [])
 *     .keyBy((word) => word)
 *     .aggregate('counts', (w) => ({ n: w.count() }))
 *     .to('out', print())
 * })
 */
export function job<R = never>(
  name: string,
  define: Define<R, Record<never, never>>,
): JobDefinition<R, Record<never, never>>;
export function job<P, R = never>(name: string, options: JobOptions<P>, define: Define<R, P>): JobDefinition<R, P>;
export function job<P, R>(
  name: string,
  first: JobOptions<P> | Define<R, P>,
  second?: Define<R, P>,
): JobDefinition<R, P> {
  const options: JobOptions<P> = typeof first === 'function' ? {} : first;
  const define = typeof first === 'function' ? first : second;
  checkName(name, 'a job');
  if (!define) throw new MillraceError('MILL_PLAN_INVALID', `job ${name} has no definition`);
  const maxParallelism = checkMaxParallelism(options.maxParallelism ?? LIMITS.maxParallelism);
  const plan = (params?: unknown): LogicalPlan => {
    const graph = new GraphBuilder();
    const results = define(new JobBuilder(graph), { ...options.params, ...(params as P) })?.name;
    return closePlan(name, graph.nodes, maxParallelism, results);
  };
  return Object.freeze(
    brandJob({
      name,
      params: options.params ?? ({} as P),
      plan,
    }),
  );
}

function checkMaxParallelism(groups: number): number {
  if (Number.isInteger(groups) && groups >= 1 && groups <= 32_768) return groups;
  throw new MillraceError('MILL_OPTION_INVALID', `maxParallelism is ${groups}, expected an integer from 1 to 32768`);
}
