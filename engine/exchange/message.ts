/**
 * Frames that may be longer than a ring has room for: shapes, packed records. A message is the image of a frame in
 * memory of its own; it is copied into the ring whole, or else in FRAGMENTs that the reader puts together again.
 *
 * Invariants: at most one message is under way in a ring, and nothing else is written before its last piece; both
 * sides hold one message of at most `recordBytesMax` and some.
 */
import { assert } from '../../core/errors.js';
import {
  allocateFrame,
  FRAGMENT,
  FRAGMENT_HEADER_BYTES,
  type FrameMemory,
  frameWord,
  PACKED_HEADER_BYTES,
  padded,
} from './frame.js';
import type { Ring, RingWriter } from './ring.js';

/** The image of a frame. */
export interface Message {
  readonly memory: FrameMemory;
  readonly bytes: number;
  /** Records of the batch that are sent once the message is. */
  readonly records: number;
}

/** A frame of `header` words, `columns` bytes that the caller fills from PACKED_HEADER_BYTES on, and `body`. */
export function makeMessage(word: number, columnsBytes: number, body: Uint8Array, records: number): Message {
  const bytes = padded(PACKED_HEADER_BYTES + columnsBytes + body.length);
  const memory = allocateFrame(bytes);
  memory.i32[0] = bytes;
  memory.i32[1] = word;
  memory.i32[2] = body.length;
  memory.u8.set(body, PACKED_HEADER_BYTES + columnsBytes);
  return { memory, bytes, records };
}

export class MessageWriter {
  private readonly writer: RingWriter;
  private message: Message | undefined;
  private sent = 0;

  constructor(writer: RingWriter) {
    this.writer = writer;
  }

  /** The message under way, until `flush` has written all of it. */
  get current(): Message | undefined {
    return this.message;
  }

  begin(message: Message): void {
    assert(this.message === undefined, 'a ring carries one message at a time');
    this.message = message;
    this.sent = 0;
  }

  /** Writes what there is room for; true when that was the rest. */
  flush(): boolean {
    const { message } = this;
    if (message === undefined) return true;
    const done = message.bytes <= this.writer.ring.frameBytesMax ? this.writeWhole(message) : this.writePieces(message);
    if (done) this.message = undefined;
    return done;
  }

  private writeWhole(message: Message): boolean {
    const offset = this.writer.reserve(message.bytes);
    if (offset < 0) return false;
    this.writer.ring.u8.set(message.memory.u8, offset);
    this.writer.commit(message.bytes);
    return true;
  }

  private writePieces(message: Message): boolean {
    while (this.sent < message.bytes) if (!this.writePiece(message)) return false;
    return true;
  }

  private writePiece(message: Message): boolean {
    const { ring } = this.writer;
    const bytes = Math.min(message.bytes - this.sent, pieceBytesMax(ring));
    const offset = this.writer.reserve(FRAGMENT_HEADER_BYTES + bytes);
    if (offset < 0) return false;
    const at = offset >> 2;
    ring.i32[at + 1] = frameWord(FRAGMENT, 0, 0);
    ring.i32[at + 2] = bytes;
    ring.i32[at + 3] = message.bytes;
    ring.u8.set(message.memory.u8.subarray(this.sent, this.sent + bytes), offset + FRAGMENT_HEADER_BYTES);
    this.writer.commit(FRAGMENT_HEADER_BYTES + bytes);
    this.sent += bytes;
    return true;
  }
}

/** A quarter of the ring, so that one side fills a piece while the other empties the one before. */
function pieceBytesMax(ring: Ring): number {
  return Math.max(8, ring.capacity / 4 - FRAGMENT_HEADER_BYTES);
}

export class MessageReader {
  private memory: FrameMemory | undefined;
  private received = 0;

  /** Takes the fragment at `offset`; the whole frame, when that was its last piece. */
  take(ring: Ring, offset: number): FrameMemory | undefined {
    const at = offset >> 2;
    const bytes = ring.i32[at + 2] as number;
    const total = ring.i32[at + 3] as number;
    const memory = (this.memory ??= allocateFrame(total));
    memory.u8.set(
      ring.u8.subarray(offset + FRAGMENT_HEADER_BYTES, offset + FRAGMENT_HEADER_BYTES + bytes),
      this.received,
    );
    this.received += bytes;
    if (this.received < total) return undefined;
    this.memory = undefined;
    this.received = 0;
    return memory;
  }
}
