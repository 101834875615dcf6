/**
 * Bytes of a LevelDB file in the making, little endian, that grow and are filled again and again: fresh memory for each
 * table costs more than all of the copying. Whoever writes rows reaches into them directly.
 *
 * Invariant: `view` is of `bytes`; both are others after `reserve`.
 */
export class LevelBytes {
  bytes: Uint8Array;
  view: DataView;
  size = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  get written(): Uint8Array {
    return this.bytes.subarray(0, this.size);
  }

  /** There is room for so many more. */
  reserve(more: number): void {
    const needed = this.size + more;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.written);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.size] = value;
    this.size += 1;
  }

  u32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.size, value, true);
    this.size += 4;
  }

  varint(value: number): void {
    this.reserve(VARINT_BYTES);
    this.size = putVarint(this.bytes, this.size, value);
  }

  put(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.size);
    this.size += bytes.length;
  }
}

/** The most that a number up to 2^53 takes. */
export const VARINT_BYTES = 8;

/** Seven bits a byte, the lowest first. Returns where it ends. */
export function putVarint(bytes: Uint8Array, from: number, value: number): number {
  let at = from;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    bytes[at] = (rest % 0x80) | 0x80;
    at += 1;
  }
  bytes[at] = rest;
  return at + 1;
}
