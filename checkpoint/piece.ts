/**
 * Rows of some key groups, out of several sections, by their places: an object is made of a row only when it is wanted.
 * Finding the newest version of each costs a fraction of a microsecond a row, which is what merging mostly does.
 *
 * Invariants: places are in the order in which rows were added; the last row of a key counts.
 */
import { ByteReader } from '../core/byte-sink.js';
import type { RawRow } from '../state/level/base-codec.js';
import { ROW_REMOVED, type RowsFileWriter } from './rows-file.js';

/** Integers a row: section, key group, table, and where its key's length, its key, and what comes after these begin. */
const STRIDE = 7;
const SECTION = 0;
const GROUP = 1;
const TABLE = 2;
const BODY = 3;
const KEY = 4;
const KEY_END = 5;
const END = 6;

/** Rows dealt with at a time by whoever has others waiting. */
const ROWS_PER_STEP = 2_048;

interface KeyGroups {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

interface Adding extends KeyGroups {
  readonly section: number;
  readonly reader: ByteReader;
  readonly tables: readonly number[];
}

/** `rows`: a hash table of rows' numbers plus 1, by their keys. */
interface Finding {
  readonly newest: Uint8Array;
  readonly rows: Int32Array;
  /** Rows that have not been looked at, the first ones. */
  left: number;
}

/** Bytes that are kept from one piece to the next, at most, twice. */
const KEPT_BYTES = 16 << 20;

/** What a piece works with, for whoever has one piece after the other. */
export class PieceMemory {
  #places = new Int32Array(STRIDE * 256);
  #rows = new Int32Array(16);

