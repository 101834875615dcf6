/**
 * What a step asked, as sums of its parts: enough to tell, when a run is executed again, whether it asks the same, and if
 * not, what has changed.
 */
import { checksumOf } from '../core/checksum.js';
import { packPlain } from '../core/codec.js';

/** Sums by path: `messages[2]`, `tools.refund`, `temperature`. */
export type Fingerprint = { readonly [path: string]: number };

const NOTHING = new Uint8Array(0);

/** Of a request's fields, and of the parts of those that are lists or objects. */
export function fingerprintOf(request: unknown): Fingerprint {
  const sums: { [path: string]: number } = {};
  if (!isObject(request)) return { '': sumOf(request) };
  for (const [field, value] of Object.entries(request)) {
    if (value === undefined) continue;
    if (Array.isArray(value)) value.forEach((part, at) => addSum(sums, `${field}[${at}]`, part));
    else addSum(sums, field, value);
  }
  return sums;
}

function addSum(sums: { [path: string]: number }, path: string, value: unknown): void {
  sums[path] = sumOf(value);
}

/** Of plain data. */
export function sumOf(value: unknown): number {
  return checksumOf(packPlain(value), NOTHING);
}

/** Paths that differ, in the order of the newer one. */
export function changesBetween(before: Fingerprint, after: Fingerprint): readonly string[] {
  const changed = Object.entries(after).flatMap(([path, sum]) => (before[path] === sum ? [] : [path]));
  return [...changed, ...Object.keys(before).filter((path) => !(path in after))];
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
