/**
 * A key that equal values share, whatever kind of plain data they are, so that a record can be found by what it holds. The
 * order of an object's fields does not count; that of a Map's or Set's entries does.
 */
import type { Key } from '../core/key.js';

export function valueKey(value: unknown): Key {
  if (value === undefined) return ['undefined'];
  if (typeof value !== 'object' || value === null) return value as Key;
  if (Array.isArray(value)) return ['array', ...value.map(valueKey)];
  if (value instanceof Date) return ['date', value.getTime()];
  if (value instanceof Map) return ['map', ...Array.from(value, ([key, of]) => [valueKey(key), valueKey(of)] as Key)];
  if (value instanceof Set) return ['set', ...Array.from(value, valueKey)];
  if (ArrayBuffer.isView(value))
    return ['bytes', Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1')];
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return ['object', ...fields.map(([name, of]) => [name, valueKey(of)] as Key)];
}
