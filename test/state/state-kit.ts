/** What tests of keyed state share: keys that are easily mixed up, their slots, and a strict comparison of values. */
import { Batch, Inbox } from '../../core/batch.js';
import { hashKey } from '../../core/key.js';
import type { KeyedState } from '../../state/backend.js';

/** Keys that a careless comparison, hash or encoding would mix up. */
export const KEYS: readonly unknown[] = [
  null,
  true,
  false,
  'true',
  0,
  1,
  1n,
  '1',
  0n,
  '',
  Number.NaN,
  'NaN',
  Infinity,
  0.1,
  -1,
  2 ** 53,
  2n ** 70n,
  '\ud800',
  '\udc00',
  '\ud800\udc00',
  '\ufffd',
  'é',
  'e\u0301',
  '__proto__',
  'constructor',
  [],
  [[]],
  [null],
  ['a', 1],
  ['a', '1'],
  ['a1'],
  [['a'], 1],
  ['a', [1]],
  [Number.NaN],
  [0],
];

/** An equal key that is not the same value: -0 for 0, and copies of arrays. */
export function twin(key: unknown): unknown {
  if (Array.isArray(key)) return key.map(twin);
  return key === 0 ? -0 : key;
}

/** What the model tells keys apart by. */
export function mark(key: unknown): string {
  if (Array.isArray(key)) return `[${key.map(mark).join(',')}]`;
  if (typeof key === 'string') return `string ${Array.from({ length: key.length }, (_, at) => key.charCodeAt(at))}`;
  return `${typeof key} ${String(key)}`;
}

/** Numbers the keys as an operator would: one batch, prepared. */
export function slotsOf(state: KeyedState, keys: readonly unknown[]): Int32Array {
  const batch = new Batch(Math.max(1, keys.length));
  for (const key of keys) batch.pushKeyed(null, 0, key, hashKey(key));
  while (!state.prepare(new Inbox(batch)));
  return batch.slots.slice(0, keys.length);
}

export function slotOf(state: KeyedState, key: unknown): number {
  return slotsOf(state, [twin(key)])[0] as number;
}

/** Deep and strict: -0 is not 0 among values, NaN is NaN. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => name in b && isSame(a[name as never], b[name as never]));
}
