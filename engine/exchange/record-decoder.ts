/**
 * Fills batches from the frames that record-encoder.ts makes.
 *
 * Invariant: nothing that it hands out refers to the frame's memory, which is reused right after.
 */
import type { Batch } from '../../core/batch.js';
import { unpackPlain } from '../../core/codec.js';
import { assert } from '../../core/errors.js';
import { TIME_MIN } from '../../core/time.js';
import { readFrameText } from './column-decoder.js';
import { columnsEnd } from './column-encoder.js';
import {
  COLUMNS_HEADER_BYTES,
  countOf,
  type FrameMemory,
  flagsOf,
  KEYED,
  PACKED_HEADER_BYTES,
  padded,
  TIMED,
  WIDE,
} from './frame.js';
import { codecOf, type ShapeCodec, unpackShape } from './shape-codec.js';

export class RecordDecoder {
  private readonly shapes: ShapeCodec[] = [];

  /** Takes the definition of a shape. */
  learn(memory: FrameMemory, offset: number): void {
    const start = offset + PACKED_HEADER_BYTES;
    const bytes = Buffer.from(memory.u8.subarray(start, start + (memory.i32[(offset >> 2) + 2] as number)));
    const { id, shape } = unpackShape(bytes);
    assert(id === this.shapes.length, 'shapes come in order, before their first use');
    this.shapes.push(codecOf(shape));
  }

  readColumns(memory: FrameMemory, offset: number, into: Batch): void {
    const { i32 } = memory;
    const word = i32[(offset >> 2) + 1] as number;
    const codec = this.shapes[i32[(offset >> 2) + 2] as number];
    assert(codec !== undefined, 'a shape is announced before its first use');
    const rows = i32[(offset >> 2) + 3] as number;
    const base = readTimesAndHashes(memory, offset + COLUMNS_HEADER_BYTES, word, rows, into);
    const textStart = columnsEnd(codec.shape, base, rows);
    const text = readFrameText(memory, textStart, i32[(offset >> 2) + 4] as number, (flagsOf(word) & WIDE) !== 0);
    codec.decode(into.records, into.count, rows, memory, base, text);
  }

  readPacked(memory: FrameMemory, offset: number, into: Batch): void {
    const word = memory.i32[(offset >> 2) + 1] as number;
    const start = readTimesAndHashes(memory, offset + PACKED_HEADER_BYTES, word, countOf(word), into);
    // A copy, since the values may refer to parts of it.
    const bytes = Buffer.from(memory.u8.subarray(start, start + (memory.i32[(offset >> 2) + 2] as number)));
    const records = unpackPlain(bytes) as unknown[];
    for (let at = 0; at < into.count; at += 1) into.records[at] = records[at];
  }
}

/** Sets the batch's count and fills its columns; the offset of what follows. */
function readTimesAndHashes(memory: FrameMemory, offset: number, word: number, stride: number, into: Batch): number {
  const count = countOf(word);
  const flags = flagsOf(word);
  if (count > into.timestamps.length || (flags & KEYED && count > into.hashes.length)) into.reserve(count);
  into.count = count;
  const timed = (flags & TIMED) !== 0;
  if (timed) copyTimes(memory.f64, offset >> 3, into.timestamps, count);
  else into.timestamps.fill(TIME_MIN, 0, count);
  const hashes = offset + (timed ? stride * 8 : 0);
  if ((flags & KEYED) === 0) return hashes;
  copyHashes(memory.i32, hashes >> 2, into.hashes, count);
  return hashes + padded(stride * 4);
}

function copyTimes(from: Float64Array, at: number, to: Float64Array, count: number): void {
  for (let i = 0; i < count; i += 1) to[i] = from[at + i] as number;
}

function copyHashes(from: Int32Array, at: number, to: Int32Array, count: number): void {
  for (let i = 0; i < count; i += 1) to[i] = from[at + i] as number;
}
