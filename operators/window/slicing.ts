/**
 * Cuts time into slices, so that overlapping windows share what they have in common: a record is added to one slice,
 * however many windows it is in, and a window is a run of whole slices. A slice is named by its start.
 */

import type { AlignedWindows } from './assigners.js';
import { CalendarSlicing } from './calendar-slicing.js';
import { CumulateSlicing } from './cumulate-slicing.js';
import { EvenSlicing } from './even-slicing.js';

export interface Slicing {
  /** No window is longer, in milliseconds. */
  readonly size: number;
  /** Slices of the longest window. */
  readonly slicesPerWindow: number;
  /** Before anything else. */
  open?(): Promise<void>;
  /** Start of the slice that `time` is in. */
  sliceOf(time: number): number;
  /** Whether a slice is between two windows, in none. */
  isGap(slice: number): boolean;
  endOf(slice: number): number;
  /** End of the first window that holds the slice. */
  firstWindowEnd(slice: number): number;
  /** End of the last window that holds the slice. */
  lastWindowEnd(slice: number): number;
  /** End of the first window that holds the slice and ends after `time`; it may be beyond `lastWindowEnd`. */
  windowEndAfter(slice: number, time: number): number;
  /** Start of the window that ends at `end`. */
  startOf(end: number): number;
  /** End of the window that follows the one that ends at `end`. */
  endAfter(end: number): number;
}

export function slicingOf(assigner: AlignedWindows): Slicing {
  if (assigner.kind === 'calendar') return new CalendarSlicing(assigner);
  return assigner.kind === 'cumulate' ? new CumulateSlicing(assigner) : new EvenSlicing(assigner);
}
