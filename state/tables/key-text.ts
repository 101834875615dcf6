/**
 * Keys by value in hash containers: JavaScript's Map and Set tell plain keys apart just as millrace does (-0 is 0,
 * NaN equals itself, 1 is not 1n, lone surrogates stay apart), but arrays by identity. `keyText` gives arrays a
 * text, different texts for different arrays.
 */
import { describeValue, MillraceError } from '../../core/errors.js';

/** Injective over arrays of keys: every part says its type, strings their length, arrays their count. */
export function keyText(key: unknown): string {
  switch (typeof key) {
    case 'string':
      return `s${key.length}:${key}`;
    case 'number':
      return `n${key + 0};`;
    case 'bigint':
      return `b${key};`;
    case 'boolean':
      return key ? 't' : 'f';
    default:
      return compoundText(key);
  }
}

function compoundText(key: unknown): string {
  if (key === null) return '0';
  if (!Array.isArray(key)) throw invalidSubkey(key);
  let text = `a${key.length}:`;
  for (let at = 0; at < key.length; at += 1) text += keyText(key[at]);
  return text;
}

/** Throws `MILL_KEY_INVALID` for what is no plain key; true for arrays, whose parts `keyText` checks. */
export function isCompoundKey(key: unknown): key is readonly unknown[] {
  switch (typeof key) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return false;
    default:
      if (key === null) return false;
      if (Array.isArray(key)) return true;
      throw invalidSubkey(key);
  }
}

function invalidSubkey(key: unknown): MillraceError {
  return new MillraceError(
    'MILL_KEY_INVALID',
    `${describeValue(key)} (${typeof key}) cannot be a key of a map or set in state`,
    {
      hint: 'Use a string, number, bigint, boolean, null, or an array of these.',
    },
  );
}
