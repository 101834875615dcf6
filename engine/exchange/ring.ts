/**
 * A ring of bytes in shared memory, between one writing and one reading thread.
 *
 *     words     tail | head | wanted, 128 bytes apart (two cache lines: neighbours are fetched in pairs)
 *     data      frames, each contiguous and 8-byte aligned; its first word is its length in bytes
 *
 * Invariants: 0 <= tail - head <= capacity, both counted in bytes modulo 2^32 and moved by one side only; bytes
 * in [head, tail) are the reader's, all others the writer's; a frame that does not fit before the end of the data
 * is preceded by a pad frame that fills it; no frame is longer than half the capacity, so that an empty ring has
 * room for any frame wherever its head stands.
 *
 * No wake-up is lost: a writer without room publishes what it wants, then looks at `head` again; the reader moves
 * `head`, then looks at what is wanted. Atomics are sequentially consistent, so one of the two sees the other.
 */
import { assert } from '../../core/errors.js';

const WORD_TAIL = 0;
const WORD_HEAD = 32;
const WORD_WANTED = 64;
const HEADER_BYTES = 384;
const CAPACITY_MIN = 64;
const CAPACITY_MAX = 2 ** 30;

/** Second word of a frame that only fills the end of the data. Other kinds are the business of frame.ts. */
export const PAD = 0;

/** The shared memory and its views. Each thread makes its own over the same buffer. */
export class Ring {
  readonly buffer: SharedArrayBuffer;
  /** Bytes of data: a power of two. */
  readonly capacity: number;
  readonly words: Int32Array;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly u16: Uint16Array;
  readonly u8: Buffer;

  constructor(buffer: SharedArrayBuffer) {
    const capacity = buffer.byteLength - HEADER_BYTES;
    assert(isCapacity(capacity), 'a ring has a power of two of bytes, 64 at least');
    this.buffer = buffer;
    this.capacity = capacity;
    this.words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.i32 = new Int32Array(buffer, HEADER_BYTES, capacity / 4);
    this.f64 = new Float64Array(buffer, HEADER_BYTES, capacity / 8);
    this.u16 = new Uint16Array(buffer, HEADER_BYTES, capacity / 2);
    this.u8 = Buffer.from(buffer, HEADER_BYTES, capacity);
  }

  /** Memory for a ring with `bytes` of data. */
  static allocate(bytes: number): SharedArrayBuffer {
    assert(isCapacity(bytes), 'a ring has a power of two of bytes, 64 at least');
    return new SharedArrayBuffer(HEADER_BYTES + bytes);
  }

  /** The longest frame. */
  get frameBytesMax(): number {
    return this.capacity / 2;
  }

  /** Bytes in flight, as either thread may ask for its metrics. */
  get usedBytes(): number {
    return (Atomics.load(this.words, WORD_TAIL) - Atomics.load(this.words, WORD_HEAD)) >>> 0;
  }
}

function isCapacity(bytes: number): boolean {
  return bytes >= CAPACITY_MIN && bytes <= CAPACITY_MAX && (bytes & (bytes - 1)) === 0;
}

/** The writing end. `reserve` room, write a frame there, `commit` it; a reservation not committed leaves no trace. */
export class RingWriter {
  readonly ring: Ring;
  /** Bytes that the last reservation may use. */
  room = 0;
  private tail: number;
  /** As last seen: the reader may be further. */
  private head: number;
  private waiting = false;

  constructor(ring: Ring) {
    this.ring = ring;
    this.tail = Atomics.load(ring.words, WORD_TAIL);
    this.head = Atomics.load(ring.words, WORD_HEAD);
  }

  /**
   * Offset of at least `bytes` of contiguous room (`room` says how many), or -1: the reader will then report
   * through `RingReader.release` once there is as much.
   */
  reserve(bytes: number): number {
    assert(bytes > 0 && bytes <= this.ring.frameBytesMax, 'a frame fits in half the ring');
    const offset = this.tryReserve(bytes);
    if (offset >= 0) return offset;
    this.head = Atomics.load(this.ring.words, WORD_HEAD);
    const second = this.tryReserve(bytes);
    return second >= 0 ? second : this.reserveOrWait(bytes);
  }

  private reserveOrWait(bytes: number): number {
    const { words, capacity } = this.ring;
    const toEnd = capacity - (this.tail & (capacity - 1));
    Atomics.store(words, WORD_WANTED, toEnd >= bytes ? bytes : toEnd + bytes);
    this.waiting = true;
    this.head = Atomics.load(words, WORD_HEAD);
    return this.tryReserve(bytes);
  }

  private tryReserve(bytes: number): number {
    const { capacity, frameBytesMax } = this.ring;
    const free = capacity - ((this.tail - this.head) | 0);
    const offset = this.tail & (capacity - 1);
    const toEnd = capacity - offset;
    if (toEnd >= bytes) return this.grant(offset, Math.min(free, toEnd, frameBytesMax), bytes);
    if (free - toEnd < bytes) return -1;
    this.ring.i32[offset >> 2] = toEnd;
    this.ring.i32[(offset >> 2) + 1] = PAD;
    this.tail = (this.tail + toEnd) | 0;
    return this.grant(0, Math.min(free - toEnd, frameBytesMax), bytes);
  }

  private grant(offset: number, room: number, bytes: number): number {
    if (room < bytes) return -1;
    this.room = room;
    if (this.waiting) {
      this.waiting = false;
      Atomics.store(this.ring.words, WORD_WANTED, 0);
    }
    return offset;
  }

  /** Changes with every commit. */
  get committed(): number {
    return Atomics.load(this.ring.words, WORD_TAIL);
  }

  /** Publishes the frame written at the reserved offset. Whoever calls wakes the reader. */
  commit(bytes: number): void {
    const { i32, words, capacity } = this.ring;
    const length = (bytes + 7) & -8;
    assert(length <= this.room, 'a frame stays within its reservation');
    i32[(this.tail & (capacity - 1)) >> 2] = length;
    this.tail = (this.tail + length) | 0;
    Atomics.store(words, WORD_TAIL, this.tail);
  }
}

/** The reading end. `peek` at a frame, read it in place, `release` it. */
export class RingReader {
  readonly ring: Ring;
  private head: number;
  /** As last seen: the writer may be further. */
  private tail: number;

  constructor(ring: Ring) {
    this.ring = ring;
    this.head = Atomics.load(ring.words, WORD_HEAD);
    this.tail = this.head;
  }

  /** Offset of the next frame, or -1 when there is none. */
  peek(): number {
    for (;;) {
      if (this.tail === this.head) this.tail = Atomics.load(this.ring.words, WORD_TAIL);
      if (this.tail === this.head) return -1;
      const offset = this.head & (this.ring.capacity - 1);
      if (this.ring.i32[(offset >> 2) + 1] !== PAD) return offset;
      // The writer counted the pad as free room's due: it is followed by the frame that needed it.
      this.head = (this.head + (this.ring.i32[offset >> 2] as number)) | 0;
    }
  }

  /** Gives the room of the frame last peeked at back; true when the writer waits for it and must be woken. */
  release(): boolean {
    const { i32, words, capacity } = this.ring;
    this.head = (this.head + (i32[(this.head & (capacity - 1)) >> 2] as number)) | 0;
    Atomics.store(words, WORD_HEAD, this.head);
    const wanted = Atomics.load(words, WORD_WANTED);
    if (wanted === 0 || capacity - ((Atomics.load(words, WORD_TAIL) - this.head) | 0) < wanted) return false;
    return Atomics.compareExchange(words, WORD_WANTED, wanted, 0) === wanted;
  }
}
