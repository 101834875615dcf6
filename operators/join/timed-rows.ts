/**
 * Rows of one input of a join, by key and event time: found by ranges of time, and forgotten many at a time.
 *
 * Time is cut into buckets of one width, a pane of state each. In a pane a key has a chunk of rows; what no longer fits
 * into a full chunk goes into a pane of the same time in the next table. So a key with a million rows changes a small
 * part of them at a time, and that part is what a checkpoint writes:
 *
 *     table        pane (bucket)    key    chunk
 *     left         [0, 10 s)        a      time mark record  time mark record  …      full
 *     left.1       [0, 10 s)        a      time mark record
 *
 * Invariants, once open: a row is in the bucket of its time; chunks of a key and bucket are full but for the last; rows
 * of a chunk are in order of time, those of the same time in order of arrival.
 */
import type { KeyedState, Pane, PaneTable } from '../../state/backend.js';

/** Rows of CELLS elements each, flat: most keys have one or two, which are then one small object. */
export type Chunk = unknown[];

export const CELLS = 3;
export const TIME = 0;
/** A number of the join's own. */
export const MARK = 1;
export const RECORD = 2;

/** Encoding so many rows at a seal takes some 50 µs. */
const CHUNK_CELLS = 256 * CELLS;

/** Keys forgotten in one call, about: a millisecond's work. */
const KEYS_PER_DROP = 16_384;

export interface TimedRow {
  readonly slot: number;
  readonly time: number;
  readonly mark: number;
  readonly record: unknown;
}

export class TimedRows {
  readonly bucketMs: number;
  private readonly state: KeyedState;
  private readonly name: string;
  /** Of every key's n-th chunks. */
  private readonly tables: PaneTable<Chunk>[];

  constructor(state: KeyedState, name: string, bucketMs: number) {
    this.state = state;
    this.name = name;
    this.bucketMs = bucketMs;
    this.tables = [state.panes(name)];
  }

  /** Before anything else. What is restored may have been kept in buckets of another width. */
  open(): void {
    while (this.table(this.tables.length).times().length > 0);
    for (const bucket of this.buckets) if (!this.fits(bucket)) this.moveAll(bucket);
  }

  bucketOf(time: number): number {
    return Math.floor(time / this.bucketMs) * this.bucketMs;
  }

  /** Ascending. */
  get buckets(): readonly number[] {
    return (this.tables[0] as PaneTable<Chunk>).times();
  }

  add(slot: number, time: number, mark: number, record: unknown): void {
    const bucket = this.bucketOf(time);
    let pane = (this.tables[0] as PaneTable<Chunk>).pane(bucket);
    let chunk = pane.get(slot);
    if (chunk !== undefined && chunk.length === CHUNK_CELLS) {
      pane = this.table(this.lastChunk(bucket, slot)).pane(bucket);
      chunk = pane.get(slot);
    }
    pane.set(slot, chunk === undefined ? [time, mark, record] : inserted(chunk, time, mark, record));
  }

  /** The n-th chunk of a key in a bucket. */
  chunk(bucket: number, slot: number, number: number): Chunk | undefined {
    return this.tables[number]?.find(bucket)?.get(slot);
  }

  /** Whether a key has another chunk behind this one. */
  goesOn(chunk: Chunk): boolean {
    return chunk.length === CHUNK_CELLS;
  }

  /** Takes note that a chunk has been changed. */
  changed(bucket: number, slot: number, number: number, chunk: Chunk): void {
    this.table(number).pane(bucket).set(slot, chunk);
  }

  /** Forgets buckets that end up to `time`, some keys at a time; false: call again. */
  dropUntil(time: number): boolean {
    let room = KEYS_PER_DROP;
    for (const bucket of this.buckets) {
      if (bucket + this.bucketMs > time) break;
      if (room <= 0) return false;
      room -= this.tables[0]?.find(bucket)?.size ?? 0;
      this.drop(bucket);
    }
    return true;
  }

  *rows(bucket: number): Generator<TimedRow> {
    for (const table of this.tables) {
      const pane = table.find(bucket);
      for (let at = 0; pane !== undefined && at < pane.size; at += 1) yield* rowsOf(pane, at);
    }
  }

  /** One that is there, or the one behind the last. */
  private table(number: number): PaneTable<Chunk> {
    return (this.tables[number] ??= this.state.panes(`${this.name}.${number}`));
  }

  /** Number of the chunk that has room, where the first has none. */
  private lastChunk(bucket: number, slot: number): number {
    const isFull = (number: number): boolean => this.chunk(bucket, slot, number)?.length === CHUNK_CELLS;
    let full = 0;
    let step = 1;
    for (; isFull(full + step); step *= 2) full += step;
    for (; step >= 1; step /= 2) if (isFull(full + step)) full += step;
    return full + 1;
  }

  private drop(bucket: number): void {
    for (const table of this.tables) table.drop(bucket);
  }

  private fits(bucket: number): boolean {
    if (this.bucketOf(bucket) !== bucket) return false;
    for (const table of this.tables) {
      const pane = table.find(bucket);
      for (let at = 0; pane !== undefined && at < pane.size; at += 1) {
        if ((pane.valueAt(at).at(TIME - CELLS) as number) >= bucket + this.bucketMs) return false;
      }
    }
    return true;
  }

  private moveAll(bucket: number): void {
    const rows = [...this.rows(bucket)];
    this.drop(bucket);
    for (const { slot, time, mark, record } of rows) this.add(slot, time, mark, record);
  }
}

/** Index of the first row of a chunk at or after `time`; with `behind`, after it. */
export function placeOf(chunk: Chunk, time: number, behind: boolean): number {
  let low = 0;
  let high = chunk.length / CELLS;
  while (low < high) {
    const middle = (low + high) >> 1;
    const found = chunk[middle * CELLS + TIME] as number;
    if (found < time || (behind && found === time)) low = middle + 1;
    else high = middle;
  }
  return low * CELLS;
}

/** The chunk with a row more, behind those that are not later. */
function inserted(chunk: Chunk, time: number, mark: number, record: unknown): Chunk {
  let at = chunk.length;
  chunk.push(time, mark, record);
  for (; at > 0 && (chunk[at - CELLS + TIME] as number) > time; at -= CELLS) move(chunk, at - CELLS, at);
  chunk[at + TIME] = time;
  chunk[at + MARK] = mark;
  chunk[at + RECORD] = record;
  return chunk;
}

function move(chunk: Chunk, from: number, to: number): void {
  chunk[to + TIME] = chunk[from + TIME];
  chunk[to + MARK] = chunk[from + MARK];
  chunk[to + RECORD] = chunk[from + RECORD];
}

function* rowsOf(pane: Pane<Chunk>, at: number): Generator<TimedRow> {
  const chunk = pane.valueAt(at);
  for (let row = 0; row < chunk.length; row += CELLS) {
    yield {
      slot: pane.slotAt(at),
      time: chunk[row + TIME] as number,
      mark: chunk[row + MARK] as number,
      record: chunk[row + RECORD],
    };
  }
}
