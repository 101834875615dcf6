/** Values of jobs as JSON, which has fewer kinds of them. */

/** Texts for bigints, arrays for sets, typed arrays and the entries of maps; null for what JSON has no word for. */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(value, plainer, indent) ?? 'null';
}

function plainer(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}`;
  if (value instanceof Map || value instanceof Set) return [...value];
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return [...(value as Uint8Array)];
  return value;
}
