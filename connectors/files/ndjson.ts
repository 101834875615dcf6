/**
 * NDJSON, also known as JSON lines: one JSON value a line.
 *
 * Invariants: reading keeps every key as plain data, `__proto__` too. Writing loses nothing silently: what JSON would
 * drop or change is an error, except for absent values (undefined) of objects and the sign of -0.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import { type InferOutput, type StandardSchemaV1, validate } from '../../core/schema.js';
import { type FileFormat, NOTHING, type RecordDecoder, type RecordEncoder } from './file-format.js';
import { type RecordBlock, recordText } from './record-splitter.js';

/**
 * NDJSON as a format of `files` and `fileSink`. Blank lines are skipped.
 *
 * With a `schema` (zod, valibot …) each value read is what the schema makes of it, and typed so; without one, name the
 * type yourself, at your own risk. A line that is no JSON is malformed (`MILL_RECORD_MALFORMED`), one that does not
 * fit rejected (`MILL_RECORD_REJECTED`): the source's `onError` decides.
 *
 * Written are objects, arrays, strings, finite numbers, booleans, null, dates (as ISO text) and what has a `toJSON`;
 * anything else (bigint, NaN, Map, Set, bytes, functions, undefined as a record or in an array) fails with
 * `MILL_RECORD_NOT_PLAIN`, naming it. Written records are not validated.
 *
 * Costs about 0.3 µs a record besides JSON.parse and the schema.
 *
 * @example
 * j.from('orders', files('orders/*.ndjson.gz', ndjson({ schema: z.object({ id: z.string(), cents: z.number() }) })))
 */
export function ndjson<S extends StandardSchemaV1>(options: { readonly schema: S }): FileFormat<InferOutput<S>>;
// Before the next one, from which the compiler would infer that nothing is read.
export function ndjson(options?: { readonly schema?: undefined }): FileFormat<unknown>;
export function ndjson<T>(options?: { readonly schema?: undefined }): FileFormat<T>;
export function ndjson(options: { readonly schema?: StandardSchemaV1 | undefined } = {}): FileFormat<unknown> {
  return {
    name: 'ndjson',
    extension: 'ndjson',
    decoder: () => new JsonDecoder(options.schema),
    encoder: () => ENCODER,
  };
}

class JsonDecoder implements RecordDecoder {
  private block: RecordBlock | undefined;

  constructor(private readonly schema: StandardSchemaV1 | undefined) {}

  load(block: RecordBlock): void {
    this.block = block;
  }

  decode(index: number): unknown {
    const value = parse(recordText(this.block as RecordBlock, index));
    return this.schema === undefined || value === NOTHING ? value : validate(this.schema, value);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // Only here, so that blank lines alone pay for the question.
    if (text.trim() === '') return NOTHING;
    throw new MillraceError('MILL_RECORD_MALFORMED', `it is not JSON: ${(cause as Error).message}`, { cause });
  }
}

const ENCODER: RecordEncoder = { encode: (record) => `${encodeJson(record)}\n` };

/** A value as one line of JSON. Throws `MILL_RECORD_NOT_PLAIN` where JSON would change it. */
export function encodeJson(record: unknown): string {
  check(record, '', 0);
  const text = JSON.stringify(record);
  if (text === undefined) throw notJson(record, '');
  return text;
}

/** Deeper than any data; a cycle gets here. */
const DEPTH_MAX = 500;

/** `path` grows on the way down only where a value is an object, so that flat records build no text. */
function check(value: unknown, path: string, depth: number): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return;
    case 'number':
      if (!Number.isFinite(value)) throw notJson(value, path);
      return;
    case 'object':
      if (value !== null) checkObject(value, path, depth);
      return;
    default:
      throw notJson(value, path);
  }
}

function checkObject(value: object, path: string, depth: number): void {
  if (depth > DEPTH_MAX)
    throw new MillraceError('MILL_RECORD_NOT_PLAIN', `JSON cannot express a cycle, or ${DEPTH_MAX} levels`);
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) checkPart(value[at], path, at, depth);
    return;
  }
  if (isOpaque(value)) throw notJson(value, path);
  if ('toJSON' in value && typeof value.toJSON === 'function') return;
  for (const key in value) {
    const part = (value as Record<string, unknown>)[key];
    if (part !== undefined) checkPart(part, path, key, depth);
  }
}

function checkPart(part: unknown, path: string, key: string | number, depth: number): void {
  const type = typeof part;
  if (type === 'string' || type === 'boolean' || (type === 'number' && Number.isFinite(part))) return;
  check(part, typeof key === 'number' ? `${path}[${key}]` : `${path}.${key}`, depth + 1);
}

function isOpaque(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype || prototype === null) return false;
  return (
    value instanceof Map ||
    value instanceof Set ||
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    (value instanceof Date && Number.isNaN(value.getTime()))
  );
}

function notJson(value: unknown, path: string): MillraceError {
  const where = path === '' ? 'the record' : path.replace(/^\./, '');
  const what =
    value instanceof Object && typeof value !== 'function'
      ? `${value.constructor.name} ${describeValue(value)}`
      : describeValue(value);
  return new MillraceError('MILL_RECORD_NOT_PLAIN', `JSON cannot express ${what} (${where})`, {
    hint: 'Map the record to strings, finite numbers, booleans, null, dates, arrays and objects before the sink.',
  });
}
