/**
 * Streams whose records are dealt by key: here state begins.
 */
import type { Key } from '../core/key.js';
import type { Duration } from '../core/time.js';
import {
  type AggregateBuilder,
  type AggregateParts,
  type AggregateResults,
  aggregateBuilder,
} from '../operators/aggregate/aggregates.js';
import { asyncFactory } from '../operators/async/async-operator.js';
import type { CallContext } from '../operators/async/call.js';
import type { Change, RecordOf } from '../operators/changelog.js';
import { reduceFold } from '../operators/fold.js';
import { keyedChunkFactory } from '../operators/keyed-chunk.js';
import type { OperatorFactory } from '../operators/operator.js';
import type { Upsert } from '../operators/ranking/materialize.js';
import type { Window, WindowAssigner } from '../operators/window/assigners.js';
import type { Aggregator } from '../state/aggregator.js';
import type { StateDescriptors } from '../state/descriptors.js';
import { asyncSpec, type KeyedAsyncOptions } from './async.js';
import { BroadcastStream, KeyedBroadcastStreams } from './broadcast.js';
import { aggregateChanges, changelogJoin, changes } from './changelogs.js';
import { chunkSpec } from './chunk.js';
import { ConnectedStreams } from './connected-streams.js';
import type { Flat } from './flat.js';
import type { GraphBuilder, Input } from './graph-builder.js';
import type {
  ChangelogJoin,
  ChangelogJoinType,
  ChangelogPair,
  ChangesOptions,
  CoGroupWindows,
  IntervalJoin,
  JoinedStream,
  JoinOptions,
  JoinType,
  LeftOf,
  RightOf,
  TemporalJoinOptions,
  WindowJoin,
} from './join-types.js';
import { coGroup, intervalJoin, type JoinCall, temporalJoin, windowJoin } from './joins.js';
import { addMatch, type BuildPattern, type MatchOptions, type MatchResults, type NamesOf } from './match.js';
import {
  addDynamicMatch,
  type DynamicMatchOptions,
  type PatternRule,
  type Patterns,
  type RuleMatches,
  type RulesOf,
} from './match-dynamic.js';
import type { OnError } from './on-error.js';
import type { RecordsOf } from './pattern.js';
import { type ProcessFunctions, processSpec, type SideDescriptors } from './process.js';
import { addProcess, type ProcessedStream } from './processed-stream.js';
import {
  addDeduplicate,
  addMaterialize,
  addSuppress,
  addTopN,
  type Deduplicate,
  type Ranked,
  type Suppress,
  type TopN,
} from './ranking.js';
import { type AggregateDefinition, foldOf, type KeyedOptions, type RunningOptions, runningFactory } from './running.js';
import { Stream } from './stream.js';
import { WindowedStream } from './windowed-stream.js';
import type { KeyedWindowOptions, WindowResults } from './windows.js';

/**
 * A stream dealt by key `K`. All records of a key meet in one subtask, in order of arrival.
 */
export class KeyedStream<K extends Key, T> {
  /** @internal */
  readonly graph: GraphBuilder;
  /** @internal */
  readonly input: Input;
  /** Phantom: the types of key and record. */
  declare readonly types?: readonly [K, T];

  /** @internal */
  constructor(graph: GraphBuilder, input: Input) {
    this.graph = graph;
    this.input = input;
  }

  /**
   * Combines the records of a key, two by two; puts out the combination so far for every record.
   * State: one record a key.
   *
   * @example bids.keyBy((bid) => bid.auction).reduce('best', (a, b) => (b.price > a.price ? b : a))
   */
  reduce(name: string, reduce: (a: T, b: T) => T, options: RunningOptions<T> = {}): Stream<T> {
    return this.#add<T>('reduce', name, runningFactory(reduceFold(reduce), options), options);
  }

  /**
   * Running aggregates per key: for every record, the aggregates so far, with the key. With an `Aggregator` of your
   * own, its result is in `value`. State: one accumulator a key.
   *
   * @example orders.keyBy((o) => o.user).aggregate('spent', (a) => ({ orders: a.count(), cents: a.sum((o) => o.cents) }))
   */
  aggregate<P extends AggregateParts<T>>(
    name: string,
    build: (a: AggregateBuilder<T>) => P,
    options?: RunningOptions<T>,
  ): Stream<Flat<{ readonly key: K } & AggregateResults<P>>>;
  aggregate<Acc, Out>(
    name: string,
    aggregator: Aggregator<T, Acc, Out>,
    options?: RunningOptions<T>,
  ): Stream<{ readonly key: K; readonly value: Out }>;
  aggregate(
    name: string,
    how: AggregateDefinition<T>,
    options: RunningOptions<T> = {},
    // biome-ignore lint/suspicious/noExplicitAny: the overloads above say what it is
  ): Stream<any> {
    return this.#add('aggregate', name, runningFactory(foldOf(how), options), options);
  }

