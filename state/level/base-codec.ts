/**
 * How rows stand in a base, an ordered store of bytes:
 *
 *   area 1, values, lists,   u8 1 · key group u16 · operator u16 · encoded key · table u16 · encoded subkey
 *           maps
 *   area 2, timers, panes    u8 2 · key group u16 · operator u16 · encoded key · table u16 · encoded subkey
 *   area 3, about the base   u8 3 · u8 what · …                                        base-marks.ts
 *
 *   every value              checksum u32, of the whole row · packed value
 *
 * All rows that a key has in area 1 stand side by side, so one range gives them; a key group is one range per area, and a
 * map's entries are in order. Area 2 is read whole when a worker starts. Area 3 comes last because a base is filled in this
 * order, and what it says is known only then.
 */
import { ByteReader, ByteSink } from '../../core/byte-sink.js';
import { checksumOf } from '../../core/checksum.js';
import { packPlain, unpackPlain } from '../../core/codec.js';
import { encodeKey, skipKey } from '../../core/key-codec.js';
import type { StateRow } from '../backend.js';
import { mayLeave } from './row-base.js';

export const AREA_KEYS = 1;
export const AREA_MEMORY = 2;
export const AREA_MARKS = 3;

export const CHECKSUM_BYTES = 4;
/** Behind every table's number. */
const END_OF_TABLES = 0xffff;

/** Whose row it is. */
export interface TableName {
  readonly operator: string;
  readonly table: string;
  readonly kind: StateRow['kind'];
}

/** A row as files of rows have it: key and value in bytes. */
export interface RawRow {
  /** One object for all rows of a table, if it can be had. */
  readonly name: TableName;
  readonly keyGroup: number;
  /** The encoded key, then the encoded subkey if the kind has one. */
  readonly key: Uint8Array;
  /** Packed; undefined: the row is removed. */
  readonly value: Uint8Array | undefined;
}

/** Keys and values are small and many; one of their own for each costs a microsecond and the garbage collector's time. */
const SLAB_BYTES = 256 << 10;
let slab = new Uint8Array(0);
let slabAt = 0;

function allocated(bytes: number): Uint8Array {
  if (slabAt + bytes > slab.length) {
    slab = new Uint8Array(Math.max(SLAB_BYTES, bytes));
    slabAt = 0;
  }
  slabAt += bytes;
  return slab.subarray(slabAt - bytes, slabAt);
}

function copied(bytes: Uint8Array): Uint8Array {
  const copy = allocated(bytes.length);
  copy.set(bytes);
  return copy;
}

const sink = new ByteSink();

function beginRow(area: number, keyGroup: number, operator: number): void {
  sink.clear();
  sink.u8(area);
  sink.u16(keyGroup);
  sink.u16(operator);
}

function putRawRow({ name: { kind }, keyGroup, key }: RawRow, operator: number, table: number): void {
  beginRow(mayLeave(kind) ? AREA_KEYS : AREA_MEMORY, keyGroup, operator);
  if (kind === 'value') {
    sink.put(key);
    sink.u16(table);
    return;
  }
  const split = skipKey(key, 0);
  sink.put(key.subarray(0, split));
  sink.u16(table);
  sink.put(key.subarray(split));
}

/** Of a row whose key is encoded already. */
export function rawRowKey(row: RawRow, operator: number, table: number): Uint8Array {
  putRawRow(row, operator, table);
  return copied(sink.bytes);
}

/** Likewise, a character a byte: in the same order, and fit for a Map. */
export function rawRowText(row: RawRow, operator: number, table: number): string {
  putRawRow(row, operator, table);
  return Buffer.from(sink.bytes.buffer, 0, sink.size).toString('latin1');
}

/** Where the rows of a key begin and end, or where its row in one table stands, which must be a value. */
export class KeyRows {
  readonly prefix: Uint8Array;

  constructor(keyGroup: number, operator: number, key: unknown) {
    beginRow(AREA_KEYS, keyGroup, operator);
    encodeKey(key, sink);
    this.prefix = copied(sink.bytes);
  }

  get end(): Uint8Array {
    return this.valueOf(END_OF_TABLES);
  }

  valueOf(table: number): Uint8Array {
    sink.clear();
    sink.put(this.prefix);
    sink.u16(table);
    return copied(sink.bytes);
  }
}

export interface RowPlace {
  readonly keyGroup: number;
  readonly operator: number;
  readonly key: Uint8Array;
  readonly table: number;
  readonly subkey: Uint8Array;
}

/** Takes a row's key apart. */
export function placeOfRow(key: Uint8Array): RowPlace {
  const reader = new ByteReader(key, 1);
  const [keyGroup, operator] = [reader.u16(), reader.u16()];
  const end = skipKey(key, reader.at);
  const encoded = key.subarray(reader.at, end);
  reader.at = end;
  return { keyGroup, operator, key: encoded, table: reader.u16(), subkey: key.subarray(reader.at) };
}

export function sealedValue(key: Uint8Array, packed: Uint8Array): Uint8Array {
  const value = allocated(CHECKSUM_BYTES + packed.length);
  putSealed(value, key, packed);
  return value;
}

/** Fills `value`, which is as long as that takes. */
export function putSealed(value: Uint8Array, key: Uint8Array, packed: Uint8Array): void {
  value.set(packed, CHECKSUM_BYTES);
  const sum = checksumOf(key, packed);
  value[0] = sum >>> 24;
  value[1] = sum >>> 16;
  value[2] = sum >>> 8;
  value[3] = sum;
}

/** The packed value; throws `BaseDamage` unless key and value are as they were written. */
export function openedValue(key: Uint8Array, value: Uint8Array): Uint8Array {
  const intact =
    value.length >= CHECKSUM_BYTES && new ByteReader(value).u32() === checksumOf(key, value, CHECKSUM_BYTES);
  if (!intact) throw new BaseDamage('a row is not as it was written');
  return value.subarray(CHECKSUM_BYTES);
}

/** The base can't be trusted, and is to be made anew. Caught where it is opened; later it fails the worker. */
export class BaseDamage extends Error {
  override readonly name = 'BaseDamage';
}

export function sealedPlain(key: Uint8Array, value: unknown): Uint8Array {
  return sealedValue(key, packPlain(value, 'state'));
}

export function openedPlain(key: Uint8Array, value: Uint8Array): unknown {
  return unpackPlain(openedValue(key, value));
}
