/** Encoded keys come back as they were, and sort as the keys do. */
import fc from 'fast-check';
import t from 'tap';
import { ByteReader, ByteSink } from '../../core/byte-sink.js';
import { compareKeys, hashKey, type Key, keyGroupOf, keyGroupsOf, ownerOf, sameKey } from '../../core/key.js';
import { decodeKey, encodeKey } from '../../core/key-codec.js';

const RUNS = { numRuns: 3_000 };

const unit = fc.oneof(
  fc.constantFrom('\0', '\uffff', '\ud800', '\udc00', 'a', '~', '\x7f', 'é', '\u07ff', '\u0800'),
  fc.string(),
);
const text = fc.array(unit, { maxLength: 6 }).map((parts) => parts.join(''));
const scalar: fc.Arbitrary<Key> = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    0,
    -0,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    0n,
    -1n,
    1n,
    1,
    '1',
    '',
  ),
  fc.double(),
  fc.integer(),
  fc.bigInt(),
  text,
);
const key: fc.Arbitrary<Key> = fc.letrec<{ key: Key }>((tie) => ({
  key: fc.oneof({ maxDepth: 3 }, scalar, fc.array(tie('key'), { maxLength: 4 })),
})).key;

function encoded(...keys: Key[]): Uint8Array {
  const sink = new ByteSink(1);
  for (const each of keys) encodeKey(each, sink);
  return sink.take();
}

t.test('round trip, one after another', async () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      const reader = new ByteReader(encoded(a, b));
      return sameKey(decodeKey(reader), a) && sameKey(decodeKey(reader), b) && reader.drained;
    }),
    RUNS,
  );
});

t.test('bytes sort as keys do', async () => {
  const order = (a: Key, b: Key): boolean =>
    Math.sign(Buffer.compare(encoded(a), encoded(b))) === Math.sign(compareKeys(a, b));
  fc.assert(fc.property(key, key, order), RUNS);
  fc.assert(fc.property(text, text, order), RUNS);
  fc.assert(fc.property(fc.bigInt(), fc.bigInt(), order), RUNS);
  fc.assert(fc.property(fc.double(), fc.double(), order), RUNS);
});

t.test('equal keys hash alike and have the same bytes', async () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      const same = sameKey(a, b);
      const alike = Buffer.compare(encoded(a), encoded(b)) === 0;
      return same === alike && (!same || hashKey(a) === hashKey(b)) && same === (compareKeys(a, b) === 0);
    }),
    RUNS,
  );
});

t.test('test vectors of the hash', async (t) => {
  // State is dealt by these: a change of one of them would lose what is stored.
  const vectors: readonly (readonly [Key, number])[] = [
    ['', 1020716019],
    ['a', -834200209],
    ['ab', -355118048],
    ['\ud800', 188326253],
    [0, 571431590],
    [-0, 571431590],
    [1, 1138880914],
    [0.5, 182481664],
    [Number.NaN, 1654814412],
    [1n, -1714224599],
    [null, -2070130321],
    [true, -1666776968],
    [false, 918526378],
    [[], 167010153],
    [['a', 1], 620611514],
  ];
  for (const [each, hash] of vectors) t.equal(hashKey(each), hash, String(each));
  t.throws(() => hashKey(undefined), { code: 'MILL_KEY_INVALID' });
  t.throws(() => hashKey({}), { code: 'MILL_KEY_INVALID' });
  t.throws(() => hashKey(['a', undefined]), { code: 'MILL_KEY_INVALID' });
});

t.test('every key group has one owner, in contiguous ranges', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 128 }), fc.integer({ min: 1, max: 300 }), (parallelism, groups) => {
      for (let subtask = 0; subtask < parallelism; subtask += 1) {
        const { first, end } = keyGroupsOf(subtask, parallelism, groups);
        for (let group = first; group < end; group += 1)
          if (ownerOf(group, parallelism, groups) !== subtask) return false;
      }
      return keyGroupsOf(parallelism - 1, parallelism, groups).end === groups;
    }),
  );
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 32_768 }), (hash, groups) => {
      const group = keyGroupOf(hash, groups);
      return group >= 0 && group < groups;
    }),
  );
});