  /**
   * Groups the records of each key: by time (`tumbling`, `sliding`, `cumulate`, `calendar`, `session`), by number
   * (`countWindow`), or not at all (`globalWindow`). With `lateness`, windows are kept that much longer, and fire again for every record
   * that comes late. With a `trigger`, windows fire when it says so.
   *
   * @example orders.keyBy((o) => o.user).window(tumbling('1h'), { lateness: '10m' }).aggregate('hourly', (a) => ({ n: a.count() }))
   */
  window(assigner: WindowAssigner<T>, options: KeyedWindowOptions<T> = {}): WindowedStream<K, T> {
    return new WindowedStream(this.graph, this.input, assigner, options);
  }

  /**
   * Finds patterns in the records of each key: steps, each with a condition on its records, and how they may follow one
   * another. Meaning: Flink CEP's. In event time records wait for the watermark; see `MatchOptions`.
   *
   * Cost: each record is shown to each partial match of its key. State: these, and their records; without `within` a
   * partial match waits for ever. Throws `MILL_PATTERN_INVALID` for a pattern that can't be.
   *
   * @example
   * const { matches, timeouts } = orders.keyBy((o) => o.user).match('splurge', (p) => p
   *   .begin('small', (o) => o.cents < 500)
   *   .followedBy('rising', (o, m) => o.cents > m.small.cents).oneOrMore()
   *   .next('big', (o) => o.cents > 100_000)
   *   .within('10m'))
   */
  match<B, L>(
    name: string,
    build: BuildPattern<T, B, L>,
    options: MatchOptions<T, NamesOf<B & L>> = {},
  ): MatchResults<K, T, RecordsOf<B & L>> {
    return addMatch(this.graph, this.input, name, build, options);
  }

  /**
   * As `match`, in event time, with patterns that come and go while the job runs. The job has the patterns; rules, which are
   * broadcast, say which of them are in force, and what they are made with. A record is shown to the rules that are in force
   * when the watermark passes it, so give the rules event time, too: until they have some, nothing is looked at.
   *
   * State: partial matches of each rule and key. Those of a rule that has gone are removed where their key is met again.
   *
   * @example
   * payments.keyBy((p) => p.card).matchDynamic('alerts', rules.broadcast(), {
   *   burst: (p, { limit }: { limit: number }) =>
   *     p.begin('large', (payment) => payment.cents > limit).times(3).within('10m'),
   * })
   */
  matchDynamic<P extends Patterns<T>>(
    name: string,
    rules: RulesOf<P>,
    patterns: P,
    options: DynamicMatchOptions<T, PatternRule<P>> = {},
  ): RuleMatches<K, T> {
    const inputs = [this.input, rules.input] as const;
    return addDynamicMatch({ graph: this.graph, name, inputs }, patterns, options as DynamicMatchOptions<T, unknown>);
  }

  /**
   * A keyed operator of your own: state, timers in both times, side outputs. What its functions return goes out.
   *
   * @example
   * clicks.keyBy((click) => click.user).process('first-of-day', {
   *   state: { day: state.value<number>() },
   *   *onRecord(click, ctx) {
   *     const day = Math.floor(click.at / 86_400_000)
   *     if (ctx.state.day.get() !== day) yield click
   *     ctx.state.day.set(day)
   *   },
   * })
   */
  process<
    D extends StateDescriptors = Record<never, never>,
    S extends SideDescriptors = Record<never, never>,
    O = never,
    OT = never,
    OP = never,
  >(name: string, functions: ProcessFunctions<K, T, D, S, O, OT, OP>): ProcessedStream<O | OT | OP, S> {
    const spec = processSpec(functions, [(record, ctx) => functions.onRecord(record, ctx)]);
    return addProcess(this.graph, { type: 'process', name, inputs: [this.input], spec, functions });
  }

