/**
 * fast-check arbitraries of plain values and records, with the corners that serialisers get wrong, and an equality
 * that sees them: Object.is on numbers, order of keys, prototypes, holes, undefined against missing.
 */
import fc from 'fast-check';
import { BYTE_CLASSES } from '../../core/plain.js';

const ODD_TEXTS = [
  '',
  '__proto__',
  'constructor',
  'toJSON',
  '__keys__',
  '\ud800',
  'a\udc00b',
  'é',
  '€',
  '\u0000',
  '😀',
  'x'.repeat(70),
];

export const texts: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom(...ODD_TEXTS),
);

export const numbers: fc.Arbitrary<number> = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(-0, 0, Number.NaN, 1 / 0, -1 / 0, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53, 0.1),
);

const bigints = fc.oneof(fc.bigInt(), fc.constantFrom(0n, 2n ** 63n, -(2n ** 63n), 2n ** 64n - 1n, -(2n ** 200n)));

export const scalars: fc.Arbitrary<unknown> = fc.oneof(
  texts,
  numbers,
  bigints,
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
);

const BYTE_MAKERS = BYTE_CLASSES.map((Type) => (bytes: Uint8Array): object => {
  if (Type === Buffer) return Buffer.from(bytes);
  const copy = bytes.slice(0, bytes.length & -8).buffer;
  return Type === ArrayBuffer ? copy : new (Type as new (buffer: ArrayBufferLike) => object)(copy);
});

const bytes = fc
  .tuple(fc.uint8Array({ maxLength: 40 }), fc.nat({ max: BYTE_MAKERS.length - 1 }))
  .map(([content, type]) => BYTE_MAKERS[type]?.(content));

const dates = fc.oneof(
  fc.date({ noInvalidDate: false }),
  fc.constantFrom(new Date(0), new Date(-1.5e12), new Date(8.64e15)),
);

const errors = fc
  .tuple(texts, fc.constantFrom(Error, TypeError, RangeError))
  .map(([message, Type]) => new Type(message, { cause: message }));

/** `object` with fields as given; `__proto__` too becomes a field. */
function objectOf(entries: readonly (readonly [string, unknown])[], nullPrototype: boolean): object {
  const object: object = nullPrototype ? Object.create(null) : {};
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  }
  return object;
}

function withHoles(values: readonly unknown[], holes: readonly boolean[]): unknown[] {
  const array = new Array<unknown>(values.length);
  for (const [at, value] of values.entries()) if (holes[at] !== true) array[at] = value;
  return array;
}

const tree = fc.letrec<{ value: unknown; object: object }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalars,
    tie('object'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .tuple(fc.array(tie('value'), { maxLength: 4 }), fc.array(fc.boolean()))
      .map(([values, holes]) => withHoles(values, holes)),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 3 }).map((members) => new Set(members)),
    bytes,
    dates,
    errors,
  ),
  object: fc
    .tuple(fc.array(fc.tuple(texts, tie('value')), { maxLength: 5 }), fc.boolean())
    .map(([entries, nullPrototype]) => objectOf(entries, nullPrototype)),
}));

/** Any plain value. */
export const plainValues: fc.Arbitrary<unknown> = tree.value;

/** Records of an edge: mostly of one shape, as real ones are, with values that make the shape change now and then. */
export const recordLists: fc.Arbitrary<unknown[]> = fc
  .array(fc.oneof({ weight: 4, arbitrary: fc.constantFrom('a', 'count', '1', '', 'constructor', 'é€') }, texts), {
    maxLength: 5,
  })
  .chain((names) => {
    const fields = [...new Set(names)].map((name) => fc.tuple(fc.constant(name), fieldValues()));
    const shaped = fc.tuple(...fields).map((entries) => objectOf(entries, false));
    const lists = fc.array(shaped, { maxLength: 60 });
    const odd = fc.array(fc.oneof(plainValues, numbers, texts), { maxLength: 6 });
    return fc
      .tuple(lists, fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, odd), fc.array(fc.nat()))
      .map(([list, extra, places]) => {
        for (const [at, value] of extra.entries())
          list.splice((places[at] ?? 0) % (list.length + 1), 0, value as object);
        return list as unknown[];
      });
  });

function fieldValues(): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.integer() },
    { weight: 3, arbitrary: fc.string() },
    { weight: 2, arbitrary: fc.option(texts) },
    { weight: 2, arbitrary: fc.oneof(numbers, fc.constant(undefined)) },
    { weight: 2, arbitrary: fc.option(fc.boolean(), { nil: undefined }) },
    { weight: 1, arbitrary: scalars },
  );
}

/** Where two values differ, as a path; undefined when they are the same. */
export function difference(a: unknown, b: unknown, path = ''): string | undefined {
  if (Object.is(a, b)) return undefined;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return `${path}: values`;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return `${path}: prototypes`;
  if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime()) ? undefined : `${path}: times`;
  if (a instanceof ArrayBuffer || ArrayBuffer.isView(a))
    return bytesOf(a).equals(bytesOf(b as ArrayBuffer)) ? undefined : `${path}: bytes`;
  if (a instanceof Map || a instanceof Set) return difference([...a], [...(b as Set<unknown>)], `${path}.entries`);
  return fieldDifference(a as Record<string, unknown>, b as Record<string, unknown>, path);
}

function bytesOf(value: ArrayBuffer | ArrayBufferView): Buffer {
  return ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : Buffer.from(value);
}

function fieldDifference(a: Record<string, unknown>, b: Record<string, unknown>, path: string): string | undefined {
  const keys = Object.getOwnPropertyNames(a);
  if (JSON.stringify(keys) !== JSON.stringify(Object.getOwnPropertyNames(b))) return `${path}: keys`;
  for (const key of keys) {
    const found = difference(a[key], b[key], `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
