/**
 * Equality of plain data by value, the same that `valueText` gives: -0 is 0, NaN equals itself, the order of an object's fields
 * does not count. Written out, as it is asked for every record of a changelog.
 */
import { valueText } from './value-text.js';

export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a !== a && b !== b;
  if (Array.isArray(a) && Array.isArray(b)) return sameElements(a, b);
  if (isRecord(a) && isRecord(b)) return sameFields(a, b);
  return valueText(a) === valueText(b);
}

function sameElements(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (!sameValue(a[at], b[at])) return false;
  return true;
}

function isRecord(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function sameFields(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  for (const name of names) if (!Object.hasOwn(b, name) || !sameValue(a[name], b[name])) return false;
  return true;
}
