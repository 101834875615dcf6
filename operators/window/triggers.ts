/**
 * The built-in triggers, with Flink's meaning.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import { type Duration, durationMs, TIME_MAX } from '../../core/time.js';
import { ALL_TIME } from './assigning.js';
import type { Trigger, TriggerContext, TriggerResult } from './trigger.js';

// biome-ignore lint/suspicious/noExplicitAny: triggers of whatever state
type AnyTrigger<T> = Trigger<T, any>;

const lastOf = ({ window }: TriggerContext<unknown>): number => window.end - 1;

const AT_END: Trigger<unknown, never> = Object.freeze({
  name: 'event time',
  onRecord(_record: unknown, _timestamp: number, context: TriggerContext<never>): TriggerResult {
    if (lastOf(context) <= context.watermark) return 'fire';
    context.addEventTimer(lastOf(context));
    return 'continue';
  },
  onEventTime: (time: number, context: TriggerContext<never>) => (time === lastOf(context) ? 'fire' : 'continue'),
  onMerge(_merged: readonly never[], context: TriggerContext<never>): void {
    if (lastOf(context) > context.watermark) context.addEventTimer(lastOf(context));
  },
});

const AT_CLOCK: Trigger<unknown, never> = Object.freeze({
  name: 'processing time',
  onRecord(_record: unknown, _timestamp: number, context: TriggerContext<never>): TriggerResult {
    context.addProcessingTimer(lastOf(context));
    return 'continue';
  },
  onProcessingTime: () => 'fire' as const,
  onMerge: (_merged: readonly never[], context: TriggerContext<never>) => context.addProcessingTimer(lastOf(context)),
});

const NEVER: Trigger<unknown, never> = Object.freeze({
  name: 'never',
  onRecord: () => 'continue' as const,
  onMerge: () => {},
});

/** Of a window that fires before and after its end: the states of the triggers that say when. */
interface Phases {
  early?: unknown;
  late?: unknown;
}

/** The context of one of the triggers inside another. */
class PhaseContext implements TriggerContext<unknown> {
  readonly #outer: TriggerContext<Phases>;
  readonly #phase: 'early' | 'late';

  constructor(outer: TriggerContext<Phases>, phase: 'early' | 'late') {
    this.#outer = outer;
    this.#phase = phase;
  }

  get window() {
    return this.#outer.window;
  }

  get time() {
    return this.#outer.time;
  }

  get watermark(): number {
    return this.#outer.watermark;
  }

  get state(): unknown {
    return this.#outer.state?.[this.#phase];
  }

  set state(state: unknown) {
    this.#outer.state = { ...this.#outer.state, [this.#phase]: state };
  }

  now(): number {
    return this.#outer.now();
  }

  addEventTimer(time: number): void {
    this.#outer.addEventTimer(time);
  }

