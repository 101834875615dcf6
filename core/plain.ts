/**
 * What a record may be: plain data, which means the same on every worker and on disk.
 *
 * Plain are null, undefined, booleans, numbers, bigints, strings; objects whose prototype is Object.prototype or
 * null, and arrays (holes too), of plain values; Date, Map, Set, typed arrays, Buffer, ArrayBuffer, DataView, and
 * the errors that JavaScript itself defines. Not plain are functions, symbols, instances of classes, getters,
 * cycles, and what nests deeper than DEPTH_MAX.
 *
 * Invariant: whatever `assertPlain` accepts, core/codec.ts packs and unpacks exactly.
 */
import { MillraceError } from './errors.js';

/** Levels of nesting: far more than data has, far less than the stack bears. */
export const DEPTH_MAX = 500;

export type PlainKind = 'object' | 'array' | 'date' | 'map' | 'set' | 'bytes' | 'error';

/** Views of bytes by their place here, which is on disk: only ever append. */
export const BYTE_CLASSES = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  ArrayBuffer,
  DataView,
  Buffer,
] as const;

/** Errors by their place here, which is on disk: only ever append. */
export const ERROR_CLASSES = [
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
  AggregateError,
] as const;

const KIND_BY_PROTOTYPE = new Map<object | null, PlainKind>([
  [Object.prototype, 'object'],
  [null, 'object'],
  [Array.prototype, 'array'],
  [Date.prototype, 'date'],
  [Map.prototype, 'map'],
  [Set.prototype, 'set'],
  ...BYTE_CLASSES.map((type): [object, PlainKind] => [type.prototype, 'bytes']),
  ...ERROR_CLASSES.map((type): [object, PlainKind] => [type.prototype, 'error']),
]);

/** The kind of an object by its prototype; undefined for an instance of some class. */
export function plainKindOf(value: object): PlainKind | undefined {
  return KIND_BY_PROTOTYPE.get(Object.getPrototypeOf(value) as object | null);
}

/**
 * Throws `MILL_RECORD_NOT_PLAIN` that names the path to the first part that is not plain data.
 * Costs a walk over the whole value: for error messages and the test kit, not for each record of a job.
 */
export function assertPlain(value: unknown, name = 'record'): void {
  visit({ path: [name], ancestors: [] }, value);
}

interface Walk {
  /** Name of the root, then one accessor a level: `.user`, `[2]`. */
  readonly path: string[];
  readonly ancestors: object[];
}

function visit(walk: Walk, value: unknown): void {
  if (typeof value === 'function') refuse(walk, `a function${value.name === '' ? '' : ` (${value.name})`}`);
  if (typeof value === 'symbol') refuse(walk, `a symbol (${String(value)})`);
  if (typeof value !== 'object' || value === null) return;
  if (walk.ancestors.includes(value)) refuse(walk, 'a cycle: it contains itself');
  if (walk.ancestors.length >= DEPTH_MAX) refuse(walk, `nested deeper than ${DEPTH_MAX} levels`);
  walk.ancestors.push(value);
  visitObject(walk, value);
  walk.ancestors.pop();
}

function visitObject(walk: Walk, value: object): void {
  switch (plainKindOf(value)) {
    case 'object':
      return visitFields(walk, value);
    case 'array':
      return visitFields(walk, value, (value as unknown[]).length);
    case 'map':
      return visitEntries(walk, value as Map<unknown, unknown>);
    case 'set':
      return visitMembers(walk, value as Set<unknown>);
    case 'error':
      return visitError(walk, value as Error);
    case 'date':
      return;
    case 'bytes':
      return visitBytes(walk, value);
    case undefined:
      return refuse(walk, `an instance of ${classOf(value)}`);
  }
}

/** Own fields of an object, or elements of an array of `length`. */
function visitFields(walk: Walk, value: object, length?: number): void {
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key === 'symbol') refuse(walk, `an object with a symbol for a key (${String(key)})`);
    if (length !== undefined && key === 'length') continue;
    const index = length !== undefined && isIndex(key, length);
    if (length !== undefined && !index) refuse(walk, `an array with a field of its own (${key})`);
    descend(walk, index ? `[${key}]` : accessor(key), readField(walk, value, key));
  }
}

function isIndex(key: string, length: number): boolean {
  return String(Number(key) >>> 0) === key && Number(key) < length;
}

function readField(walk: Walk, owner: object, key: string): unknown {
  const property = Object.getOwnPropertyDescriptor(owner, key);
  if (property === undefined || !('value' in property)) refuse(walk, `an object with a getter or setter (${key})`);
  if (property.enumerable !== true) refuse(walk, `an object with a hidden field (${key})`);
  return property.value;
}

function visitEntries(walk: Walk, map: Map<unknown, unknown>): void {
  refuseOwnFields(walk, map);
  let index = 0;
  for (const [key, value] of map) {
    descend(walk, `.keys()[${index}]`, key);
    descend(walk, `.values()[${index}]`, value);
    index += 1;
  }
}

function visitMembers(walk: Walk, set: Set<unknown>): void {
  refuseOwnFields(walk, set);
  let index = 0;
  for (const member of set) {
    descend(walk, `.values()[${index}]`, member);
    index += 1;
  }
}

function visitBytes(walk: Walk, value: object): void {
  const { buffer } = value as { buffer?: unknown };
  if (buffer instanceof SharedArrayBuffer) refuse(walk, 'a view of shared memory');
}

function visitError(walk: Walk, error: Error): void {
  for (const key of Object.getOwnPropertyNames(error)) {
    const property = Object.getOwnPropertyDescriptor(error, key);
    // The stack is an accessor on some versions of V8.
    if (key !== 'stack' && property !== undefined && 'value' in property) descend(walk, accessor(key), property.value);
  }
}

function refuseOwnFields(walk: Walk, value: Map<unknown, unknown> | Set<unknown>): void {
  const key = Reflect.ownKeys(value)[0];
  if (key !== undefined) refuse(walk, `a ${classOf(value)} with a field of its own (${String(key)})`);
}

function descend(walk: Walk, step: string, value: unknown): void {
  walk.path.push(step);
  visit(walk, value);
  walk.path.pop();
}

function accessor(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function classOf(value: object): string {
  const { constructor } = value as { constructor?: unknown };
  return typeof constructor === 'function' && constructor.name !== ''
    ? `class ${constructor.name}`
    : 'an unnamed class';
}

/** Long paths keep their two ends. */
function shown(path: readonly string[]): string {
  if (path.length <= 12) return path.join('');
  return `${path.slice(0, 6).join('')} … ${path.slice(-4).join('')}`;
}

function refuse(walk: Walk, what: string): never {
  throw new MillraceError('MILL_RECORD_NOT_PLAIN', `${shown(walk.path)} is ${what}`);
}

/** Freezes a plain value through and through, where JavaScript can: contents of Map, Set and bytes stay open. */
export function deepFreeze<T>(value: T): T {
  freeze(value, new Set());
  return value;
}

function freeze(value: unknown, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (ArrayBuffer.isView(value)) return;
  if (value instanceof Map) for (const entry of value) entry.forEach((part) => freeze(part, seen));
  else if (value instanceof Set) for (const member of value) freeze(member, seen);
  else for (const field of Object.values(value)) freeze(field, seen);
  Object.freeze(value);
}
