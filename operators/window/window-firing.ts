/**
 * Fires aligned windows as the watermark advances, a bounded number of keys at a time, and drops slices that no window
 * needs any more.
 *
 * Invariants: every window with end - 1 <= `fired` has fired, for every key once, in ascending order of ends; no other
 * has. `fired` is the watermark whenever `advance` has returned true. A slice is dropped when the last window that
 * holds it has fired and is past its end - 1 + lateness.
 */
import { LIMITS } from '../../core/limits.js';
import { TIME_MIN } from '../../core/time.js';
import type { PaneTable } from '../../state/backend.js';
import type { OperatorContext } from '../operator.js';
import type { Window } from './assigners.js';
import type { ResultWriter } from './result-writer.js';
import type { Slicing } from './slicing.js';
import { firstFrom, type WindowContents } from './window-contents.js';

export interface FiringOptions<T, Acc, Out> {
  readonly context: OperatorContext;
  readonly slicing: Slicing;
  readonly latenessMs: number;
  readonly panes: PaneTable<Acc>;
  readonly contents: WindowContents<Acc>;
  readonly writer: ResultWriter<T, Acc, Out>;
}

export class WindowFiring<T, Acc, Out> {
  fired = TIME_MIN;
  private readonly options: FiringOptions<T, Acc, Out>;
  /** The window under way, and its next row; -1 while its contents are being sought. */
  private window: Window | null = null;
  private row = -1;

  constructor(options: FiringOptions<T, Acc, Out>) {
    this.options = options;
  }

  /** True once all windows that are due at `watermark` have fired; false: call again. */
  advance(watermark: number): boolean {
    const { context, writer } = this.options;
    let left: number = LIMITS.timersPerStep;
    while (left > 0 && writer.resumeFiring() && !context.output.full) {
      this.window ??= this.nextDue(watermark);
      if (this.window === null) return this.finish(watermark);
      left = this.fire(this.window, left, watermark);
    }
    if (!context.output.full) context.wake();
    return false;
  }

  private finish(watermark: number): true {
    this.fired = Math.max(this.fired, watermark);
    this.dropPassed(watermark);
    return true;
  }

  /** The first window after those that have fired, if it is due. */
  private nextDue(watermark: number): Window | null {
    const { slicing, panes } = this.options;
    const times = panes.times();
    for (let at = firstFrom(times, this.fired + 1 - slicing.size); at < times.length; at += 1) {
      const slice = times[at] as number;
      if (slicing.lastWindowEnd(slice) - 1 <= this.fired || panes.find(slice)?.size === 0) continue;
      const end = slicing.windowEndAfter(slice, this.fired + 1);
      return end - 1 <= watermark ? { start: slicing.startOf(end), end } : null;
    }
    return null;
  }

  /** Goes on with a window; the firings left of `room`. */
  private fire(window: Window, room: number, watermark: number): number {
    const { contents } = this.options;
    if (this.row < 0) {
      if (!contents.seek(window.start, window.end)) return 0;
      this.row = 0;
    }
    const left = this.fireRows(window, room);
    if (this.row >= contents.rows) this.leave(window, watermark);
    return left;
  }

  private fireRows(window: Window, room: number): number {
    const { context, contents, writer } = this.options;
    const { output, state } = context;
    let left = room;
    for (; this.row < contents.rows && left > 0 && !output.full && !writer.pending; this.row += 1) {
      left -= 1;
      const acc = contents.accAt(this.row);
      if (acc !== undefined) writer.fire(acc, state.keyOf(contents.slotAt(this.row)), window);
    }
    return left;
  }

  private leave(window: Window, watermark: number): void {
    const { contents, slicing } = this.options;
    this.fired = window.end - 1;
    this.window = null;
    this.row = -1;
    contents.leaveBefore(slicing.startOf(slicing.endAfter(window.end)));
    this.dropPassed(watermark);
  }

  private dropPassed(watermark: number): void {
    const { slicing, panes, latenessMs } = this.options;
    for (const slice of panes.times()) {
      const last = slicing.lastWindowEnd(slice) - 1;
      if (last > this.fired || last + latenessMs > watermark) return;
      panes.drop(slice);
    }
  }
}
