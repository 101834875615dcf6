/**
 * Goes through a key's rows in a range of time, chunk by chunk, and stops and goes on anywhere: a key with many rows is
 * matched over many calls. Within a chunk rows come in order of time; chunks in order of their buckets.
 *
 * Invariant: between `next` and the following call, rows [at, end) of `chunk` are those in the range.
 */
import { CELLS, type Chunk, MARK, placeOf, TIME, type TimedRows } from './timed-rows.js';

const NOTHING: Chunk = [];

export class RangeProbe {
  bucket = 0;
  /** Of the chunk, within its bucket. */
  number = 0;
  chunk = NOTHING;
  at = 0;
  end = 0;
  private readonly rows: TimedRows;
  private slot = 0;
  private from = 0;
  private to = 0;

  constructor(rows: TimedRows) {
    this.rows = rows;
  }

  /** Begins with times [from, to]; `next` gives the first chunk. */
  begin(slot: number, from: number, to: number): void {
    this.slot = slot;
    this.from = from;
    this.to = to;
    this.bucket = this.rows.bucketOf(from);
    this.number = -1;
    this.chunk = NOTHING;
    this.at = 0;
    this.end = 0;
  }

  /** The next chunk with rows in the range; false: there is none. */
  next(): boolean {
    const { rows, slot, to } = this;
    for (; this.bucket <= to; this.bucket += rows.bucketMs) {
      while (this.number < 0 || rows.goesOn(this.chunk)) {
        this.number += 1;
        const chunk = rows.chunk(this.bucket, slot, this.number);
        if (chunk === undefined) break;
        this.chunk = chunk;
        if (this.narrow(chunk)) return true;
      }
      this.number = -1;
    }
    this.chunk = NOTHING;
    return false;
  }

  /** Marks the row at hand. */
  mark(mark: number): void {
    this.chunk[this.at + MARK] = mark;
    this.rows.changed(this.bucket, this.slot, this.number, this.chunk);
  }

  private narrow(chunk: Chunk): boolean {
    const { from, to } = this;
    const first = chunk[TIME] as number;
    const last = chunk[chunk.length - CELLS + TIME] as number;
    if (last < from || first > to) return false;
    this.at = from <= first ? 0 : placeOf(chunk, from, false);
    this.end = last <= to ? chunk.length : placeOf(chunk, to, true);
    return this.at < this.end;
  }
}
