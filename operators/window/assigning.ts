/**
 * Gives each record its windows one by one, for windows with triggers, which share no slices: each window has its own
 * contents, as each fires at times of its own.
 */
import type { GlobalWindows, TimeWindows, Window } from './assigners.js';
import { gapOf } from './assigners.js';
import { slicingOf } from './slicing.js';

export interface Assigning<T> {
  /** Windows of a key that touch are one (sessions). */
  readonly merges: boolean;
  /** Before anything else. */
  open?(): Promise<void> | undefined;
  /** Ascending. */
  windowsOf(record: T, time: number): readonly Window[];
}

/** All of time: its ends are no times of records. */
export const ALL_TIME: Window = Object.freeze({ start: Number.MIN_SAFE_INTEGER, end: Number.MAX_SAFE_INTEGER });

export function assigningOf<T>(assigner: TimeWindows<T> | GlobalWindows): Assigning<T> {
  if (assigner.kind === 'global') return { merges: false, windowsOf: () => [ALL_TIME] };
  if (assigner.kind !== 'session') return alignedWindows(assigner);
  const gap = gapOf(assigner);
  return { merges: true, windowsOf: (record, time) => [{ start: time + 0, end: time + gap(record) }] };
}

function alignedWindows(assigner: Exclude<TimeWindows, { kind: 'session' }>): Assigning<unknown> {
  const slicing = slicingOf(assigner);
  return {
    merges: false,
    open: () => slicing.open?.(),
    windowsOf(_record, time) {
      const windows: Window[] = [];
      const slice = slicing.sliceOf(time);
      if (slicing.isGap(slice)) return windows;
      const last = slicing.lastWindowEnd(slice);
      for (let end = slicing.firstWindowEnd(slice); end <= last; end = slicing.endAfter(end))
        windows.push({ start: slicing.startOf(end), end });
      return windows;
    },
  };
}
