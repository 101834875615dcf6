/**
 * Plain values as bytes and back, exactly, by msgpackr. For whatever is not a record on the fast path of an
 * exchange: state, checkpoints, records too irregular for columns.
 *
 * msgpackr alone alters some values (-0, lone surrogates, a key `__proto__`, Buffers, holes, objects with a field
 * `constructor`). So every value is walked first, and what msgpackr would alter is replaced by an `Escaped` of a
 * known tag, in a copy made only where needed. What reaches msgpackr is then: null, undefined, booleans, numbers
 * but -0, 64-bit bigints, well-formed strings, dense arrays, objects with safe keys, Buffers within an Escaped.
 *
 * Invariants: unpackPlain(packPlain(v)) equals v in every bit that a program can see, identity aside; the bytes are
 * self-contained and depend on the value alone; tags are on disk, so they are only ever added to.
 */
import { addExtension, Packr } from 'msgpackr';
import { MillraceError } from './errors.js';
import { assertPlain, BYTE_CLASSES, DEPTH_MAX, ERROR_CLASSES, plainKindOf } from './plain.js';

const EXTENSION = 0x4d;

const TAG_NEGATIVE_ZERO = 0;
const TAG_TEXT = 1;
const TAG_BIGINT = 2;
const TAG_DATE = 3;
const TAG_MAP = 4;
const TAG_SET = 5;
const TAG_BYTES = 6;
const TAG_ERROR = 7;
const TAG_OBJECT = 8;
const TAG_HOLES = 9;

/** What msgpackr would alter: a tag, and parts that it does not. */
class Escaped {
  readonly parts: readonly unknown[];

  constructor(parts: readonly unknown[]) {
    this.parts = parts;
  }
}

addExtension({
  Class: Escaped,
  type: EXTENSION,
  write: (escaped: Escaped) => escaped.parts,
  read: (parts: unknown[]) => revive(parts),
});

// Objects as maps, not as msgpackr's records: no state between calls, no generated code, no limit of structures.
const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true, moreTypes: true });

/**
 * Packs a plain value into bytes that stand by themselves. They may share their memory with other results:
 * read them, don't write to them. Throws `MILL_RECORD_NOT_PLAIN`, whose message starts with `name`.
 */
export function packPlain(value: unknown, name = 'record'): Uint8Array {
  return packr.pack(escapeRoot(value, name));
}

/**
 * Packs values [from, end) of a list as a list. An error names the value it is about, not the list: to find its
 * place, pack fewer.
 */
export function packPlainList(values: readonly unknown[], from: number, end: number, name = 'record'): Uint8Array {
  const kept: unknown[] = [];
  for (let at = from; at < end; at += 1) kept.push(escapeRoot(values[at], name));
  return packr.pack(kept);
}