  removeEventTimer(time: number): void {
    if (time !== lastOf(this.#outer)) this.#outer.removeEventTimer(time);
  }

  addProcessingTimer(time: number): void {
    this.#outer.addProcessingTimer(time);
  }

  removeProcessingTimer(time: number): void {
    this.#outer.removeProcessingTimer(time);
  }
}

/** Fires at the end, before it as `early` says, and after it as `late` says. */
function inPhases<T>(early: AnyTrigger<T>, late: AnyTrigger<T>): Trigger<T, Phases> {
  const now = (context: TriggerContext<Phases>): readonly [AnyTrigger<T>, PhaseContext] => {
    const isLate = lastOf(context) <= context.watermark;
    return isLate ? [late, new PhaseContext(context, 'late')] : [early, new PhaseContext(context, 'early')];
  };
  return {
    name: `event time, early: ${early.name}, late: ${late.name}`,
    onRecord(record, timestamp, context) {
      if (lastOf(context) > context.watermark) context.addEventTimer(lastOf(context));
      const [phase, inner] = now(context);
      return phase.onRecord(record, timestamp, inner);
    },
    onEventTime(time, context) {
      if (time === lastOf(context)) return 'fire';
      const [phase, inner] = now(context);
      return phase.onEventTime?.(time, inner);
    },
    onProcessingTime(time, context) {
      const [phase, inner] = now(context);
      return phase.onProcessingTime?.(time, inner);
    },
    ...(early.onMerge && late.onMerge ? { onMerge: mergePhases(early, late) } : {}),
  };
}

function mergePhases<T>(early: AnyTrigger<T>, late: AnyTrigger<T>) {
  return (merged: readonly Phases[], context: TriggerContext<Phases>): void => {
    if (lastOf(context) > context.watermark) context.addEventTimer(lastOf(context));
    const of = (phase: 'early' | 'late'): unknown[] => merged.map((each) => each[phase]).filter((s) => s !== undefined);
    early.onMerge?.(of('early'), new PhaseContext(context, 'early'));
    late.onMerge?.(of('late'), new PhaseContext(context, 'late'));
  };
}

/** Fires again and again; its state is the next time at which it does. */
function everyEventTime(intervalMs: number): Trigger<unknown, number> {
  const setNext = (from: number, context: TriggerContext<number>): void => {
    // At the end of the input a window of all time has ended, too: no multitude of firings of what does not change.
    const isOver = context.watermark === TIME_MAX && context.window.end === ALL_TIME.end;
    context.state = isOver ? lastOf(context) : Math.min(from + intervalMs, lastOf(context));
    context.addEventTimer(context.state);
  };
  return {
    name: `every ${intervalMs} ms of event time`,
    onRecord(_record, timestamp, context) {
      if (lastOf(context) <= context.watermark) return 'fire';
      context.addEventTimer(lastOf(context));
      if (context.state === undefined) setNext(floorTo(timestamp, intervalMs), context);
      return 'continue';
    },
    onEventTime(time, context) {
      if (time === lastOf(context)) return 'fire';
      if (time !== context.state) return 'continue';
      setNext(time, context);
      return 'fire';
    },
    onMerge(merged, context) {
      if (lastOf(context) > context.watermark) context.addEventTimer(lastOf(context));
      if (merged.length === 0) return;
      context.state = Math.min(...merged);
      context.addEventTimer(context.state);
    },
  };
}

function everyProcessingTime(intervalMs: number): Trigger<unknown, number> {
  const setNext = (from: number, context: TriggerContext<number>): void => {
    const next = from + intervalMs;
    context.state = context.time === 'processing' ? Math.min(next, lastOf(context)) : next;
    context.addProcessingTimer(context.state);
  };
  return {
    name: `every ${intervalMs} ms of processing time`,
    onRecord(_record, _timestamp, context) {
      if (context.state === undefined) setNext(floorTo(context.now(), intervalMs), context);
      return 'continue';
    },
    onProcessingTime(time, context) {
      if (time !== context.state) return 'continue';
      setNext(time, context);
      return 'fire';
    },
    onMerge(merged, context) {
      if (merged.length === 0) return;
      context.state = Math.min(...merged);
      context.addProcessingTimer(context.state);
    },
  };
}

function floorTo(time: number, unit: number): number {
  return Math.floor(time / unit) * unit;
}

/** The built-in triggers. */
export const trigger = Object.freeze({
  /**
   * At the window's end, and then for every late record: what windows do without a trigger. With `early`, also before, as that
   * trigger says; with `late`, after the end not for every record, but as that one says.
   *
   * @example trigger.eventTime({ early: trigger.every('1m'), late: trigger.count(10) })
   */
  eventTime<T>(phases: { readonly early?: Trigger<T>; readonly late?: Trigger<T> } = {}): Trigger<T> {
    const { early, late } = phases;
    if (!early && !late) return AT_END as Trigger<T>;
    return Object.freeze(inPhases(early ?? (NEVER as Trigger<T>), late ?? (AT_END as Trigger<T>))) as Trigger<T>;
  },

  /** When the clock comes to the window's end: what windows of processing time do without a trigger. */
  processingTime<T>(): Trigger<T> {
    return AT_CLOCK as Trigger<T>;
  },

  /**
   * Every so many records of a window, and not at its end: records that are left over come out in no result.
   *
   * @example trigger.purging(trigger.count(100))
   */
  count<T>(records: number): Trigger<T> {
    if (!Number.isSafeInteger(records) || records < 1) throw invalid(`a trigger of ${describeValue(records)} records`);
    const counting: Trigger<T, number> = {
      name: `every ${records} records`,
      onRecord(_record, _timestamp, context) {
        const count = (context.state ?? 0) + 1;
        context.state = count < records ? count : 0;
        return count < records ? 'continue' : 'fire';
      },
      onMerge(merged, context) {
        context.state = merged.reduce((sum, count) => sum + count, 0);
      },
    };
    return Object.freeze(counting) as Trigger<T>;
  },

  /**
   * Whenever a record is further than `threshold` from the one that fired last (at first: the first). Not for sessions.
   *
   * @example trigger.delta(10, (a: Position, b) => b.km - a.km)
   */
  delta<T>(threshold: number, distance: (last: T, record: T) => number): Trigger<T> {
    if (typeof threshold !== 'number' || Number.isNaN(threshold))
      throw invalid(`threshold is ${describeValue(threshold)}, expected a number`);
    const far: Trigger<T, readonly [T]> = {
      name: `further than ${threshold}`,
      onRecord(record, _timestamp, context) {
        const last = context.state;
        if (last && !(distance(last[0], record) > threshold)) return 'continue';
        context.state = [record];
        return last ? 'fire' : 'continue';
      },
    };
    return Object.freeze(far) as Trigger<T>;
  },

  /**
   * Again and again while the window lasts: at whole multiples of `interval`, of event time (and at the window's end) or of
   * processing time (and at the end of a window of processing time, not at that of one of event time). A session that has
   * been prolonged fires where it was to end before, and goes on from there. A record of a window that event time has passed
   * fires it at once.
   *
   * @example trigger.eventTime({ early: trigger.every('10s', { time: 'processing' }) })
   */
  every<T>(interval: Duration, { time = 'event' }: { readonly time?: 'event' | 'processing' } = {}): Trigger<T> {
    const intervalMs = durationMs(interval, 'interval of the trigger');
    if (intervalMs <= 0) throw invalid(`interval of the trigger is ${describeValue(interval)}, expected more than 0`);
    if (time !== 'event' && time !== 'processing') throw invalid(`time of the trigger is ${describeValue(time)}`);
    return Object.freeze(time === 'event' ? everyEventTime(intervalMs) : everyProcessingTime(intervalMs)) as Trigger<T>;
  },

  /** As another one, but what has come out is purged, so that each record is in one result. */
  purging<T>(inner: Trigger<T>): Trigger<T> {
    const purged = (result: TriggerResult): TriggerResult => (result === 'fire' ? 'fire-and-purge' : result);
    return Object.freeze({
      name: `${inner.name}, purging`,
      onRecord: (record: T, timestamp: number, context: TriggerContext<unknown>) =>
        purged(inner.onRecord(record, timestamp, context)),
      onEventTime: (time: number, context: TriggerContext<unknown>) => purged(inner.onEventTime?.(time, context)),
      onProcessingTime: (time: number, context: TriggerContext<unknown>) =>
        purged(inner.onProcessingTime?.(time, context)),
      ...(inner.onMerge && {
        onMerge: (merged: readonly unknown[], context: TriggerContext<unknown>) => inner.onMerge?.(merged, context),
      }),
    });
  },

  /** Never: the window's contents come out in no result, unless another trigger around this one says so. */
  never<T>(): Trigger<T> {
    return NEVER as Trigger<T>;
  },
});

function invalid(message: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', message);
}
