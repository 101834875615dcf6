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

export class Piece implements Iterable<RawRow> {
  /** Of the tables of all files, by number. */
  readonly #names: readonly RawRow['name'][];
  readonly #sections: Uint8Array[] = [];
  #places = new Int32Array(STRIDE * 256);
  #count = 0;

  constructor(names: readonly RawRow['name'][]) {
    this.#names = names;
  }

  get count(): number {
    return this.#count;
  }

  /** Adds a section's rows of the key groups [first, end). `tables`: numbers of the tables of its file. */
  add(bytes: Uint8Array, tables: readonly number[], { first, end }: { first: number; end: number }): void {
    const section = this.#sections.push(bytes) - 1;
    const reader = new ByteReader(bytes);
    while (!reader.drained) {
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
  }

  /** All rows, in order. */
  *[Symbol.iterator](): Iterator<RawRow> {
    for (let row = 0; row < this.#count; row += 1) yield this.#rowAt(row);
  }

  /** Each row once, removed ones too. */
  *newest(): Generator<RawRow> {
    const newest = this.#newest();
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
    if (at + STRIDE > this.#places.length) {
      const longer = new Int32Array(this.#places.length * 2);
      longer.set(this.#places);
      this.#places = longer;
    }
    return at;
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
    const count = this.#count;
    const newest = new Uint8Array(count);
    let size = 16;
    while (size < 2 * count) size *= 2;
    const table = new Int32Array(size).fill(-1);
    for (let row = count - 1; row >= 0; row -= 1) newest[row] = this.#isFirst(row, table) ? 1 : 0;
    return newest;
  }

  /** Whether no row of the same key is in the hash table yet; puts it there. */
  #isFirst(row: number, table: Int32Array): boolean {
    const mask = table.length - 1;
    let slot = this.#hashOf(row) & mask;
    for (;;) {
      const other = table[slot] as number;
      if (other < 0) {
        table[slot] = row;
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
