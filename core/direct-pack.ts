/**
 * Packs the simplest values straight into a sink: numbers, null, booleans, texts in ASCII, and arrays and objects of
 * these. The bytes are those of `packPlain`, which takes all other values, without the walk before it and the memory
 * of its own that it goes through: 7 times as fast for numbers, 4 times for short arrays of them.
 *
 * Invariant: what is put is exactly `packPlain(value)`; a value that is not simple through and through is not put.
 */
import type { ByteSink } from './byte-sink.js';
import { packPlain } from './codec.js';

/** Deeper ones are few, and may be cycles. */
const DEPTH_MAX = 8;
const TEXT_MAX = 0xff;
const COUNT_MAX = 0xffff;

/** Puts a plain value, its length in bytes before it. Throws as `packPlain` does; the sink is then as it was. */
export function putPacked(value: unknown, into: ByteSink, name?: string): void {
  const from = into.openSized();
  if (putSimple(value, into, 0)) {
    into.closeSized(from);
    return;
  }
  into.truncate(from - 1);
  const packed = packPlain(value, name);
  into.varint(packed.length);
  into.put(packed);
}

/** False for a value that is not simple, of which some bytes may have been put. */
function putSimple(value: unknown, into: ByteSink, depth: number): boolean {
  switch (typeof value) {
    case 'number':
      return putNumber(value, into);
    case 'string':
      return putText(value, into);
    case 'boolean':
      into.u8(value ? 0xc3 : 0xc2);
      return true;
    case 'object':
      return putObject(value, into, depth);
    default:
      return false;
  }
}

function putNumber(value: number, into: ByteSink): boolean {
  if (value >>> 0 === value) return value !== 0 ? putNatural(value, into) : putZero(value, into);
  if (value >> 0 === value) return putNegative(value, into);
  into.u8(0xcb);
  into.f64(value);
  return true;
}

/** -0 is not simple. */
function putZero(value: number, into: ByteSink): boolean {
  if (1 / value < 0) return false;
  into.u8(0);
  return true;
}

function putNatural(value: number, into: ByteSink): true {
  if (value < 0x80) into.u8(value);
  else if (value < 0x100) {
    into.u8(0xcc);
    into.u8(value);
  } else if (value < 0x10000) {
    into.u8(0xcd);
    into.u16(value);
  } else {
    into.u8(0xce);
    into.u32(value);
  }
  return true;
}

function putNegative(value: number, into: ByteSink): true {
  if (value >= -0x20) into.u8(value);
  else if (value >= -0x80) {
    into.u8(0xd0);
    into.u8(value);
  } else if (value >= -0x8000) {
    into.u8(0xd1);
    into.u16(value);
  } else {
    into.u8(0xd2);
    into.u32(value);
  }
  return true;
}

function putText(value: string, into: ByteSink): boolean {
  const { length } = value;
  if (length > TEXT_MAX) return false;
  if (length < 0x20) into.u8(0xa0 | length);
  else {
    into.u8(0xd9);
    into.u8(length);
  }
  return into.ascii(value);
}

function putObject(value: object | null, into: ByteSink, depth: number): boolean {
  if (value === null) {
    into.u8(0xc0);
    return true;
  }
  if (depth === DEPTH_MAX) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  if (prototype === Array.prototype) return putArray(value as unknown[], into, depth + 1);
  return prototype === Object.prototype && putFields(value as Record<string, unknown>, into, depth + 1);
}

/** A hole reads as undefined, which is not simple. */
function putArray(array: readonly unknown[], into: ByteSink, depth: number): boolean {
  if (!putCount(array.length, 0x90, 0xdc, into)) return false;
  for (let at = 0; at < array.length; at += 1) if (!putSimple(array[at], into, depth)) return false;
  return true;
}

function putFields(object: Record<string, unknown>, into: ByteSink, depth: number): boolean {
  if (object.constructor !== Object) return false;
  const keys = Object.keys(object);
  if (!putCount(keys.length, 0x80, 0xde, into)) return false;
  for (const key of keys) {
    if (key === '__proto__' || !putText(key, into) || !putSimple(object[key], into, depth)) return false;
  }
  return true;
}

function putCount(count: number, short: number, long: number, into: ByteSink): boolean {
  if (count > COUNT_MAX) return false;
  if (count < 0x10) into.u8(short | count);
  else {
    into.u8(long);
    into.u16(count);
  }
  return true;
}