  /**
   * As `mapAsync` of a stream, with one call a key at a time, in the order of its records: for calls that change what the next
   * one of the key finds. Calls of different keys overtake one another. Records under way are kept with their keys.
   *
   * @example
   * orders.keyBy((o) => o.account).mapAsync('booked', (order, { signal }) => ledger.book(order, signal), { timeout: '5s' })
   */
  mapAsync<U>(
    name: string,
    apply: (record: T, context: CallContext) => U | PromiseLike<U>,
    options: KeyedAsyncOptions<T, U> = {},
  ): Stream<U> {
    const factory = asyncFactory({ ...asyncSpec(apply, options), order: 'key' });
    return this.#add<U>('map-async', name, factory, options as KeyedOptions<T>);
  }

  /**
   * Gathers the records of each key into arrays of `size`, in order of arrival; smaller ones when the first record has waited
   * for `within` (processing time), and at the end. A chunk carries the greatest timestamp of its records; watermarks wait
   * for what came before them, so event time may be behind by `within`. State: the records that wait.
   *
   * Throws `MILL_OPTION_INVALID` unless `size` is a whole number, at least 1.
   *
   * @example rows.keyBy((row) => row.table).chunk('pages', 500, { within: '1s' }).mapAsync('written', insertAll)
   */
  chunk(name: string, size: number, options: KeyedOptions<T> & { readonly within: Duration }): Stream<readonly T[]> {
    const factory = keyedChunkFactory(chunkSpec(size, options.within));
    return this.#add<readonly T[]>('chunk', name, factory, options);
  }

  /**
   * Brings two keyed streams together, so that records of equal keys share state.
   *
   * @example flights.keyBy((f) => f.origin).connect(weather.keyBy((w) => w.origin)).process('delays', { … })
   */
  connect<U>(other: KeyedStream<K, U>): ConnectedStreams<K, T, U>;
  /**
   * Brings a keyed stream and a broadcast one together: its records read what those of the other have left in every subtask.
   *
   * @example payments.keyBy((p) => p.card).connect(rules.broadcast()).process('alerts', { … })
   */
  connect<R>(other: BroadcastStream<R>): KeyedBroadcastStreams<K, T, R>;
  connect<U>(
    other: KeyedStream<K, U> | BroadcastStream<U>,
  ): ConnectedStreams<K, T, U> | KeyedBroadcastStreams<K, T, U> {
    if (other instanceof BroadcastStream) return new KeyedBroadcastStreams(this.graph, [this.input, other.input]);
    return new ConnectedStreams(this.graph, [this.input, other.input]);
  }

  /**
   * Pairs records of both streams that have equal keys, and are near each other in event time or in the same window.
   *
   * - `{ within: [lower, upper] }`: `left.time + lower <= right.time <= left.time + upper`. A pair comes out when its
   *   second record comes, with the later of both times. State: records of both streams, until the watermark has left
   *   them behind by as much as their bound, and up to a quarter of the interval more.
   * - `{ window }`: pairs come out when the window fires, with the time `end - 1`. State: the window's records. With
   *   `lateness`, a late record puts out all pairs of its window again.
   *
   * With `type`, records come out that have no match, too: `'left'`, `'right'` or `'full'`. In an interval join that is
   * when the watermark says that none can come, with their own time; such a join holds back its watermark by as much.
   *
   * Records that come too late are in `late.left` and `late.right`. Errors of `combine` are those of the record that
   * comes second.
   *
   * @example
   * orders.keyBy((o) => o.id).join('paid', payments.keyBy((p) => p.order), { within: ['0s', '15m'] }, (order, payment) => ({
   *   ...order,
   *   delayMs: payment.at - order.at,
   * }))
   */
  join<B, O, const J extends JoinType = 'inner'>(
    name: string,
    other: KeyedStream<K, B>,
    how: IntervalJoin<J> | WindowJoin<J>,
    combine: (left: LeftOf<T, J>, right: RightOf<B, J>) => O,
    options: JoinOptions<T | B> = {},
  ): JoinedStream<O, T, B> {
    const call = this.#joinCall(name, other, combine, options);
    return 'within' in how ? intervalJoin(call, how) : windowJoin(call, how);
  }

