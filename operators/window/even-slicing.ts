/**
 * Slices of tumbling and sliding windows.
 *
 * Time is cut where windows start and where they end, so there are at most two slices a slide (paired windows,
 * Krishnamurthy et al. 2006), where slices of gcd(size, slide) could be thousands:
 *
 *     size = 2 * slide + rest    [ rest |           ][ rest |           ][ rest |           ]
 *     windows                    |-------------- size --------------------------|
 *                                                   |-------------- size --------------------------|
 *
 * With slide > size the second slice of each pair is a gap between windows.
 *
 * Invariants: 0 < size, 0 < slide, 0 <= rest < slide, all whole; results are exact for |time| < 2^53.
 */
import type { SlidingWindows, TumblingWindows } from './assigners.js';
import type { Slicing } from './slicing.js';

export class EvenSlicing implements Slicing {
  readonly size: number;
  private readonly slide: number;
  /** Length of the first slice of a slide, if there are two; 0 if there is one. */
  private readonly rest: number;
  readonly slicesPerWindow: number;
  private readonly offset: number;

  constructor(assigner: TumblingWindows | SlidingWindows) {
    this.size = assigner.sizeMs;
    this.slide = assigner.kind === 'tumbling' ? assigner.sizeMs : assigner.slideMs;
    this.offset = assigner.offsetMs;
    this.rest = this.size % this.slide;
    const slides = Math.floor(this.size / this.slide);
    this.slicesPerWindow = this.rest === 0 ? slides : 2 * slides + 1;
  }

  sliceOf(time: number): number {
    const base = this.baseOf(time);
    return this.rest > 0 && time - base >= this.rest ? base + this.rest : base;
  }

  isGap(slice: number): boolean {
    return this.slide > this.size && slice !== this.baseOf(slice);
  }

  endOf(slice: number): number {
    const base = this.baseOf(slice);
    return this.rest > 0 && slice === base ? base + this.rest : base + this.slide;
  }

  firstWindowEnd(slice: number): number {
    const base = this.baseOf(slice);
    if (this.rest === 0) return base + this.slide;
    return slice === base ? base + this.rest : base + this.slide + this.rest;
  }

  lastWindowEnd(slice: number): number {
    return this.baseOf(slice) + this.size;
  }

  windowEndAfter(slice: number, time: number): number {
    const first = this.firstWindowEnd(slice);
    return first > time ? first : first + (Math.floor((time - first) / this.slide) + 1) * this.slide;
  }

  startOf(end: number): number {
    return end - this.size;
  }

  endAfter(end: number): number {
    return end + this.slide;
  }

  /** The last window start at or before `time`. */
  private baseOf(time: number): number {
    return this.offset + Math.floor((time - this.offset) / this.slide) * this.slide;
  }
}
