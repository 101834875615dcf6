/**
 * One record of each key: the first or the last, by arrival or by event time (Flink SQL's Deduplication).
 */
import { MillraceError } from '../../core/errors.js';
import type { Duration } from '../../core/time.js';
import { state } from '../../state/descriptors.js';
import type { ValueHandle } from '../../state/handles.js';
import type { Change } from '../changelog.js';
import type { ProcessSpec } from '../process.js';
import { sameValue } from '../same-value.js';

interface Context<V> {
  readonly timestamp: number | undefined;
  readonly state: { readonly kept: ValueHandle<V> };
}

function specOf(
  onRecord: (record: unknown, context: never) => readonly unknown[],
  ttl: Duration | undefined,
): ProcessSpec {
  return {
    state: { kept: state.value<unknown>(ttl === undefined ? {} : { ttl }) },
    sides: [],
    onRecord: [onRecord],
    onEventTimer: undefined,
    onProcessingTimer: undefined,
  };
}

/** The first record of each key to arrive. */
export function firstArrivalSpec(ttl: Duration | undefined): ProcessSpec {
  return specOf((record: unknown, { state: { kept } }: Context<true>) => {
    if (kept.get()) return [];
    kept.set(true);
    return [record];
  }, ttl);
}

/** A record, and its event time. */
type Timed = readonly [record: unknown, time: number];

/** The first or last record of each key by event time, as a changelog; of equal times the first or last to arrive. */
export function byEventTimeSpec(keep: 'first' | 'last', ttl: Duration | undefined): ProcessSpec {
  return specOf((record: unknown, { timestamp, state: { kept } }: Context<Timed>): Change<unknown>[] => {
    if (timestamp === undefined) throw timeMissing();
    const before = kept.get();
    if (before && (keep === 'first' ? timestamp >= before[1] : timestamp < before[1])) return [];
    kept.set([record, timestamp]);
    if (!before) return [{ kind: 'insert', record }];
    if (sameValue(before[0], record)) return [];
    return [
      { kind: 'update-before', record: before[0] },
      { kind: 'update-after', record },
    ];
  }, ttl);
}

function timeMissing(): MillraceError {
  const message = 'a record without a timestamp has come to a deduplication by event time';
  return new MillraceError('MILL_TIMESTAMP_MISSING', message, {
    hint: "Call eventTime on the stream before it, or deduplicate by: 'arrival'.",
  });
}
