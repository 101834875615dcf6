/** What is packed straight into a sink has the bytes that `packPlain` makes. */
import fc from 'fast-check';
import t from 'tap';
import { ByteReader, ByteSink } from '../../core/byte-sink.js';
import { packPlain } from '../../core/codec.js';
import { putPacked } from '../../core/direct-pack.js';
import { plainValues } from '../exchange/plain-values.js';

const LIMITS = [0, 0x1f, 0x20, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 2 ** 31, 2 ** 32, 2 ** 53];
const NUMBERS = LIMITS.flatMap((limit) => [limit - 1, limit, limit + 1, limit + 0.5, -limit, -limit - 1, -limit + 1]);

const simple = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(...NUMBERS, null, true, false, Number.NaN, Infinity, 'x'.repeat(0x7f), 'x'.repeat(0x100)),
    fc.integer(),
    fc.double(),
    fc.string({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(fc.string({ maxLength: 3 }), tie('value'), { maxKeys: 20 }),
  ),
})).value;

function sameBytes(value: unknown): boolean {
  const sink = new ByteSink(1);
  sink.u8(7);
  putPacked(value, sink);
  const reader = new ByteReader(sink.bytes, 1);
  return Buffer.compare(reader.take(reader.varint()), packPlain(value)) === 0 && reader.drained;
}

t.test('the bytes are those of packPlain', async (t) => {
  for (const value of NUMBERS) t.ok(sameBytes(value), `${value}`);
  fc.assert(fc.property(simple, sameBytes), { numRuns: 3_000 });
  fc.assert(fc.property(plainValues, sameBytes), { numRuns: 2_000 });
  t.ok(sameBytes(Array.from({ length: 70_000 }, (_, at) => at)), 'too long');
  t.ok(sameBytes(Array.from({ length: 10 }).reduce((inner) => [inner], 1)), 'deep');
  t.ok(sameBytes(Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`f${at}`, at]))), 'many fields');
});

t.test('a value that is not plain leaves the sink as it was', async (t) => {
  const sink = new ByteSink();
  sink.u8(7);
  const circle: unknown[] = [];
  circle.push(circle);
  for (const value of [() => 1, { a: 1, b: [Symbol('s')] }, new (class Own {})(), circle]) {
    t.throws(() => putPacked(value, sink, 'state'), { code: 'MILL_RECORD_NOT_PLAIN', message: /^state/ });
    t.equal(sink.size, 1);
  }
});
