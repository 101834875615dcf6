/**
 * Keys as bytes that sort as `compareKeys` does, each self-delimiting, so that several can stand one after another.
 *
 *   null     05
 *   boolean  10 | 11
 *   number   20, 8 bytes: the double's bits, sign flipped for positive, all flipped for negative ones; one NaN
 *   bigint   30, sign byte (00 | 01), u32 length, magnitude; length and magnitude inverted for negative ones
 *   string   40, each UTF-16 unit + 1 in UTF-8's scheme (1 to 4 bytes, lone surrogates like any other), 00
 *   array    50, the elements, 00
 */
import type { ByteReader, ByteSink } from './byte-sink.js';
import { MillraceError } from './errors.js';
import type { Key } from './key.js';

const NULL = 0x05;
const FALSE = 0x10;
const TRUE = 0x11;
const NUMBER = 0x20;
const BIGINT = 0x30;
const STRING = 0x40;
const ARRAY = 0x50;
const END = 0x00;

const double = new DataView(new ArrayBuffer(8));

export function encodeKey(key: unknown, into: ByteSink): void {
  switch (typeof key) {
    case 'string':
      return encodeText(key, into);
    case 'number':
      return encodeNumber(key, into);
    case 'boolean':
      return into.u8(key ? TRUE : FALSE);
    case 'bigint':
      return encodeBigint(key, into);
    default:
      return key === null ? into.u8(NULL) : encodeArray(key as readonly unknown[], into);
  }
}

function encodeNumber(key: number, into: ByteSink): void {
  double.setFloat64(0, key === key ? key + 0 : Number.NaN);
  const high = double.getUint32(0);
  const negative = high >= 0x80000000;
  into.u8(NUMBER);
  into.u32((negative ? ~high : high | 0x80000000) >>> 0);
  into.u32((negative ? ~double.getUint32(4) : double.getUint32(4)) >>> 0);
}

function encodeText(key: string, into: ByteSink): void {
  into.u8(STRING);
  for (let at = 0; at < key.length; at += 1) encodeUnit(key.charCodeAt(at) + 1, into);
  into.u8(END);
}

function encodeUnit(unit: number, into: ByteSink): void {
  if (unit < 0x80) return into.u8(unit);
  if (unit < 0x800) {
    into.u8(0xc0 | (unit >> 6));
  } else if (unit < 0x10000) {
    into.u8(0xe0 | (unit >> 12));
    into.u8(0x80 | ((unit >> 6) & 0x3f));
  } else {
    into.u8(0xf0);
    into.u8(0x90);
    into.u8(0x80);
  }
  into.u8(0x80 | (unit & 0x3f));
}

function encodeBigint(key: bigint, into: ByteSink): void {
  const negative = key < 0n;
  const hex = (negative ? -key : key).toString(16);
  const magnitude = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  into.u8(BIGINT);
  into.u8(negative ? 0 : 1);
  into.u32((negative ? ~magnitude.length : magnitude.length) >>> 0);
  into.put(negative ? magnitude.map((byte) => ~byte) : magnitude);
}

function encodeArray(key: readonly unknown[], into: ByteSink): void {
  into.u8(ARRAY);
  for (const element of key) encodeKey(element, into);
  into.u8(END);
}

/** The next key. Bytes that are none throw `MILL_BUG`: whoever reads state has checked its digests before. */
export function decodeKey(from: ByteReader): Key {
  return decodeTagged(from.u8(), from);
}

function decodeTagged(tag: number, from: ByteReader): Key {
  switch (tag) {
    case NULL:
      return null;
    case FALSE:
    case TRUE:
      return tag === TRUE;
    case NUMBER:
      return decodeNumber(from);
    case BIGINT:
      return decodeBigint(from);
    case STRING:
      return decodeText(from);
    case ARRAY:
      return decodeArray(from);
    default:
      throw new MillraceError('MILL_BUG', `an encoded key begins with ${tag}`);
  }
}

function decodeNumber(from: ByteReader): number {
  const high = from.u32();
  const low = from.u32();
  const negative = high < 0x80000000;
  double.setUint32(0, negative ? ~high : high & 0x7fffffff);
  double.setUint32(4, negative ? ~low : low);
  return double.getFloat64(0);
}

function decodeText(from: ByteReader): string {
  const units: number[] = [];
  for (let byte = from.u8(); byte !== END; byte = from.u8()) units.push(decodeUnit(byte, from) - 1);
  let text = '';
  for (let at = 0; at < units.length; at += 4_096) text += String.fromCharCode(...units.slice(at, at + 4_096));
  return text;
}

function decodeUnit(first: number, from: ByteReader): number {
  if (first < 0x80) return first;
  const tail = (): number => from.u8() & 0x3f;
  if (first < 0xe0) return ((first & 0x1f) << 6) | tail();
  if (first < 0xf0) return ((first & 0x0f) << 12) | (tail() << 6) | tail();
  return ((first & 0x07) << 18) | (tail() << 12) | (tail() << 6) | tail();
}

function decodeBigint(from: ByteReader): bigint {
  const negative = from.u8() === 0;
  const length = from.u32();
  const bytes = from.take((negative ? ~length : length) >>> 0);
  const magnitude = BigInt(`0x${Buffer.from(negative ? bytes.map((byte) => ~byte) : bytes).toString('hex')}`);
  return negative ? -magnitude : magnitude;
}

function decodeArray(from: ByteReader): readonly Key[] {
  const elements: Key[] = [];
  for (let tag = from.u8(); tag !== END; tag = from.u8()) elements.push(decodeTagged(tag, from));
  return elements;
}

/** Where the key that begins at `from` ends, without decoding it. */
export function skipKey(bytes: Uint8Array, from: number): number {
  switch (bytes[from]) {
    case NUMBER:
      return from + 9;
    case STRING:
      return bytes.indexOf(END, from) + 1;
    case BIGINT:
      return skipBigint(bytes, from);
    case ARRAY:
      return skipArray(bytes, from);
    default:
      return from + 1;
  }
}

function skipBigint(bytes: Uint8Array, from: number): number {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(from + 2);
  return from + 6 + ((bytes[from + 1] === 0 ? ~length : length) >>> 0);
}

function skipArray(bytes: Uint8Array, from: number): number {
  let at = from + 1;
  while (at < bytes.length && bytes[at] !== END) at = skipKey(bytes, at);
  return at + 1;
}