  /**
   * Calls `process` with all records that a key has in a window, of both streams, when it fires; either may be empty.
   * What it returns goes out, pulled as there is room, with the time `end - 1`. State: every record.
   *
   * @example
   * clicks.keyBy((c) => c.user).coGroup('rates', buys.keyBy((b) => b.user), { window: tumbling('1h') },
   *   (user, window, clicks, buys) => [{ user, hour: window.start, rate: buys.length / clicks.length }])
   */
  coGroup<B, O>(
    name: string,
    other: KeyedStream<K, B>,
    windows: CoGroupWindows,
    process: (key: K, window: Window, left: readonly T[], right: readonly B[]) => Iterable<O>,
    options: JoinOptions<T | B> = {},
  ): JoinedStream<O, T, B> {
    return coGroup(this.#joinCall(name, other, process, options), windows);
  }

  /**
   * Joins each record with the version of its key that was valid at its event time: the latest one with a version time
   * at or before it. A record waits until the watermarks of both streams have reached its time, so that versions may
   * come out of order, and after it. Results carry the record's time; those of a key come in order of time.
   *
   * State: one version a key, for good, and what waits. Records that come too late are in `late`; versions that do count
   * for records after the watermark.
   *
   * @example
   * orders.keyBy((o) => o.currency).temporalJoin('in-euros', rates.keyBy((r) => r.currency), (order, rate) => ({
   *   ...order,
   *   euros: order.amount * rate.euros,
   * }))
   */
  temporalJoin<V, O, const J extends 'inner' | 'left' = 'inner'>(
    name: string,
    versions: KeyedStream<K, V>,
    combine: (record: T, version: RightOf<V, J>) => O,
    options: TemporalJoinOptions<T, V, J> = {},
  ): WindowResults<O, T> {
    return temporalJoin(this.#joinCall(name, versions, combine, options), options as TemporalJoinOptions<never, never>);
  }

  /**
   * Joins two tables, of which both streams say how they change: each record of either stream is a `Change`, or, if it is
   * none, an insertion. What comes out are the changes of the joined table; `changes` makes them of records that replace one
   * another. In inner joins a result has the kind of the change that made it; in the others an update is a deletion and an
   * insertion, as a record's match may have come or gone with it.
   *
   * `semi` and `anti` joins are of left records that have a match, and of those that have none.
   *
   * State: both tables, for good, or for `ttl`. Cost: each change is paired with all records of its key on the other
   * side.
   *
   * @example
   * users.keyBy((u) => u.id).changes('moves').keyBy(({ record }) => record.id)
   *   .changelogJoin('addressed', orders.keyBy((o) => o.user), (user, order) => ({ ...order, city: user?.city }), { type: 'right' })
   */
  changelogJoin<B, O, const J extends ChangelogJoinType = 'inner'>(
    name: string,
    other: KeyedStream<K, B>,
    combine: (...pair: ChangelogPair<T, B, J>) => O,
    options: ChangelogJoin<J> & JoinOptions<T | B> = {},
  ): Stream<Change<O>> {
    return changelogJoin(this.#joinCall(name, other, combine, options), options);
  }

  /**
   * The changes of a table that has the last record of each key: an insertion for the first, for each later one that and
   * the one before as an update, a deletion where `isDelete` says so. State: the last record of each key.
   *
   * @example prices.keyBy((p) => p.item).changes('prices', { isDelete: (p) => p.cents === null })
   */
  changes(name: string, options: ChangesOptions<T> = {}): Stream<Change<T>> {
    const { graph, input } = this;
    return changes({ graph, name, inputs: [input], options: options as JoinOptions<never> }, options);
  }

  /**
   * The first `n` records of each key so far, as a changelog of ranked records: what enters, moves and leaves with each record
   * (Flink SQL's Top-N). With `ranks: false` the changes are of the records alone: far fewer, as one that only moves has
   * none.
   *
   * State: as many records a key as are ranked, and before them. With `id` or `changes`, where records may leave again, all
   * of a key. Cost: a binary search, and the changes.
   *
   * @example
   * bids.keyBy((bid) => bid.auction).topN('best', { n: 3, by: (bid) => bid.price })
   */
  topN(name: string, options: TopN<T> & { readonly ranks: false }): Stream<Change<RecordOf<T>>>;
  topN(name: string, options: TopN<T> & { readonly ranks?: true }): Stream<Change<Ranked<RecordOf<T>>>>;
  // biome-ignore lint/suspicious/noExplicitAny: the overloads above say what it is
  topN(name: string, options: TopN<T> & { readonly ranks?: boolean }): Stream<any> {
    return addTopN(this.#call(name, options), options as TopN<never>, options.ranks ?? true);
  }

  /**
   * One record of each key (Flink SQL's Deduplication). The first to arrive comes out at once, and no other after it. What is
   * first by event time, or last, may turn out to be another: these are changelogs. State: one record a key, for good, or
   * for `ttl`; of the first by arrival only that there was one.
   *
   * @example payments.keyBy((p) => p.id).deduplicate('once', { keep: 'first', ttl: '1d' })
   */
  deduplicate(name: string, options: Deduplicate<T> & { readonly keep: 'first'; readonly by?: 'arrival' }): Stream<T>;
  deduplicate(name: string, options: Deduplicate<T>): Stream<Change<T>>;
  // biome-ignore lint/suspicious/noExplicitAny: the overloads above say what it is
  deduplicate(name: string, options: Deduplicate<T>): Stream<any> {
    return addDeduplicate(this.#call(name, options), options as Deduplicate<never>);
  }

  /**
   * What a table that has one row a key is to be written by: of a changelog, keyed by the table's key. Where the changes of a
   * key come in another order than they were made in, the row that came last counts (Flink's SinkUpsertMaterializer).
   * State: the rows of each key that have not been removed, for good, or for `ttl`.
   *
   * @example joined.keyBy(({ record }) => record.order).materialize('table').to('orders', upsertSink)
   */
  materialize(
    name: string,
    options: KeyedOptions<T> & { readonly ttl?: Duration } = {},
  ): Stream<Upsert<K, RecordOf<T>>> {
    return addMaterialize(this.#call(name, options), options.ttl);
  }

  /**
   * Lets the last record of each key through, and what it has replaced not: once its time has come (`until`), as of results
   * of windows that fire several times; or at most one in a while (`every`). State: one record a key, and time.
   *
   * @example
   * updates.keyBy((u) => u.key).suppress('final', { until: (u) => u.window.end - 1, grace: '10m' })
   */
  suppress(name: string, options: Suppress<T>): Stream<T> {
    return addSuppress(this.#call(name, options), options as Suppress<never>);
  }

  /**
   * Running aggregates per key of the table that a changelog describes, as a changelog: what is inserted is added, what is
   * removed is taken back; a key has no result while it has no record (Flink SQL's GROUP BY over retractions). State: an
   * accumulator for each aggregate; `min`, `max` and `distinct` keep all different values, `first`, `last`, `argMin`,
   * `argMax`, `topK` and `collect` all of them, which they search to take one back. `sum`, `avg`, `variance` and `stddev`
   * take back as exactly as floating-point numbers are subtracted: 1 + 1e16 - 1e16 is 0. `quantile` and `distinctApprox`
   * take nothing back, and fail with `MILL_OPTION_INVALID`.
   *
   * @example
   * users.keyBy((u) => u.id).changes('moves').keyBy(({ record }) => record.city)
   *   .aggregateChanges('per-city', (a) => ({ users: a.count(), oldest: a.max((u) => u.age) }))
   */
  aggregateChanges<P extends AggregateParts<RecordOf<T>>>(
    name: string,
    build: (a: AggregateBuilder<RecordOf<T>>) => P,
    options: KeyedOptions<T> & { readonly ttl?: Duration } = {},
  ): Stream<Change<Flat<{ readonly key: K } & AggregateResults<P>>>> {
    const { graph, input } = this;
    const parts = build(aggregateBuilder<RecordOf<T>>()) as AggregateParts<never>;
    return aggregateChanges({
      graph,
      name,
      inputs: [input],
      options: options as KeyedOptions<never>,
      parts,
      ttl: options.ttl,
    });
  }

  #call(name: string, options: KeyedOptions<T>) {
    return { graph: this.graph, input: this.input, name, options: options as KeyedOptions<never> };
  }

  #joinCall<B>(name: string, other: KeyedStream<K, B>, combine: unknown, options: JoinOptions<T | B>): JoinCall {
    const inputs = [this.input, other.input] as const;
    return { graph: this.graph, name, inputs, combine, options: options as JoinOptions<never> };
  }

  #add<U>(type: string, name: string, factory: OperatorFactory, options: KeyedOptions<T>): Stream<U> {
    const onError = options.onError as OnError<never> | undefined;
    const { renamedFrom } = options;
    const node = this.graph.operator({ type, name, renamedFrom, inputs: [this.input], keyed: true, onError, factory });
    return new Stream<U>(this.graph, [{ node, side: undefined }]);
  }
}
