/**
 * What the frames of a ring hold. All are 8-byte aligned and begin with two words:
 *
 *     length in bytes | kind (8 bits), flags (8), count of records (16)
 *
 *     COLUMNS    shape id | stride | text units | 0     then columns, each padded to 8 bytes and `stride` rows long:
 *                timestamps f64 (if TIMED), hashes i32 (if KEYED), the shape's columns; then the text of all
 *                text fields, record by record, in latin1 or (if WIDE) in UTF-16 units
 *     PACKED     bytes | 0     then timestamps, hashes, padded as above with stride = count; then bytes of packPlain
 *     SHAPE      bytes | 0     then bytes of packPlain: defines a shape before its first use
 *     FRAGMENT   bytes | bytes of the whole     then a piece of a frame too long for the ring
 *     WATERMARK, BARRIER       f64
 *     STATUS                   flag IDLE
 *     END
 *
 * Frames live as long as the threads at both ends: the layout is not on disk and has no version.
 */
import { PAD } from './ring.js';

export const COLUMNS = PAD + 1;
export const PACKED = PAD + 2;
export const SHAPE = PAD + 3;
export const FRAGMENT = PAD + 4;
export const WATERMARK = PAD + 5;
export const BARRIER = PAD + 6;
export const STATUS = PAD + 7;
export const END_OF_INPUT = PAD + 8;

export const TIMED = 1;
export const KEYED = 2;
export const WIDE = 4;
export const IDLE_FLAG = 1;
export const LAST_FLAG = 1;

export const COLUMNS_HEADER_BYTES = 24;
export const PACKED_HEADER_BYTES = 16;
export const FRAGMENT_HEADER_BYTES = 16;
export const COUNT_MAX = 0xffff;

export function frameWord(kind: number, flags: number, count: number): number {
  return kind | (flags << 8) | (count << 16);
}

export function kindOf(word: number): number {
  return word & 0xff;
}

export function flagsOf(word: number): number {
  return (word >> 8) & 0xff;
}

export function countOf(word: number): number {
  return word >>> 16;
}

export function padded(bytes: number): number {
  return (bytes + 7) & -8;
}

/** Memory that frames are read from or written to: a ring's data, or a message's own. */
export interface FrameMemory {
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly u16: Uint16Array;
  readonly u8: Buffer;
}

export function allocateFrame(bytes: number): FrameMemory {
  const buffer = new ArrayBuffer(padded(bytes));
  return {
    i32: new Int32Array(buffer),
    f64: new Float64Array(buffer),
    u16: new Uint16Array(buffer),
    u8: Buffer.from(buffer),
  };
}