/** The value that `packPlain` was given. `bytes` must not be shared memory; nothing of them is kept. */
export function unpackPlain(bytes: Uint8Array): unknown {
  return packr.unpack(bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** Where the walk stands: the value it started at, for the error message. Calls do not nest. */
let root: unknown;
let rootName = '';

function escapeRoot(value: unknown, name: string): unknown {
  root = value;
  rootName = name;
  try {
    return escapeValue(value, 0);
  } finally {
    root = undefined;
  }
}

/** `value` itself where msgpackr keeps it; otherwise what stands for it. */
function escapeValue(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? value : new Escaped([TAG_TEXT, Buffer.from(value, 'utf16le')]);
    case 'number':
      return value === 0 && 1 / value < 0 ? new Escaped([TAG_NEGATIVE_ZERO]) : value;
    case 'object':
      return value === null ? null : escapeObject(value, depth);
    case 'boolean':
    case 'undefined':
      return value;
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? value : new Escaped([TAG_BIGINT, bigintText(value)]);
    default:
      return refuse();
  }
}

function escapeObject(value: object, depth: number): unknown {
  if (depth >= DEPTH_MAX) return refuse();
  const prototype = Object.getPrototypeOf(value) as unknown;
  if (prototype === Object.prototype) return escapeFields(value as Record<string, unknown>, depth + 1);
  if (prototype === Array.prototype) return escapeArray(value as unknown[], depth + 1);
  return escapeSpecial(value, depth + 1);
}

function escapeFields(object: Record<string, unknown>, depth: number): unknown {
  if (object.constructor !== Object) return escapeOddObject(object, depth);
  let copy: Record<string, unknown> | undefined;
  // Half the time that Object.keys takes. It may show fields of a tampered Object.prototype: those are let be.
  for (const key in object) {
    if (key === '__proto__' || !key.isWellFormed()) return escapeOddObject(object, depth);
    const value = object[key];
    const kept = escapeValue(value, depth);
    if (kept !== value && kept === kept && Object.hasOwn(object, key)) {
      copy ??= { ...object };
      copy[key] = kept;
    }
  }
  return copy ?? object;
}

function escapeArray(array: unknown[], depth: number): unknown {
  let copy: unknown[] | undefined;
  for (let at = 0; at < array.length; at += 1) {
    const value = array[at];
    if (value === undefined && !Object.hasOwn(array, at)) return escapeHoles(array, depth);
    const kept = escapeValue(value, depth);
    if (kept !== value && kept === kept) {
      copy ??= array.slice();
      copy[at] = kept;
    }
  }
  return copy ?? array;
}

/** An object whose prototype or keys msgpackr would change, as a list of keys and values. */
function escapeOddObject(object: object, depth: number): Escaped {
  const parts: unknown[] = [TAG_OBJECT, Object.getPrototypeOf(object) === null];
  pushFields(parts, object, Object.keys(object), depth);
  return new Escaped(parts);
}

function escapeHoles(array: unknown[], depth: number): Escaped {
  const parts: unknown[] = [TAG_HOLES, array.length];
  pushFields(parts, array, Object.keys(array), depth);
  return new Escaped(parts);
}

function pushFields(parts: unknown[], object: object, keys: readonly string[], depth: number): void {
  for (const key of keys) {
    parts.push(escapeValue(key, depth), escapeValue((object as Record<string, unknown>)[key], depth));
  }
}

function escapeSpecial(value: object, depth: number): Escaped {
  switch (plainKindOf(value)) {
    case 'object':
      return escapeOddObject(value, depth);
    case 'date':
      return new Escaped([TAG_DATE, (value as Date).getTime()]);
    case 'map':
      return escapeMap(value as Map<unknown, unknown>, depth);
    case 'set':
      return escapeSet(value as Set<unknown>, depth);
    case 'bytes':
      return escapeBytes(value);
    case 'error':
      return escapeError(value as Error, depth);
    default:
      return refuse();
  }
}

function escapeMap(map: Map<unknown, unknown>, depth: number): Escaped {
  const parts: unknown[] = [TAG_MAP];
  for (const [key, value] of map) parts.push(escapeValue(key, depth), escapeValue(value, depth));
  return new Escaped(parts);
}

function escapeSet(set: Set<unknown>, depth: number): Escaped {
  const parts: unknown[] = [TAG_SET];
  for (const member of set) parts.push(escapeValue(member, depth));
  return new Escaped(parts);
}

function escapeBytes(value: object): Escaped {
  const type = BYTE_CLASSES.findIndex((candidate) => candidate.prototype === Object.getPrototypeOf(value));
  if (value instanceof ArrayBuffer) return new Escaped([TAG_BYTES, type, Buffer.from(value)]);
  const view = value as ArrayBufferView;
  if (!(view.buffer instanceof ArrayBuffer)) return refuse();
  return new Escaped([TAG_BYTES, type, Buffer.from(view.buffer, view.byteOffset, view.byteLength)]);
}

/** Message, stack, cause and whatever else is the error's own. */
function escapeError(error: Error, depth: number): Escaped {
  const type = ERROR_CLASSES.findIndex((candidate) => candidate.prototype === Object.getPrototypeOf(error));
  const parts: unknown[] = [TAG_ERROR, type];
  for (const key of Object.getOwnPropertyNames(error)) {
    const value = (error as unknown as Record<string, unknown>)[key];
    parts.push(
      escapeValue(key, depth),
      escapeValue(value, depth),
      Object.prototype.propertyIsEnumerable.call(error, key),
    );
  }
  return new Escaped(parts);
}

/** The walk has met something that is not plain: the slower walk knows the path to it. */
function refuse(): never {
  assertPlain(root, rootName);
  throw new MillraceError('MILL_BUG', `${rootName} is plain data that cannot be packed`);
}

/** In hexadecimal, which parses in linear time. */
function bigintText(value: bigint): string {
  return value < 0n ? `-${(-value).toString(16)}` : value.toString(16);
}

function bigintOf(text: string): bigint {
  return text.startsWith('-') ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
}

function revive(parts: unknown[]): unknown {
  switch (parts[0]) {
    case TAG_NEGATIVE_ZERO:
      return -0;
    case TAG_TEXT:
      return (parts[1] as Buffer).toString('utf16le');
    case TAG_BIGINT:
      return bigintOf(parts[1] as string);
    case TAG_DATE:
      return new Date(parts[1] as number);
    case TAG_MAP:
      return reviveMap(parts);
    case TAG_SET:
      return new Set(parts.slice(1));
    case TAG_BYTES:
      return reviveBytes(parts[1] as number, parts[2] as Buffer);
    case TAG_ERROR:
      return reviveError(parts);
    case TAG_OBJECT:
      return reviveFields(parts[1] === true ? (Object.create(null) as object) : {}, parts);
    case TAG_HOLES:
      return reviveFields(new Array(parts[1] as number), parts);
    default:
      throw new MillraceError('MILL_BUG', `packed bytes hold the unknown tag ${String(parts[0])}`);
  }
}

function reviveMap(parts: readonly unknown[]): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  for (let at = 1; at < parts.length; at += 2) map.set(parts[at], parts[at + 1]);
  return map;
}

function reviveFields(object: object, parts: readonly unknown[]): object {
  for (let at = 2; at < parts.length; at += 2) {
    define(object, parts[at] as string, parts[at + 1], true);
  }
  return object;
}

function define(object: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(object, key, { value, enumerable, writable: true, configurable: true });
}

function reviveBytes(type: number, bytes: Buffer): object {
  const Type = BYTE_CLASSES[type];
  if (Type === undefined) throw new MillraceError('MILL_BUG', `packed bytes hold the unknown class ${type}`);
  if (Type === Buffer) return Buffer.from(bytes);
  const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return Type === ArrayBuffer ? copy : new (Type as new (buffer: ArrayBufferLike) => object)(copy);
}

function reviveError(parts: readonly unknown[]): Error {
  const Type = ERROR_CLASSES[parts[1] as number];
  if (Type === undefined)
    throw new MillraceError('MILL_BUG', `packed bytes hold the unknown error class ${String(parts[1])}`);
  const error = Type === AggregateError ? new AggregateError([]) : new (Type as ErrorConstructor)();
  for (const key of Object.getOwnPropertyNames(error)) delete (error as unknown as Record<string, unknown>)[key];
  for (let at = 2; at < parts.length; at += 3) {
    define(error, parts[at] as string, parts[at + 1], parts[at + 2] === true);
  }
  return error;
}
