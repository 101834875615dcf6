/**
 * Makes the nodes of rankings, and of what else makes little of many records of a key. The methods that users call are in
 * keyed-stream.ts.
 */
import { describeValue, MillraceError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { type Duration, durationMs } from '../core/time.js';
import type { RecordOf } from '../operators/changelog.js';
import type { OperatorFactory } from '../operators/operator.js';
import { type ProcessSpec, processFactory } from '../operators/process.js';
import { byEventTimeSpec, firstArrivalSpec } from '../operators/ranking/deduplicate.js';
import { materializeSpec } from '../operators/ranking/materialize.js';
import type { Order, Ties } from '../operators/ranking/ranking.js';
import { suppressFactory } from '../operators/ranking/suppress.js';
import { topNSpec } from '../operators/ranking/top-n.js';
import { changes } from './changelogs.js';
import { declaredAt } from './declared-at.js';
import type { GraphBuilder, Input } from './graph-builder.js';
import type { OnError } from './on-error.js';
import { Stream } from './stream.js';

interface RankingOptions<T> {
  readonly onError?: OnError<T>;
  /** The name that it has in older checkpoints, so that its state is found again. */
  readonly renamedFrom?: string;
}

interface ForgettingOptions<T> extends RankingOptions<T> {
  /** What is kept of a key is forgotten so long after it was last changed, in processing time. */
  readonly ttl?: Duration;
}

/** A record in a ranking. */
export interface Ranked<T> {
  /** 1 is the first. */
  readonly rank: number;
  readonly record: T;
}

/** Options of `topN`. */
export interface TopN<T> extends ForgettingOptions<T> {
  /** So many ranks. */
  readonly n: number;
  /** Leaves out so many ranks at the top; default 0. */
  readonly offset?: number;
  /** What records are ranked by: a key, or an array of them. Null is least, NaN greatest of numbers. */
  readonly by: (record: RecordOf<T>) => Key;
  /** `'desc'` (default): the greatest first. For an array also one for each of its elements. */
  readonly order?: Order | readonly Order[];
  /**
   * Of equal ones: `'row-number'` (default): the first to arrive is first. `'rank'`, `'dense-rank'`: they share a rank, after
   * which ranks are left out, or are not: there may be more than `n` of them (SQL's functions of these names).
   */
  readonly ties?: Ties;
  /** Records with equal ids replace one another. All records of a key are kept then. */
  readonly id?: (record: RecordOf<T>) => Key;
  /** The records are changes of a table (`Change`), which are looked into. All records of a key are kept then. */
  readonly changes?: boolean;
}

/** Options of `deduplicate`. */
export interface Deduplicate<T> extends ForgettingOptions<T> {
  readonly keep: 'first' | 'last';
  /** Which one is first or last: by `'arrival'` (default), or by `'event-time'`. */
  readonly by?: 'arrival' | 'event-time';
}

/** Options of `suppress`. */
export type Suppress<T> = RankingOptions<T> &
  (
    | {
        /**
         * Event time at which the last record with that time comes out, epoch ms. One that comes after that comes out at the
         * next watermark.
         */
        readonly until: (record: T) => number;
        /** The watermark has to come so much further; default 0. */
        readonly grace?: Duration;
      }
    | {
        /** The last record comes out so long after the first one since; and at the end of the input. */
        readonly every: Duration;
        /** Default: `'processing'`. */
        readonly time?: 'event' | 'processing';
      }
  );

interface Call {
  readonly graph: GraphBuilder;
  readonly input: Input;
  readonly name: string;
  readonly options: RankingOptions<never>;
}

export function addTopN<O>(call: Call, how: TopN<never>, withRank: boolean): Stream<O> {
  const { n, offset = 0, by, order = 'desc', ties = 'row-number', id, changes: ofChanges = false, ttl } = how;
  checkCount('n', n, 1);
  checkCount('offset', offset, 0);
  if (!['row-number', 'rank', 'dense-rank'].includes(ties)) throw invalid(`ties is ${describeValue(ties)}`);
  if (![order].flat().every((each) => each === 'asc' || each === 'desc'))
    throw invalid(`order is ${JSON.stringify(order)}, expected 'asc' or 'desc'`);
  const spec = topNSpec({ n, offset, by, order, ties, id, ofChanges, withRank, ttl });
  return addNode(call, 'top-n', `${n} by ${ties}, ${[order].flat().join()}`, spec);
}

export function addDeduplicate<O>(call: Call, { keep, by = 'arrival', ttl }: Deduplicate<never>): Stream<O> {
  if (keep !== 'first' && keep !== 'last') throw invalid(`keep is ${describeValue(keep)}, expected 'first' or 'last'`);
  if (by !== 'arrival' && by !== 'event-time')
    throw invalid(`by is ${describeValue(by)}, expected 'arrival' or 'event-time'`);
  if (by === 'event-time') return addNode(call, 'deduplicate', `${keep} by event time`, byEventTimeSpec(keep, ttl));
  if (keep === 'first') return addNode(call, 'deduplicate', 'first', firstArrivalSpec(ttl));
  const { graph, name, input, options } = call;
  const last = changes({ graph, name, inputs: [input], options }, ttl === undefined ? {} : { ttl });
  return new Stream<O>(graph, last.origins);
}

export function addMaterialize<O>(call: Call, ttl: Duration | undefined): Stream<O> {
  return addNode(call, 'materialize', '', materializeSpec(ttl));
}

export function addSuppress<O>(call: Call, how: Suppress<never>): Stream<O> {
  if ('until' in how) {
    const graceMs = durationMs(how.grace ?? 0, 'grace');
    const factory = suppressFactory({ until: how.until, graceMs });
    return addOperator(call, 'suppress', `until its time and ${graceMs} ms`, factory);
  }
  const { every, time = 'processing' } = how;
  if (time !== 'event' && time !== 'processing') throw invalid(`time is ${describeValue(time)}`);
  const everyMs = durationMs(every, 'every');
  return addOperator(call, 'suppress', `every ${everyMs} ms of ${time} time`, suppressFactory({ everyMs, time }));
}

function addNode<O>(call: Call, type: string, description: string, spec: ProcessSpec): Stream<O> {
  return addOperator(call, type, description, processFactory(spec));
}

function addOperator<O>(
  { graph, input, name, options }: Call,
  type: string,
  description: string,
  factory: OperatorFactory,
): Stream<O> {
  const { onError, renamedFrom } = options;
  const node = graph.operator({ type, name, description, inputs: [input], renamedFrom, onError, keyed: true, factory });
  return new Stream<O>(graph, [{ node, side: undefined }]);
}

function checkCount(option: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least)
    throw invalid(`${option} is ${describeValue(value)}, expected a whole number, at least ${least}`);
}

function invalid(message: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', message, { declaredAt: declaredAt() });
}
