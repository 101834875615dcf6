/**
 * Puts the records of batches into frames of a ring: in columns while they share a shape, packed otherwise.
 *
 * Invariants: records leave in order; `encode` either advances, or has asked the ring for room, or throws with
 * everything before the bad record sent and nothing of it; a shape is announced before its first use.
 */
import type { Batch } from '../../core/batch.js';
import { packPlainList } from '../../core/codec.js';
import { assert, MillraceError } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import { TIME_MIN } from '../../core/time.js';
import { columnsEnd, type EncodeResult, FULL, MISFIT, TOO_WIDE } from './column-encoder.js';
import {
  COLUMNS,
  COLUMNS_HEADER_BYTES,
  COUNT_MAX,
  type FrameMemory,
  frameWord,
  KEYED,
  PACKED,
  PACKED_HEADER_BYTES,
  padded,
  SHAPE,
  TIMED,
  WIDE,
} from './frame.js';
import { type MessageWriter, makeMessage } from './message.js';
import { atRecord } from './record-error.js';
import type { Ring, RingWriter } from './ring.js';
import { type KnownShape, ShapeBook } from './shape-book.js';
import { packShape } from './shape-codec.js';

/** Frames written wide before latin1 is tried again, once a text did not fit it. */
const WIDE_FRAMES = 16;
const PACKED_RECORDS_MAX = 256;

export class RecordEncoder {
  private readonly writer: RingWriter;
  private readonly ring: Ring;
  private readonly messages: MessageWriter;
  private readonly keyed: boolean;
  private readonly book = new ShapeBook();
  private readonly result: EncodeResult = { stopped: 0, textEnd: 0 };
  /** Bytes of text a record has had lately, for the number of rows that a frame is laid out for. */
  private textBytes = 16;
  private wideFrames = 0;
  private packedRecords = PACKED_RECORDS_MAX;

  constructor(writer: RingWriter, messages: MessageWriter, keyed: boolean) {
    this.writer = writer;
    this.ring = writer.ring;
    this.messages = messages;
    this.keyed = keyed;
  }

  /** Sends some records from `from` on; the index reached. Without progress, the ring has been asked for room. */
  encode(batch: Batch, from: number): number {
    for (;;) {
      if (this.book.pausedRecords > 0) return this.sendPacked(batch, from);
      const shape = this.book.current;
      if (shape === undefined) {
        this.book.learn(batch.records, from, batch.count);
        continue;
      }
      if (!this.announce(shape)) return from;
      const sent = this.sendColumns(shape, batch, from);
      if (sent >= 0) return from + sent;
    }
  }

  private announce(known: KnownShape): boolean {
    if (known.announced) return true;
    this.messages.begin(makeMessage(frameWord(SHAPE, 0, 0), 0, packShape(known.id, known.codec.shape), 0));
    known.announced = true;
    return this.messages.flush();
  }

  /** Number of records sent, 0 for want of room, -1 when something else is to be tried. */
  private sendColumns(known: KnownShape, batch: Batch, from: number): number {
    const rowsWanted = Math.min(batch.count - from, COUNT_MAX);
    const timed = isTimed(batch.timestamps, from, from + rowsWanted);
    const fixedBytes = COLUMNS_HEADER_BYTES + known.codec.paddingBytesMax + 16;
    const rowBytes = known.codec.rowBytes + (timed ? 8 : 0) + (this.keyed ? 4 : 0) + this.textBytes;
    const { frameBytesMax } = this.ring;
    let offset = this.writer.reserve(Math.min(fixedBytes + Math.ceil(rowBytes * rowsWanted), frameBytesMax / 2) | 0);
    for (;;) {
      if (offset < 0) return 0;
      const rows = Math.min(rowsWanted, Math.max(1, Math.floor((this.writer.room - fixedBytes) / rowBytes)));
      const sent = this.writeColumns(known, batch, from, rows, offset, timed);
      if (sent > 0 || this.result.stopped !== FULL) return this.finishColumns(sent, rows, batch, from);
      // Not one record: the widest frame may have room for it, or else it goes in pieces.
      if (this.writer.room >= frameBytesMax) return this.sendLarge(batch, from);
      offset = this.writer.reserve(frameBytesMax);
    }
  }

  private finishColumns(sent: number, rows: number, batch: Batch, from: number): number {
    this.book.succeeded(sent);
    const { stopped } = this.result;
    if (stopped === TOO_WIDE) this.wideFrames = WIDE_FRAMES;
    if (stopped === MISFIT && sent < rows) this.book.learn(batch.records, from + sent, batch.count);
    return sent > 0 ? sent : -1;
  }

