/**
 * Lets only the last of many records of a key through: when its time has come, or at most one in a while (Kafka Streams'
 * suppress).
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import { state } from '../../state/descriptors.js';
import type { ValueHandle } from '../../state/handles.js';
import type { ProcessSpec, Timers } from '../process.js';

/** The last record, and when it is to come out. */
type Held = readonly [record: unknown, time: number];

interface Context {
  readonly timestamp: number | undefined;
  readonly state: { readonly held: ValueHandle<Held> };
  readonly eventTimers: Timers;
  readonly processingTimers: Timers;
  now(): number;
}

/** Once the watermark has come to `until`, and `graceMs` further. */
export function suppressUntilSpec(until: (record: never) => number, graceMs: number): ProcessSpec {
  return {
    state: { held: state.value<Held>() },
    sides: [],
    onRecord: [
      (record: unknown, { state: { held }, eventTimers }: Context) => {
        const time = until(record as never) + graceMs;
        if (!Number.isFinite(time)) throw badTime(time);
        held.set([record, time]);
        eventTimers.add(time);
      },
    ],
    onEventTimer: release,
    onProcessingTimer: undefined,
  };
}

/** So long after the first record of each key that has not come out. */
export function suppressForSpec(intervalMs: number, time: 'event' | 'processing'): ProcessSpec {
  const inEventTime = time === 'event';
  return {
    state: { held: state.value<Held>() },
    sides: [],
    onRecord: [
      (record: unknown, context: Context) => {
        const { timestamp, eventTimers, processingTimers } = context;
        const { held } = context.state;
        const before = held.get();
        if (before) {
          held.set([record, before[1]]);
          return;
        }
        if (inEventTime && timestamp === undefined) throw timeMissing();
        const due = (inEventTime ? (timestamp as number) : context.now()) + intervalMs;
        held.set([record, due]);
        (inEventTime ? eventTimers : processingTimers).add(due);
      },
    ],
    onEventTimer: release,
    onProcessingTimer: release,
  };
}

function release(time: number, { state: { held } }: Context): readonly unknown[] {
  const last = held.get();
  // A later record may have put it off.
  if (!last || last[1] > time) return [];
  held.clear();
  return [last[0]];
}

function badTime(time: unknown): MillraceError {
  return new MillraceError('MILL_FUNCTION_FAILED', `until of a suppression returned ${describeValue(time)}`, {
    hint: 'Return finite epoch milliseconds.',
  });
}

function timeMissing(): MillraceError {
  return new MillraceError('MILL_TIMESTAMP_MISSING', 'a record without a timestamp has come to a suppression', {
    hint: "Call eventTime on the stream before it, or suppress in time: 'processing'.",
  });
}
