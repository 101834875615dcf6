/**
 * Secrets that this thread has been told: their values are taken out of whatever is kept or told. Whoever hands a secret out
 * says so by `knowSecret`; whoever writes something down, or lets an error out, asks `redact`.
 *
 * Invariant: costs nothing as long as there are no secrets.
 */

/** Shorter ones are parts of ordinary words, and nothing that protects anything. */
const CHARS_MIN = 6;
const CAUSES_MAX = 8;

/** Names by values, longest first, with the ways in which a value may be written. */
let known: readonly (readonly [value: string, name: string])[] = [];

/** From now on `value` is told as `[secret NAME]`. */
export function knowSecret(name: string, value: string): void {
  if (value.length < CHARS_MIN || known.some(([each]) => each === value)) return;
  const base64 = Buffer.from(value).toString('base64').replace(/=+$/, '');
  const written = new Set([value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1), base64]);
  const added = [...written].map((each) => [each, name] as const);
  known = [...known, ...added].sort(([a], [b]) => b.length - a.length);
}

/** The name of a secret that is somewhere in plain data; undefined: there is none. */
export function secretIn(value: unknown): string | undefined {
  let found: string | undefined;
  if (known.length > 0)
    mapped(value, (text) => {
      found ??= known.find(([secret]) => text.includes(secret))?.[1];
      return text;
    });
  return found;
}

/** The same plain data without secrets; the very same if there were none. */
export function redact<T>(value: T): T {
  return known.length === 0 ? value : (mapped(value, withoutSecrets) as T);
}

/** Takes secrets out of an error and its causes, in place: it stays the error that it is. */
export function redactThrown<T>(thrown: T): T {
  if (known.length === 0) return thrown;
  let error: unknown = thrown;
  for (let depth = 0; error instanceof Error && depth < CAUSES_MAX; depth += 1) {
    for (const part of ['message', 'stack'] as const) {
      const text = error[part];
      if (text !== undefined && withoutSecrets(text) !== text)
        Object.defineProperty(error, part, { value: withoutSecrets(text), configurable: true, writable: true });
    }
    error = error.cause;
  }
  return typeof thrown === 'string' ? redact(thrown) : thrown;
}

function withoutSecrets(text: string): string {
  let left = text;
  for (const [value, name] of known) if (left.includes(value)) left = left.replaceAll(value, `[secret ${name}]`);
  return left;
}

/** Plain data with its texts mapped, keys of objects and maps included; what has none that change stays the same object. */
function mapped(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return changed(value, (each) => mapped(each, map));
  if (value instanceof Map) {
    const entries = [...value];
    const made = changed(entries, (each) => mapped(each, map)) as [unknown, unknown][];
    return made === entries ? value : new Map(made);
  }
  if (value instanceof Set) {
    const elements = [...value];
    const made = changed(elements, (each) => mapped(each, map));
    return made === elements ? value : new Set(made);
  }
  if (ArrayBuffer.isView(value) || value instanceof Date) return value;
  const entries = Object.entries(value);
  const made = changed(entries, (each) => changed(each, (part) => mapped(part, map)));
  return made === entries ? value : Object.fromEntries(made as [string, unknown][]);
}

function changed<T>(values: T[], map: (value: T) => unknown): unknown[] {
  const made = values.map(map);
  return made.some((each, at) => each !== values[at]) ? made : values;
}
