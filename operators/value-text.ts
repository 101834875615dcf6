/**
 * A text that equal values share, whatever kind of plain data they are, and different ones don't, so that a record can be
 * found by what it holds. The order of an object's fields does not count; that of a Map's or Set's entries does. -0 is 0, NaN
 * equals itself, 1 is neither 1n nor '1'.
 *
 * Invariant: every part says its type, strings and names their length, and what holds others their number.
 */
export function valueText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `s${value.length}:${value}`;
    case 'number':
      return `n${value + 0};`;
    case 'bigint':
      return `b${value};`;
    case 'boolean':
      return value ? 't' : 'f';
    case 'object':
      return value === null ? '0' : objectText(value);
    default:
      return 'u';
  }
}

function objectText(value: object): string {
  if (Array.isArray(value)) return textOfAll('a', value);
  if (value instanceof Date) return `d${value.getTime()};`;
  if (value instanceof Map)
    return textOfAll(
      'm',
      Array.from(value, ([key, of]) => [key, of]),
    );
  if (value instanceof Set) return textOfAll('e', [...value]);
  if (ArrayBuffer.isView(value)) return bytesText(value);
  const names = Object.keys(value).sort();
  let text = `o${names.length}:`;
  for (const name of names) text += `${name.length}:${name}${valueText((value as Record<string, unknown>)[name])}`;
  return text;
}

function textOfAll(kind: string, values: readonly unknown[]): string {
  let text = `${kind}${values.length}:`;
  for (let at = 0; at < values.length; at += 1) text += valueText(values[at]);
  return text;
}

function bytesText({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return `y${byteLength}:${Buffer.from(buffer, byteOffset, byteLength).toString('latin1')}`;
}
