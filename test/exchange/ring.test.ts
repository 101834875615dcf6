/** The ring of bytes against a queue of frames, and its promise that no wake-up is lost. */

import fc from 'fast-check';
import t from 'tap';
import { Ring, RingReader, RingWriter } from '../../engine/exchange/ring.js';

const KIND = 9;

function write(writer: RingWriter, ring: Ring, bytes: number, fill: number): boolean {
  const offset = writer.reserve(bytes);
  if (offset < 0) return false;
  ring.u8.fill(fill, offset + 8, offset + bytes);
  ring.i32[(offset >> 2) + 1] = KIND;
  writer.commit(bytes);
  return true;
}

t.test('frames come out as they went in, and a writer that waits is told', (t) => {
  const steps = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 8, max: 128 })), { maxLength: 200 });
  fc.assert(
    fc.property(fc.constantFrom(64, 128, 256), steps, (capacity, list) => {
      const ring = new Ring(Ring.allocate(capacity));
      const writer = new RingWriter(ring);
      const reader = new RingReader(new Ring(ring.buffer));
      const expected: { bytes: number; fill: number }[] = [];
      let waits = 0;
      for (const [at, step] of list.entries()) {
        if (step > 0) {
          const bytes = Math.min(step, ring.frameBytesMax);
          if (write(writer, ring, bytes, at & 0xff)) {
            expected.push({ bytes, fill: at & 0xff });
            waits = 0;
          } else waits = bytes;
          continue;
        }
        const offset = reader.peek();
        const frame = expected.shift();
        if (offset < 0 || frame === undefined) {
          if (offset >= 0 || frame !== undefined) throw new Error('a frame was lost');
          if (waits > 0) throw new Error('the writer waits in front of an empty ring');
          continue;
        }
        const body = ring.u8.subarray(offset + 8, offset + frame.bytes);
        if (body.some((byte) => byte !== frame.fill)) throw new Error('a frame was overwritten');
        if (reader.release() && waits > 0) {
          if (!write(writer, ring, waits, 7)) throw new Error('the writer was woken too early');
          expected.push({ bytes: waits, fill: 7 });
          waits = 0;
        }
      }
    }),
    { numRuns: 2_000 },
  );
  t.end();
});

t.test('a reservation without a commit leaves no trace', (t) => {
  const ring = new Ring(Ring.allocate(64));
  const writer = new RingWriter(ring);
  const reader = new RingReader(ring);
  for (let round = 0; round < 20; round += 1) {
    writer.reserve(32);
    writer.reserve(8);
    t.equal(reader.peek(), -1);
    t.ok(write(writer, ring, 24, 1));
    t.ok(reader.peek() >= 0);
    reader.release();
  }
  t.equal(ring.usedBytes, 0);
  t.end();
});

t.test('sizes are checked', (t) => {
  t.throws(() => Ring.allocate(100), { code: 'MILL_BUG' });
  t.throws(() => Ring.allocate(32), { code: 'MILL_BUG' });
  t.throws(() => new RingWriter(new Ring(Ring.allocate(64))).reserve(40), { code: 'MILL_BUG' });
  t.throws(() => new Ring(new SharedArrayBuffer(100)), { code: 'MILL_BUG' });
  t.end();
});
