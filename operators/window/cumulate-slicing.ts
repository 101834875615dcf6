/**
 * Slices of cumulating windows: one a step. The windows of one period start together and end a step after one another:
 *
 *     slices     |  s1  |  s2  |  s3  |  s1  |
 *     windows    |------|             |------|
 *                |-------------|      |---
 *                |--------------------|
 *
 * Invariants: 0 < step <= size, both whole, size a multiple of step; results are exact for |time| < 2^53.
 */
import type { CumulatingWindows } from './assigners.js';
import type { Slicing } from './slicing.js';

export class CumulateSlicing implements Slicing {
  readonly size: number;
  readonly slicesPerWindow: number;
  private readonly step: number;
  private readonly offset: number;

  constructor({ sizeMs, stepMs, offsetMs }: CumulatingWindows) {
    this.size = sizeMs;
    this.step = stepMs;
    this.offset = offsetMs;
    this.slicesPerWindow = sizeMs / stepMs;
  }

  sliceOf(time: number): number {
    return floorTo(time, this.step, this.offset);
  }

  isGap(): boolean {
    return false;
  }

  endOf(slice: number): number {
    return slice + this.step;
  }

  firstWindowEnd(slice: number): number {
    return slice + this.step;
  }

  lastWindowEnd(slice: number): number {
    return floorTo(slice, this.size, this.offset) + this.size;
  }

  windowEndAfter(slice: number, time: number): number {
    const first = this.firstWindowEnd(slice);
    return first > time ? first : floorTo(time, this.step, this.offset) + this.step;
  }

  startOf(end: number): number {
    return floorTo(end - this.step, this.size, this.offset);
  }

  endAfter(end: number): number {
    return end + this.step;
  }
}

function floorTo(time: number, unit: number, offset: number): number {
  return offset + Math.floor((time - offset) / unit) * unit;
}