  /** Writes and commits one frame of at most `rows` records; the number it holds. */
  private writeColumns(
    known: KnownShape,
    batch: Batch,
    from: number,
    rows: number,
    offset: number,
    timed: boolean,
  ): number {
    const { ring, result } = this;
    const end = offset + this.writer.room;
    const base = offset + COLUMNS_HEADER_BYTES;
    const columns = base + (timed ? rows * 8 : 0) + (this.keyed ? padded(rows * 4) : 0);
    result.stopped = FULL;
    if (columns + known.codec.rowBytes * rows + known.codec.paddingBytesMax > end) return 0;
    const wide = this.wideFrames > 0;
    const encode = wide ? known.codec.wide : known.codec.latin1;
    const sent = encode(batch.records, from, rows, ring, columns, end, result);
    // A few wide texts among many: rather all of them wide than frames of a few records.
    if (sent === 0 || (result.stopped === TOO_WIDE && sent < rows / 2)) return 0;
    this.wideFrames = Math.max(0, this.wideFrames - 1);
    const textEnd = wide ? result.textEnd * 2 : result.textEnd;
    const textStart = columnsEnd(known.codec.shape, columns, rows);
    writeTimesAndHashes(ring, base, batch, from, { count: sent, stride: rows }, timed, this.keyed);
    const at = offset >> 2;
    ring.i32[at + 1] = frameWord(COLUMNS, (timed ? TIMED : 0) | (this.keyed ? KEYED : 0) | (wide ? WIDE : 0), sent);
    ring.i32[at + 2] = known.id;
    ring.i32[at + 3] = rows;
    ring.i32[at + 4] = wide ? result.textEnd - (textStart >> 1) : result.textEnd - textStart;
    ring.i32[at + 5] = 0;
    this.writer.commit(textEnd - offset);
    this.textBytes += ((textEnd - textStart) / sent - this.textBytes) / 4;
    return sent;
  }

  /** A record that no frame of columns has room for, in pieces. */
  private sendLarge(batch: Batch, from: number): number {
    this.packedRecords = 1;
    this.book.pausedRecords = 1;
    return this.sendPacked(batch, from) - from;
  }

  private sendPacked(batch: Batch, from: number): number {
    const wanted = Math.min(this.book.pausedRecords, batch.count - from, this.packedRecords);
    this.packedRecords = Math.min(PACKED_RECORDS_MAX, this.packedRecords * 2);
    const count = this.beginPacked(batch, from, wanted);
    this.book.pausedRecords -= count;
    return this.messages.flush() ? from + count : from;
  }

  /** Makes a message of up to `count` records, fewer if they are long or one of them is bad; how many. */
  private beginPacked(batch: Batch, from: number, count: number): number {
    const body = tryPack(batch.records, from, count);
    const timed = isTimed(batch.timestamps, from, from + count);
    const columns = (timed ? count * 8 : 0) + (this.keyed ? padded(count * 4) : 0);
    const fits = body !== undefined && PACKED_HEADER_BYTES + columns + body.length <= this.ring.frameBytesMax;
    if (count > 1 && !fits) return this.beginPacked(batch, from, (this.packedRecords = count >> 1));
    assert(body !== undefined, 'a single record is packed or refused');
    if (body.length > LIMITS.recordBytesMax) throw tooLarge(body.length, from);
    const flags = (timed ? TIMED : 0) | (this.keyed ? KEYED : 0);
    const message = makeMessage(frameWord(PACKED, flags, count), columns, body, count);
    writeTimesAndHashes(message.memory, PACKED_HEADER_BYTES, batch, from, { count, stride: count }, timed, this.keyed);
    this.messages.begin(message);
    return count;
  }
}

/** Undefined when one of several records cannot be packed: fewer may be. Throws when a single one cannot. */
function tryPack(records: readonly unknown[], from: number, count: number): Uint8Array | undefined {
  try {
    return packPlainList(records, from, from + count);
  } catch (error) {
    if (count > 1) return undefined;
    throw atRecord(error, from);
  }
}

function tooLarge(bytes: number, index: number): unknown {
  const message = `a record takes ${bytes} bytes, more than the limit of ${LIMITS.recordBytesMax} (recordBytesMax)`;
  return atRecord(new MillraceError('MILL_RECORD_TOO_LARGE', message), index);
}

function isTimed(timestamps: Float64Array, from: number, end: number): boolean {
  for (let at = from; at < end; at += 1) if (timestamps[at] !== TIME_MIN) return true;
  return false;
}

function writeTimesAndHashes(
  memory: FrameMemory,
  offset: number,
  batch: Batch,
  from: number,
  rows: { readonly count: number; readonly stride: number },
  timed: boolean,
  keyed: boolean,
): void {
  const { timestamps, hashes } = batch;
  let base = offset;
  if (timed) {
    const { f64 } = memory;
    for (let at = 0, to = base >> 3; at < rows.count; at += 1) f64[to + at] = timestamps[from + at] as number;
    base += rows.stride * 8;
  }
  if (!keyed) return;
  const { i32 } = memory;
  for (let at = 0, to = base >> 2; at < rows.count; at += 1) i32[to + at] = hashes[from + at] as number;
}