  /** At least so long, of any content. */
  places(length: number): Int32Array {
    if (length <= this.#places.length) return this.#places;
    const longer = new Int32Array(length);
    if (longer.byteLength <= KEPT_BYTES) this.#places = longer;
    return longer;
  }

  /** So long, of zeros. */
  rows(length: number): Int32Array {
    if (length <= this.#rows.length) return this.#rows.subarray(0, length).fill(0);
    const longer = new Int32Array(length);
    if (longer.byteLength <= KEPT_BYTES) this.#rows = longer;
    return longer;
  }
}

export class Piece implements Iterable<RawRow> {
  /** Of the tables of all files, by number. */
  readonly #names: readonly RawRow['name'][];
  readonly #sections: Uint8Array[] = [];
  readonly #memory: PieceMemory;
  #places: Int32Array;
  #count = 0;

  constructor(names: readonly RawRow['name'][], memory = new PieceMemory()) {
    this.#names = names;
    this.#memory = memory;
    this.#places = memory.places(0);
  }

  get count(): number {
    return this.#count;
  }

  /** Makes room for so many rows, so that adding them copies nothing. */
  reserve(rows: number): void {
    const length = (this.#count + rows) * STRIDE;
    if (length > this.#places.length) this.#grow(length);
  }

  /** Adds a section's rows of the key groups [first, end). `tables`: numbers of the tables of its file. */
  add(bytes: Uint8Array, tables: readonly number[], range: KeyGroups): void {
    this.#addSome(this.#adding(bytes, tables, range), Number.POSITIVE_INFINITY);
  }

  /** Likewise, a fraction of a millisecond's work at a time. */
  *addInSteps(bytes: Uint8Array, tables: readonly number[], range: KeyGroups): Generator<undefined> {
    const adding = this.#adding(bytes, tables, range);
    while (!this.#addSome(adding, ROWS_PER_STEP)) yield undefined;
  }

  #adding(bytes: Uint8Array, tables: readonly number[], { first, end }: KeyGroups): Adding {
    const section = this.#sections.push(bytes) - 1;
    return { section, reader: new ByteReader(bytes), tables, first, end };
  }

  /** True once nothing is left. */
  #addSome({ section, reader, tables, first, end }: Adding, rows: number): boolean {
    for (let left = rows; left > 0; left -= 1) {
      if (reader.drained) return true;
      const removed = reader.u8() === ROW_REMOVED;
      const group = reader.u16();
      const table = tables[reader.varint()] as number;
      const body = reader.at;
      const keyBytes = reader.varint();
      const key = reader.at;
      const keyEnd = key + keyBytes;
      reader.at = keyEnd;
      if (!removed) {
        const valueBytes = reader.varint();
        reader.at += valueBytes;
      }
      if (group < first || group >= end) continue;
      const at = this.#next();
      const places = this.#places;
      places[at + SECTION] = section;
      places[at + GROUP] = group;
      places[at + TABLE] = table;
      places[at + BODY] = body;
      places[at + KEY] = key;
      places[at + KEY_END] = keyEnd;
      places[at + END] = reader.at;
    }
    return reader.drained;
  }

  /** All rows, in order. */
  *[Symbol.iterator](): Iterator<RawRow> {
    for (let row = 0; row < this.#count; row += 1) yield this.#rowAt(row);
  }

  /** Each row once, removed ones too. */
  *newest(): Generator<RawRow> {
    yield* this.#rowsOf(this.#newest());
  }

  /** Likewise, with a pause (undefined) after each fraction of a millisecond's work before the first row. */
  *newestInSteps(): Generator<RawRow | undefined> {
    const finding = this.#finding();
    while (!this.#findSome(finding, ROWS_PER_STEP)) yield undefined;
    yield* this.#rowsOf(finding.newest);
  }

  *#rowsOf(newest: Uint8Array): Generator<RawRow> {
    for (let row = 0; row < this.#count; row += 1) if (newest[row] === 1) yield this.#rowAt(row);
  }

  /** Puts the newest rows into a file; `tables`: the number there of each table, -1: its rows are left out. */
  copyNewest(into: RowsFileWriter, tables: readonly number[], keepsRemoved: boolean): void {
    const newest = this.#newest();
    const places = this.#places;
    for (let row = 0; row < this.#count; row += 1) {
      const at = row * STRIDE;
      const table = tables[places[at + TABLE] as number] as number;
      const removed = isRemoved(places, at);
      if (newest[row] === 0 || table < 0 || (removed && !keepsRemoved)) continue;
      const bytes = this.#sections[places[at + SECTION] as number] as Uint8Array;
      into.copyRow(
        removed,
        places[at + GROUP] as number,
        table,
        bytes,
        places[at + BODY] as number,
        places[at + END] as number,
      );
    }
  }

  /** Where the next row's place goes. */
  #next(): number {
    const at = this.#count * STRIDE;
    this.#count += 1;
    if (at + STRIDE > this.#places.length) this.#grow(this.#places.length * 2);
    return at;
  }

  #grow(length: number): void {
    const places = this.#memory.places(length);
    if (places !== this.#places) places.set(this.#places);
    this.#places = places;
  }

  #rowAt(row: number): RawRow {
    const places = this.#places;
    const at = row * STRIDE;
    const bytes = this.#sections[places[at + SECTION] as number] as Uint8Array;
    const keyEnd = places[at + KEY_END] as number;
    return {
      name: this.#names[places[at + TABLE] as number] as RawRow['name'],
      keyGroup: places[at + GROUP] as number,
      key: bytes.subarray(places[at + KEY], keyEnd),
      value: isRemoved(places, at) ? undefined : valueAt(bytes, keyEnd),
    };
  }

  /** For each row, whether no later one replaces it: 1 or 0. */
  #newest(): Uint8Array {
    const finding = this.#finding();
    this.#findSome(finding, Number.POSITIVE_INFINITY);
    return finding.newest;
  }

  #finding(): Finding {
    let size = 16;
    while (size < 2 * this.#count) size *= 2;
    return { newest: new Uint8Array(this.#count), rows: this.#memory.rows(size), left: this.#count };
  }

  /** From the last row to the first; true once none is left. */
  #findSome(finding: Finding, rows: number): boolean {
    const { newest, left } = finding;
    const until = Math.max(0, left - rows);
    for (let row = left - 1; row >= until; row -= 1) newest[row] = this.#isFirst(row, finding.rows) ? 1 : 0;
    finding.left = until;
    return until === 0;
  }

  /** Whether no row of the same key is in the hash table yet; puts it there, by its number plus 1. */
  #isFirst(row: number, table: Int32Array): boolean {
    const mask = table.length - 1;
    let slot = this.#hashOf(row) & mask;
    for (;;) {
      const other = (table[slot] as number) - 1;
      if (other < 0) {
        table[slot] = row + 1;
        return true;
      }
      if (this.#isSameKey(row, other)) return false;
      slot = (slot + 1) & mask;
    }
  }

  #hashOf(row: number): number {
    const places = this.#places;
    const at = row * STRIDE;
    const bytes = this.#sections[places[at + SECTION] as number] as Uint8Array;
    const end = places[at + KEY_END] as number;
    let hash = (places[at + TABLE] as number) ^ 0x811c9dc5;
    for (let byte = places[at + KEY] as number; byte < end; byte += 1)
      hash = Math.imul(hash ^ (bytes[byte] as number), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    return hash ^ (hash >>> 13);
  }

  #isSameKey(a: number, b: number): boolean {
    const places = this.#places;
    const [one, other] = [a * STRIDE, b * STRIDE];
    if (places[one + TABLE] !== places[other + TABLE]) return false;
    let at = places[one + KEY] as number;
    let there = places[other + KEY] as number;
    const end = places[one + KEY_END] as number;
    if (end - at !== (places[other + KEY_END] as number) - there) return false;
    const bytes = this.#sections[places[one + SECTION] as number] as Uint8Array;
    const others = this.#sections[places[other + SECTION] as number] as Uint8Array;
    for (; at < end; at += 1, there += 1) if (bytes[at] !== others[there]) return false;
    return true;
  }
}

/** A value has at least the byte of its length. */
function isRemoved(places: Int32Array, at: number): boolean {
  return places[at + KEY_END] === places[at + END];
}

function valueAt(bytes: Uint8Array, at: number): Uint8Array {
  const reader = new ByteReader(bytes, at);
  return reader.take(reader.varint());
}
