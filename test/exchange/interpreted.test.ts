/** Without code generation the same bytes are written, and the channel works under the flag that forbids it. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t from 'tap';
import { readFrameText } from '../../engine/exchange/column-decoder.js';
import { columnsEnd, type EncodeResult, FULL } from '../../engine/exchange/column-encoder.js';
import { allocateFrame } from '../../engine/exchange/frame.js';
import { deriveShape } from '../../engine/exchange/shape.js';
import { makeCodec, packShape, unpackShape } from '../../engine/exchange/shape-codec.js';
import { difference, recordLists } from './plain-values.js';

t.test('generated and interpreted code agree on every byte and every record', (t) => {
  fc.assert(
    fc.property(recordLists, fc.nat({ max: 30 }), fc.boolean(), fc.nat({ max: 400 }), (records, from, wide, room) => {
      const found = deriveShape(records, Math.min(from, records.length), 20);
      if (found === undefined || from >= records.length) return;
      const rows = records.length - from;
      const outcomes = [true, false].map((generated) => {
        const codec = makeCodec(found.shape, generated);
        const textStart = columnsEnd(found.shape, 8, rows);
        const memory = allocateFrame(textStart + room + 8);
        const result: EncodeResult = { stopped: -1, textEnd: -1 };
        const count = (wide ? codec.wide : codec.latin1)(records, from, rows, memory, 8, textStart + room, result);
        const units = wide ? result.textEnd - (textStart >> 1) : result.textEnd - textStart;
        const decoded: unknown[] = [];
        codec.decode(decoded, count, rows, memory, 8, readFrameText(memory, textStart, units, wide));
        const lost = difference(records.slice(from, from + count), decoded);
        if (lost !== undefined) throw new Error(lost);
        return { count, result, bytes: memory.u8.subarray(0, wide ? result.textEnd * 2 : result.textEnd), generated };
      });
      const [a, b] = outcomes;
      if (a === undefined || b === undefined || a.count !== b.count || a.result.stopped !== b.result.stopped) {
        throw new Error(JSON.stringify(outcomes));
      }
      // Of the row that stopped it, either may have written some columns.
      if (a.result.stopped === 0 && Buffer.compare(a.bytes, b.bytes) !== 0) throw new Error('bytes differ');
    }),
    { numRuns: 1_000 },
  );
  t.end();
});

t.test('a frame is never written beyond its end', (t) => {
  const { shape } = deriveShape([{ a: 'x' }], 0, 1) ?? {};
  if (shape === undefined) throw new Error('no shape');
  for (const generated of [true, false]) {
    const codec = makeCodec(shape, generated);
    const memory = allocateFrame(64);
    memory.u8.fill(0xee);
    const result: EncodeResult = { stopped: 0, textEnd: 0 };
    t.equal(codec.latin1([{ a: 'abcd' }, { a: 'efghij' }], 0, 2, memory, 0, 16, result), 1);
    t.equal(result.stopped, FULL);
    t.ok(memory.u8.subarray(16).every((byte) => byte === 0xee));
  }
  t.end();
});

t.test('shapes survive being packed', (t) => {
  fc.assert(
    fc.property(recordLists, (records) => {
      const found = deriveShape(records, 0, records.length);
      if (found === undefined) return;
      const { id, shape } = unpackShape(packShape(3, found.shape));
      if (id !== 3 || difference(found.shape, shape) !== undefined) throw new Error('a shape changed');
    }),
  );
  t.end();
});

t.test('the channel works where code may not be generated', (t) => {
  const file = fileURLToPath(new URL('./ring-channel.test.js', import.meta.url));
  const child = spawnSync(process.execPath, ['--disallow-code-generation-from-strings', file], { encoding: 'utf8' });
  t.equal(child.status, 0, child.stdout.slice(-2_000) + child.stderr.slice(-2_000));
  t.end();
});
