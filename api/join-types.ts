/**
 * How joins are asked for, and what their functions get.
 */
import type { Duration } from '../core/time.js';
import type { RecordOf } from '../operators/changelog.js';
import type { JoinType } from '../operators/join/join-type.js';
import type { TimeWindows } from '../operators/window/assigners.js';
import type { OnError } from './on-error.js';
import type { Stream } from './stream.js';

export type { JoinType };

/**
 * Pairs by the distance of their times: `left.time + lower <= right.time <= left.time + upper`.
 *
 * @example { within: ['-5m', '15m'], exclusive: 'upper', type: 'left' }
 */
export interface IntervalJoin<J extends JoinType = JoinType> {
  /** How much later than the left record the right one may be, at least and at most; negative: earlier. */
  readonly within: readonly [lower: Duration, upper: Duration];
  /** Bounds that are not part of the interval; default: none. A bound moves by one millisecond, as Flink's do. */
  readonly exclusive?: 'lower' | 'upper' | 'both';
  /** Default `'inner'`. */
  readonly type?: J;
}

/** Both streams in windows. */
export interface CoGroupWindows {
  /** `tumbling`, `sliding` or `session`; a session is made of the records of both streams. */
  readonly window: TimeWindows;
  /** How long after its end a window still takes records, and fires again for each; default 0. */
  readonly lateness?: Duration;
}

/**
 * Pairs by window: records of one key that are in the same window.
 *
 * @example { window: tumbling('1h'), type: 'left' }
 */
export interface WindowJoin<J extends JoinType = JoinType> extends CoGroupWindows {
  /** Default `'inner'`. */
  readonly type?: J;
}

/** What a join's function gets of the left side: undefined where a record of the right side has no match. */
export type LeftOf<A, J> = J extends 'right' | 'full' ? A | undefined : A;

/** What a join's function gets of the right side: undefined where a record of the left side has no match. */
export type RightOf<B, J> = J extends 'left' | 'full' ? B | undefined : B;

/** Options of every join. */
export interface JoinOptions<T> {
  /** What happens to a record on which the join's function throws. */
  readonly onError?: OnError<T>;
  /** The name that the join has in older checkpoints, so that its state is found again. */
  readonly renamedFrom?: string;
}

/** Options of `temporalJoin`. */
export interface TemporalJoinOptions<A, V, J extends 'inner' | 'left' = 'inner' | 'left'> extends JoinOptions<A | V> {
  /** `'left'`: records for which no version is valid come out, too. Default `'inner'`. */
  readonly type?: J;
  /** From when on a version is valid, epoch ms; default: its event time. */
  readonly versionTime?: (version: V) => number;
  /** Whether a version says that from its time on there is none. */
  readonly isDelete?: (version: V) => unknown;
}

/** Results of a join, and the records that came too late for it. */
export type JoinedStream<O, A, B> = Stream<O> & {
  readonly late: { readonly left: Stream<A>; readonly right: Stream<B> };
};

/** `semi`: left records that have a match, each once; `anti`: those that have none. */
export type ChangelogJoinType = JoinType | 'semi' | 'anti';

/** How two tables are joined. */
export interface ChangelogJoin<J extends ChangelogJoinType = ChangelogJoinType> {
  /** Default `'inner'`. */
  readonly type?: J;
  /**
   * A record that has come or gone so long ago, in processing time, is forgotten, and what it has been part of stays as it is.
   * Default: never.
   */
  readonly ttl?: Duration;
}

/** Options of `changes`. */
export interface ChangesOptions<T> extends JoinOptions<T> {
  /** Whether a record says that its key has none any more. */
  readonly isDelete?: (record: T) => unknown;
  /** The last record of a key is forgotten so long after it, in processing time: the next one is an insertion again. */
  readonly ttl?: Duration;
}

/** What the function of a `changelogJoin` gets: both sides; of `semi` and `anti` joins the left record alone. */
export type ChangelogPair<A, B, J> = J extends 'semi' | 'anti'
  ? [left: RecordOf<A>]
  : [left: LeftOf<RecordOf<A>, J>, right: RightOf<RecordOf<B>, J>];
