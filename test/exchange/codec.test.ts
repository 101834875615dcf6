/** Plain values survive packing exactly; what is not plain is refused by name. */

import fc from 'fast-check';
import t from 'tap';
import { packPlain, packPlainList, unpackPlain } from '../../core/codec.js';
import { DEPTH_MAX } from '../../core/plain.js';
import { difference, plainValues } from './plain-values.js';

t.test('unpack(pack(v)) is v', (t) => {
  fc.assert(
    fc.property(plainValues, (value) => {
      const before = packPlain(value);
      const found = difference(value, unpackPlain(before));
      if (found !== undefined) throw new Error(found);
    }),
    { numRuns: 2_000 },
  );
  t.end();
});

t.test('packing leaves the value alone and gives the same bytes again', (t) => {
  fc.assert(
    fc.property(
      plainValues,
      (value) => Buffer.compare(packPlain(value), packPlain(unpackPlain(packPlain(value)))) === 0,
    ),
  );
  const value = Object.freeze({ a: Object.freeze([-0, 1]), b: '\ud800' });
  t.ok(Object.is((unpackPlain(packPlain(value)) as typeof value).a[0], -0));
  t.ok(Object.is(value.a[0], -0));
  t.end();
});

const CORNERS: Record<string, unknown> = {
  'field __proto__': JSON.parse('{"__proto__": {"x": 1}, "a": 1}'),
  'field constructor': { constructor: 'text', a: 1 },
  'field toJSON': { constructor: 1, toJSON: 5 },
  'field hasOwnProperty': { hasOwnProperty: 1 },
  'field of a lone surrogate': { '\udfff': 1 },
  'null prototype': Object.assign(Object.create(null) as object, { a: 1, constructor: null }),
  'sparse array': Object.assign(new Array<number>(1_000_000_000), { 5: 1 }),
  'array of undefined': [undefined, undefined],
  'undefined field': { a: undefined, b: 1 },
  'integer-like keys': { 2: 'b', 1: 'a', x: 'c' },
  'a megabyte': 'ab€'.repeat(400_000),
  'many fields': Object.fromEntries(Array.from({ length: 70_000 }, (_, at) => [`f${at}`, at])),
  'long array': Array.from({ length: 70_000 }, (_, at) => at - 35_000),
  'large bigint': -(7n ** 5_000n),
  'error with cause': new RangeError('out', { cause: { code: -0 } }),
  'aggregate error': new AggregateError([new Error('a'), 1], 'both'),
  'error with code': Object.assign(new Error('x'), { code: 'E_X' }),
  'part of a buffer': new Uint16Array(new ArrayBuffer(32), 6, 5).fill(7),
  'pooled Buffer': Buffer.from('hello'),
  'invalid date': new Date(Number.NaN),
  'map of maps': new Map<unknown, unknown>([
    [new Map([[1, 2]]), new Set([-0, Number.NaN])],
    [{}, []],
  ]),
};

for (const [name, value] of Object.entries(CORNERS)) {
  t.test(name, (t) => {
    t.equal(difference(value, unpackPlain(packPlain(value))), undefined);
    t.end();
  });
}

t.test('results stand by themselves', (t) => {
  const bytes = packPlain({ data: Buffer.from('abc'), text: 'x' });
  const value = unpackPlain(new Uint8Array(bytes)) as { data: Buffer };
  const copy = Buffer.from(bytes);
  const second = unpackPlain(copy) as { data: Buffer };
  copy.fill(0);
  t.equal(value.data.toString(), 'abc');
  t.equal(second.data.toString(), 'abc');
  const many = Array.from({ length: 5_000 }, (_, at) => packPlain({ at, text: `${at}`.repeat(at % 50) }));
  t.ok(
    many.every((packed, at) => (unpackPlain(packed) as { at: number }).at === at),
    'later packing does not overwrite',
  );
  t.end();
});

t.test('what is not plain is refused with its path', (t) => {
  t.throws(
    () =>
      packPlain({
        list: [
          {
            f() {
              return 1;
            },
          },
        ],
      }),
    { code: 'MILL_RECORD_NOT_PLAIN', message: 'record.list[0].f is a function (f)' },
  );
  t.throws(() => packPlain(new URL('http://x'), 'state'), {
    code: 'MILL_RECORD_NOT_PLAIN',
    message: /^state is an instance of class URL/,
  });
  t.throws(() => packPlainList([1, { s: Symbol('x') }], 0, 2), {
    code: 'MILL_RECORD_NOT_PLAIN',
    message: 'record.s is a symbol (Symbol(x))',
  });
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  t.throws(() => packPlain(cyclic), {
    code: 'MILL_RECORD_NOT_PLAIN',
    message: 'record[0] is a cycle: it contains itself',
  });
  let deep: unknown = 1;
  for (let level = 0; level < DEPTH_MAX; level += 1) deep = [deep];
  t.equal(difference(deep, unpackPlain(packPlain(deep))), undefined);
  t.throws(() => packPlain([deep]), { code: 'MILL_RECORD_NOT_PLAIN' });
  t.end();
});
