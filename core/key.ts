/**
 * Keys: what may be one, when two are equal, how they hash and sort, and who owns them.
 *
 * Keys are compared by value: -0 is 0, NaN equals itself, 1 is neither 1n nor '1', lone surrogates stay apart.
 * The hash is MurmurHash3 (Appleby, x86_32) over a type tag and the number's bits or the string's UTF-16 units,
 * without encoding; the same on every platform.
 */
import { describeValue, MillraceError } from './errors.js';

/** What a stream may be keyed by: plain values and arrays of them. */
export type Key = string | number | bigint | boolean | null | readonly Key[];

const TAG_NUMBER = 0x1b873593;
const TAG_STRING = 0x3c6ef372;
const TAG_BIGINT = 0x510e527f;
const TAG_TRUE = 0x2545f491;
const TAG_FALSE = 0x61c88647;
const TAG_NULL = 0x5be0cd19;
const TAG_ARRAY = 0x6a09e667;

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);

function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  const h = hash ^ Math.imul(k, 0x1b873593);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** 32-bit hash of a key, as a signed integer. Throws `MILL_KEY_INVALID` for what is none. */
export function hashKey(key: unknown): number {
  if (typeof key === 'string') return finish(hashText(TAG_STRING, key));
  if (typeof key === 'number') return finish(hashNumber(key));
  return finish(hashOther(key));
}

/** 32-bit hash of a text, as a signed integer; one for each seed. */
export function hashString(seed: number, text: string): number {
  return finish(hashText(seed, text));
}

function hashNumber(key: number): number {
  // Adding 0 turns -0 into 0; every NaN has the same bits once written.
  double[0] = key === key ? key + 0 : Number.NaN;
  return mix(mix(TAG_NUMBER, words[0] as number), words[1] as number);
}

function hashText(seed: number, text: string): number {
  const length = text.length;
  let hash = seed ^ length;
  let at = 0;
  for (; at + 1 < length; at += 2) hash = mix(hash, text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16));
  return at < length ? mix(hash, text.charCodeAt(at)) : hash;
}

function hashOther(key: unknown): number {
  if (typeof key === 'bigint') return hashText(TAG_BIGINT, key.toString(36));
  if (key === true) return TAG_TRUE;
  if (key === false) return TAG_FALSE;
  if (key === null) return TAG_NULL;
  if (!Array.isArray(key)) throw invalidKey(key);
  let hash = TAG_ARRAY ^ key.length;
  for (let at = 0; at < key.length; at += 1) hash = mix(hash, hashKey(key[at]));
  return hash;
}

function invalidKey(key: unknown): MillraceError {
  return new MillraceError(
    'MILL_KEY_INVALID',
    `keyBy returned ${describeValue(key)} (${typeof key}), which is not a key`,
  );
}

/** Equality of two valid keys. */
export function sameKey(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a === 'number') return a !== a && b !== b && typeof b === 'number';
  if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (!sameKey(a[at], b[at])) return false;
  return true;
}

/**
 * A total order of keys: null, booleans, numbers (NaN last), bigints, strings by UTF-16 unit, arrays by element.
 * The order of encoded keys in the state store is the same.
 */
export function compareKeys(a: unknown, b: unknown): number {
  const rank = rankOf(a) - rankOf(b);
  if (rank !== 0) return rank;
  if (Array.isArray(a)) return compareArrays(a, b as readonly unknown[]);
  if (a !== a || b !== b) return (a !== a ? 1 : 0) - (b !== b ? 1 : 0);
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}

function rankOf(key: unknown): number {
  switch (typeof key) {
    case 'boolean':
      return 1;
    case 'number':
      return 2;
    case 'bigint':
      return 3;
    case 'string':
      return 4;
    default:
      return key === null ? 0 : 5;
  }
}

function compareArrays(a: readonly unknown[], b: readonly unknown[]): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at += 1) {
    const order = compareKeys(a[at], b[at]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

const HASHES = 2 ** 32;

/**
 * Key group of a hash, from its high bits: the low ones are left for hash tables within a worker,
 * where every key of a group would otherwise share them.
 */
export function keyGroupOf(hash: number, maxParallelism: number): number {
  return Math.floor(((hash >>> 0) * maxParallelism) / HASHES);
}

/** The subtask that owns a key group: contiguous ranges, as Flink deals them. */
export function ownerOf(keyGroup: number, parallelism: number, maxParallelism: number): number {
  return Math.floor((keyGroup * parallelism) / maxParallelism);
}

/** The key groups [first, end) of a subtask: the inverse of `ownerOf`. */
export function keyGroupsOf(
  subtask: number,
  parallelism: number,
  maxParallelism: number,
): { first: number; end: number } {
  const bound = (index: number): number => Math.ceil((index * maxParallelism) / parallelism);
  return { first: bound(subtask), end: bound(subtask + 1) };
}
