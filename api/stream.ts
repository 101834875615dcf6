/**
 * Streams: what a job definition is written in. A stream is a place in the graph and the type of its records; each
 * method adds a node and returns a new place.
 */

import { describeValue, MillraceError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import type { Duration } from '../core/time.js';

import { eventTimeText } from '../engine/graph/explain.js';
import type { Partition } from '../engine/graph/nodes.js';
import { type AsyncSpec, asyncFactory } from '../operators/async/async-operator.js';
import type { CallContext } from '../operators/async/call.js';
import { throttleFactory } from '../operators/async/throttle.js';
import { chunkFactory } from '../operators/chunk.js';
import { filterFactory } from '../operators/filter.js';
import { flatMapFactory } from '../operators/flat-map.js';
import { mapFactory } from '../operators/map.js';
import { offloadFactory } from '../operators/offload.js';
import { type SampleSpec, sampleFactory } from '../operators/sample.js';
import type { Sink } from '../operators/sink.js';
import { splitFactory } from '../operators/split.js';
import type { WindowAssigner } from '../operators/window/assigners.js';
import { AllWindowedStream } from './all-windowed-stream.js';
import { type AsyncOptions, asyncSpec, type BatchAsyncOptions, batchAsyncSpec } from './async.js';
import {
  BroadcastConnectedStreams,
  type BroadcastJoin,
  type BroadcastJoinOptions,
  BroadcastStream,
  broadcastJoin,
} from './broadcast.js';
import { checkSize, chunkSpec } from './chunk.js';
import { declaredAt } from './declared-at.js';
import { type EventTimeOptions, eventTimeOf } from './event-time.js';
import { FORWARD, type GraphBuilder, type Input, type OperatorSpec, type Origin } from './graph-builder.js';
import type { RightOf } from './join-types.js';
import { KeyedStream } from './keyed-stream.js';
import { type Lookup, lookupJoinFactory } from './lookups.js';
import { type OnError, policyOf } from './on-error.js';
import { Output } from './output.js';
import type { WindowOptions } from './windows.js';

/** Options that every stateless operator takes. */
export interface OperatorOptions<T> {
  /** Its name in plans, metrics and errors. */
  readonly name?: string;
  readonly onError?: OnError<T>;
  /** `false`: it begins a chain of its own, and takes turns with what is before it. Default: it goes on with that. */
  readonly chain?: boolean;
}

/** Options of `to`. */
export interface SinkOptions {
  /** The name that the sink has in older checkpoints, so that its files are its own. */
  readonly renamedFrom?: string;
}

/** A branch of `split`: a predicate, or a type guard, which gives the branch its narrower type. */
// biome-ignore format: the formatter drops the parentheses, without which it does not parse
type BranchOf<T, P> = P extends (record: T) => record is (infer U extends T) ? U : T;

/**
 * A stream of records of type `T`. Records are plain data and immutable.
 */
export class Stream<T> {
  /** @internal */
  readonly graph: GraphBuilder;
  /** @internal */
  readonly origins: readonly Origin[];
  /** Phantom: the type of its records. */
  declare readonly record?: T;

  /** @internal */
  constructor(graph: GraphBuilder, origins: readonly Origin[]) {
    this.graph = graph;
    this.origins = origins;
  }

  /**
   * Turns each record into another. Cost: one call a record.
   *
   * @example orders.map((order) => ({ ...order, euros: order.cents / 100 }))
   */
  map<U>(apply: (record: T) => U, options?: OperatorOptions<T>): Stream<U> {
    return this.#then<U>('map', mapFactory(apply), options);
  }

  /**
   * Keeps the records that `keep` returns something truthy for. A type guard narrows the stream's type.
   *
   * @example orders.filter((order) => order.cents > 10_000)
   */
  filter<U extends T>(keep: (record: T) => record is U, options?: OperatorOptions<T>): Stream<U>;
  filter(keep: (record: T) => unknown, options?: OperatorOptions<T>): Stream<T>;
  filter(keep: (record: T) => unknown, options?: OperatorOptions<T>): Stream<T> {
    return this.#then<T>('filter', filterFactory(keep), options);
  }

  /**
   * Turns each record into any number of others. What `expand` returns is pulled as there is room downstream: a
   * generator of a million records holds one at a time.
   *
   * @example lines.flatMap((line) => line.split(' '))
   */
  flatMap<U>(expand: (record: T) => Iterable<U>, options?: OperatorOptions<T>): Stream<U> {
    return this.#then<U>('flat-map', flatMapFactory(expand), options);
  }

  /**
   * Runs a CPU-heavy function on a pool of threads; results keep the order of their records. Worth it from about a
   * millisecond a record; below that, `map` is faster. The pool is shared by the whole process and bounded.
   *
   * `batch`: records a task (default 1); more of them share the cost of a task, and fail together.
   *
   * @example photos.offload('thumbnail', (photo) => shrink(photo))
   */
  offload<U>(
    name: string,
    apply: (record: T) => U | Promise<U>,
    options: { readonly batch?: number; readonly onError?: OnError<T> } = {},
  ): Stream<U> {
    const factory = offloadFactory(apply, options.batch ?? 1);
    return this.#add<U>({ type: 'offload', name, onError: options.onError, offloaded: apply, factory });
  }

  /**
   * Calls an asynchronous function for each record: a lookup, a service, a model. Up to `capacity` calls are under way at a
   * time in each subtask; beyond that the stream waits. Results keep the timestamps of their records, and no watermark
   * overtakes a record before it (Flink's AsyncDataStream).
   *
   * Calls whose results are not out when a checkpoint is taken are made again if the job goes on from it: the results are in
   * the output once, but a call may be made twice. `signal` is aborted when the result is no longer wanted.
   *
   * @example
   * orders.mapAsync('priced', async (order, { signal }) => {
   *   const response = await fetch(`http://prices/${order.item}`, { signal })
   *   return { ...order, price: await response.json() }
   * }, { order: 'any', timeout: '2s', retry: { attempts: 3, delay: '100ms', factor: 2 } })
   */
  mapAsync<U>(
    name: string,
    apply: (record: T, context: CallContext) => U | PromiseLike<U>,
    options: AsyncOptions<T, U> = {},
  ): Stream<U> {
    const factory = asyncFactory(asyncSpec(apply, options));
    const { onError, renamedFrom } = options;
    return this.#add<U>({ type: 'map-async', name, onError, renamedFrom, factory });
  }

  /**
   * As `mapAsync`, with one call for several records, which returns as many results, in their order: for what answers many
   * questions as fast as one. A call that fails, fails for all of its records.
   *
   * @example
   * orders.batchAsync('priced', async (batch) => {
   *   const prices = await db.prices(batch.map((order) => order.item))
   *   return batch.map((order, at) => ({ ...order, price: prices[at] }))
   * }, { batch: { size: 50, delay: '5ms' } })
   */
  batchAsync<U>(
    name: string,
    apply: (records: readonly T[], context: CallContext) => readonly U[] | PromiseLike<readonly U[]>,
    options: BatchAsyncOptions<T, U> = {},
  ): Stream<U> {
    const factory = asyncFactory(batchAsyncSpec(apply as AsyncSpec['apply'], options));
    const { onError, renamedFrom } = options;
    return this.#add<U>({ type: 'batch-async', name, onError, renamedFrom, factory });
  }

  /**
   * Joins each record with a row that is looked up elsewhere: in a database, a service, a file (Flink's lookup join). Rows are
   * looked up one by one (`lookup`) or several together (`lookupAll`), with a cache of rows, or the whole `table` is loaded
   * into each subtask. Calls are those of `mapAsync`, with its options: in checkpoints, with time-outs and retries.
   *
   * What a record is joined with is the row at the time at which it is looked up, which another run may find changed.
   *
   * @example
   * orders.lookupJoin('customers', {
   *   key: (order) => order.customer,
   *   lookup: (id) => db.customer(id),
   *   cache: { size: 10_000, ttl: '5m' },
   * }, (order, customer) => ({ ...order, city: customer.city }))
   */
  lookupJoin<K extends Key, V, O, const J extends 'inner' | 'left' = 'inner'>(
    name: string,
    how: Lookup<T, K, V, J>,
    combine: (record: T, row: RightOf<V, J>) => O,
    options: AsyncOptions<T, O> = {},
  ): Stream<O> {
    const factory = lookupJoinFactory(how as never, combine as never, options as AsyncOptions<never, unknown>);
    const { onError, renamedFrom } = options;
    return this.#add<O>({ type: 'lookup-join', name, onError, renamedFrom, factory });
  }

  /**
   * Says when each record happened: `timestamp` returns epoch milliseconds, of which fractions are left out. Directly
   * after a source that has no other reader, and without an `onError` of its own, event time is followed per file or
   * partition, so that a slow one holds windows open rather than making records late. Elsewhere it is followed per
   * subtask.
   *
   * @example j.from('orders', source).eventTime((order) => order.at, { outOfOrder: '5s', idleAfter: '30s' })
   */
  eventTime(timestamp: (record: T) => number, options: EventTimeOptions<T> = {}): Stream<T> {
    const { policy, sides } = policyOf(options.onError);
    const eventTime = eventTimeOf(timestamp, options);
    const id = this.graph.add(undefined, {
      kind: 'event-time',
      type: 'event-time',
      description: eventTimeText(eventTime),
      inputs: this.origins.map(({ node, side }) => ({ from: node, side, port: 0, partition: FORWARD })),
      sides,
      onError: policy,
      eventTime,
    });
    this.graph.deadLetters(id, options.onError);
    return new Stream(this.graph, [{ node: id, side: undefined }]);
  }

  /**
   * Deals records to subtasks by key, so that state and windows can be kept per key. Keys are compared by
   * value: strings, numbers, bigints, booleans, null, and arrays of them.
   *
   * @example orders.keyBy((order) => order.user)
   */
  keyBy<const K extends Key>(selector: (record: T) => K): KeyedStream<K, T> {
    return new KeyedStream(this.graph, { origins: this.origins, partition: { kind: 'hash', selector } });
  }

  /**
   * Groups all records, whatever their key, as `window` of a keyed stream does per key. Aggregates and reductions of
   * aligned windows of event time are made in two stages, so that no subtask gets all records.
   *
   * @example orders.windowAll(tumbling('1m')).aggregate('per-minute', (a) => ({ orders: a.count() }))
   */
  windowAll(assigner: WindowAssigner<T>, options: WindowOptions<T> = {}): AllWindowedStream<T> {
    return new AllWindowedStream(this.graph, this.origins, assigner, options);
  }

  /**
   * Each record to every subtask of what it is connected with: rules, thresholds, a small table.
   *
   * @example payments.keyBy((p) => p.card).connect(rules.broadcast()).process('alerts', { … })
   */
  broadcast(): BroadcastStream<T> {
    return new BroadcastStream(this.origins);
  }

  /**
   * Brings the stream and a broadcast one together: its records read, where they are, what those of the other have left.
   *
   * @example lines.connect(words.broadcast()).process('marked', { broadcast: { words: state.map<string, true>() }, … })
   */
  connect<R>(other: BroadcastStream<R>): BroadcastConnectedStreams<T, R> {
    return new BroadcastConnectedStreams(this.graph, [this.#input(), other.input]);
  }

  /**
   * Joins each record with the row of a small table that has been broadcast, as it is when the record comes: no record of the
   * large stream travels. Rows replace one another by their keys. State: the table, in every subtask.
   *
   * @example
   * orders.broadcastJoin('rates', rates.broadcast(), {
   *   key: (order) => order.currency,
   *   rowKey: (rate) => rate.currency,
   * }, (order, rate) => ({ ...order, euros: order.amount * rate.euros }))
   */
  broadcastJoin<K extends Key, R, O, const J extends 'inner' | 'left' = 'inner'>(
    name: string,
    table: BroadcastStream<R>,
    how: BroadcastJoin<T, K, R, J>,
    combine: (record: T, row: RightOf<R, J>) => O,
    options: BroadcastJoinOptions<T, R> = {},
  ): Stream<O> {
    return this.connect(table).process(
      name,
      broadcastJoin(how, combine as (record: T, row: R | undefined) => O, options),
    );
  }

  /**
   * Both streams as one, in no particular order. The types may differ.
   *
   * @example web.union(mobile, shop)
   */
  union<U = T>(...others: readonly Stream<U>[]): Stream<T | U> {
    return new Stream(this.graph, [...this.origins, ...others.flatMap((other) => other.origins)]);
  }

  /**
   * Sends each record to the first branch whose predicate holds; what none wants is in `rest`. Type guards narrow.
   *
   * @example const { large, rest } = orders.split({ large: (order) => order.cents > 10_000 })
   */
  split<const P extends Readonly<Record<string, (record: T) => unknown>>>(
    branches: P,
  ): { readonly [N in keyof P]: Stream<BranchOf<T, P[N]>> } & { readonly rest: Stream<T> } {
    const names = Object.keys(branches);
    if (names.includes('rest')) {
      throw new MillraceError('MILL_NAME_TAKEN', 'a branch is named rest, as what no branch wants is', {
        declaredAt: declaredAt(),
      });
    }
    const factory = splitFactory(names.map((name) => ({ name, wants: branches[name] as (record: T) => unknown })));
    const node = this.graph.operator({ type: 'split', inputs: [this.#input()], sides: names, factory });
    const streams = names.map((name) => [name, new Stream<T>(this.graph, [{ node, side: name }])]);
    return { ...Object.fromEntries(streams), rest: new Stream<T>(this.graph, [{ node, side: undefined }]) };
  }

  /**
   * Calls a function for each record, which passes unchanged: to count, to log.
   *
   * @example orders.tap((order) => log.debug(order))
   */
  tap(look: (record: T) => unknown, options?: OperatorOptions<T>): Stream<T> {
    const pass = (record: T): T => {
      look(record);
      return record;
    };
    return this.#then<T>('tap', mapFactory(pass), options);
  }

  /**
   * Lets some of the records through: a fraction, each drawn by itself, or every so many-th of each subtask. The generator is
   * part of the job's state. Throws `MILL_OPTION_INVALID` unless the fraction is from 0 to 1, and `every` a whole number.
   *
   * @example clicks.sample(0.01)
   * @example clicks.sample({ every: 100 })
   */
  sample(what: number | { readonly every: number }, options?: OperatorOptions<T>): Stream<T> {
    return this.#then<T>('sample', sampleFactory(sampleSpec(what)), options);
  }

  /**
   * Lets at most so many records a second through, all subtasks together; the stream waits for its turn. Turns of less than a
   * millisecond are not told apart. Throws `MILL_OPTION_INVALID` unless `perSecond` is above 0.
   *
   * @example alerts.throttle('gently', { perSecond: 10 })
   */
  throttle(name: string, { perSecond }: { readonly perSecond: number }): Stream<T> {
    return this.#add<T>({ type: 'throttle', name, onError: undefined, factory: throttleFactory(checkRate(perSecond)) });
  }

  /**
   * Gathers records into arrays of `size`, in order of arrival in each subtask; smaller ones when the first record has waited
   * for `within` (processing time), and at the end. A chunk carries the greatest timestamp of its records; watermarks
   * wait for what came before them, so without `within` a stream that pauses holds event time back.
   *
   * @example rows.chunk('pages', 500, { within: '1s' }).mapAsync('written', (page) => db.insert(page))
   */
  chunk(name: string, size: number, { within }: { readonly within?: Duration } = {}): Stream<readonly T[]> {
    return this.#add<readonly T[]>({
      type: 'chunk',
      name,
      onError: undefined,
      factory: chunkFactory(chunkSpec(size, within)),
    });
  }

  /**
   * Deals records evenly over all subtasks, batch by batch: for work that should not stay where its source is. `subtasks`:
   * over so many of them only, so that what follows, up to where records are dealt again, has that parallelism. Throws
   * `MILL_OPTION_INVALID` unless it is a whole number, at least 1; there are never more than workers.
   *
   * @example
   * const pages = urls.rebalance({ subtasks: 2 }).mapAsync('fetch', fetchPage) // gentle: two subtasks fetch
   * pages.rebalance().map(parse).to('pages', sink) // and all of them parse
   */
  rebalance({ subtasks }: { readonly subtasks?: number } = {}): Stream<T> {
    if (subtasks !== undefined && (!Number.isSafeInteger(subtasks) || subtasks < 1))
      throw invalid(`${describeValue(subtasks)} subtasks, expected a whole number, at least 1`);
    return this.#dealt({ kind: 'rebalance', subtasks });
  }

  /** Sends each record to a subtask drawn at random, by a generator that is part of the job's state. */
  shuffle(): Stream<T> {
    return this.#dealt({ kind: 'shuffle' });
  }

  /** Sends all records to the first subtask: for what has to be done in one place. */
  global(): Stream<T> {
    return this.#dealt({ kind: 'global' });
  }

  /**
   * Sends each record to the subtask that `choose` says, a whole number from 0 to below `subtasks`; anything else fails with
   * `MILL_FUNCTION_FAILED`. Subtasks are as many as workers.
   *
   * @example orders.partitionCustom((order, subtasks) => order.region % subtasks)
   */
  partitionCustom(choose: (record: T, subtasks: number) => number): Stream<T> {
    return this.#dealt({ kind: 'custom', choose });
  }

  /**
   * Begins a new chain: what follows does not share its producer's turn. Records stay in their worker (with as many subtasks
   * everywhere, Flink's rescale is just that).
   */
  rescale(): Stream<T> {
    const factory = mapFactory((record: T) => record);
    return this.#add<T>({ type: 'rescale', onError: undefined, unchained: true, factory });
  }

  /**
   * Applies a function of streams: how a piece of a pipeline gets a name and is used twice.
   *
   * @example const cleaned = raw.apply(withoutBots)
   */
  apply<R>(step: (stream: this) => R): R {
    return step(this);
  }

  /**
   * Ends the stream in a sink. What is returned may be returned from the job definition if the sink is `collect()`:
   * then the job's handle iterates over these records.
   *
   * @example orders.to('archive', fileSink('archive', ndjson()))
   */
  to(name: string, sink: Sink<T>, options: SinkOptions = {}): Output<T> {
    this.graph.sink(name, this.#input(), sink as Sink<never>, options.renamedFrom);
    return new Output<T>(name);
  }

  #dealt(partition: Partition): Stream<T> {
    const inputs = [{ origins: this.origins, partition }];
    const factory = mapFactory((record: T) => record);
    const node = this.graph.operator({ type: partition.kind, inputs, factory });
    return new Stream<T>(this.graph, [{ node, side: undefined }]);
  }

  #input(): Input {
    return { origins: this.origins, partition: FORWARD };
  }

  #then<U>(type: string, factory: OperatorSpec['factory'], options: OperatorOptions<T> | undefined): Stream<U> {
    const { name, onError, chain } = options ?? {};
    return this.#add<U>({ type, name, onError, unchained: chain === false, factory });
  }

  #add<U>(spec: Omit<OperatorSpec, 'inputs' | 'onError'> & { readonly onError: OnError<T> | undefined }): Stream<U> {
    const node = this.graph.operator({
      ...spec,
      onError: spec.onError as OnError<never> | undefined,
      inputs: [this.#input()],
    });
    return new Stream<U>(this.graph, [{ node, side: undefined }]);
  }
}

function sampleSpec(what: number | { readonly every: number }): SampleSpec {
  if (typeof what !== 'number') return { every: checkSize(what?.every) };
  if (what >= 0 && what <= 1) return { fraction: what };
  throw invalid(`a sample of ${describeValue(what)}, expected 0 to 1`);
}

function checkRate(perSecond: number): number {
  if (Number.isFinite(perSecond) && perSecond > 0) return perSecond;
  throw invalid(`${describeValue(perSecond)} records a second, expected more than 0`);
}

function invalid(message: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', message, { declaredAt: declaredAt() });
}
