/**
 * Bytes that grow as they are written. Positions are kept by the sink; integers are big endian, so that keys sort.
 */
/** Copied byte by byte up to here: a view costs as much. */
const PART_BYTES = 64;

/** Written character by character up to here: a call of the encoder costs as much. */
const TEXT_CHARS = 20;

/** Of a UTF-16 code unit. */
const UTF8_BYTES_MAX = 3;

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

export class ByteSink {
  #bytes: Uint8Array<ArrayBuffer>;
  /** The same memory, seen in two other ways. */
  #view: DataView;
  #buffer: Buffer;
  #size = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
    this.#buffer = Buffer.from(this.#bytes.buffer);
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes it has room for without growing. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** What has been written, sharing memory with the sink: copy it, or be done with it before the next write. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#size);
  }

  /** Gives the bytes away; the sink starts afresh. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.bytes;
    this.#hold(new Uint8Array(256));
    this.#size = 0;
    return taken;
  }

  clear(): void {
    this.#size = 0;
  }

  /** Takes back what has been written since the size was this. */
  truncate(size: number): void {
    this.#size = size;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#size] = value;
    this.#size += 1;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#size, value);
    this.#size += 2;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#size, value);
    this.#size += 4;
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#size, value);
    this.#size += 8;
  }

  /** A length or count: seven bits a byte, the lowest first. Up to 2^53. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.u8(rest);
  }

  /** Begins bytes that are to stand after their length; `closeSized` takes what this returns. */
  openSized(): number {
    this.u8(0);
    return this.#size;
  }

  /** Puts the length of what has been written since, as `varint` does: in the byte kept for it if it fits there. */
  closeSized(from: number): void {
    const length = this.#size - from;
    if (length < 0x80) {
      this.#bytes[from - 1] = length;
      return;
    }
    const end = this.#size + varintSize(length) - 1;
    this.#reserve(end - this.#size);
    this.#bytes.copyWithin(end - length, from, this.#size);
    this.#size = from - 1;
    this.varint(length);
    this.#size = end;
  }

  /** A text of ASCII alone, a byte a character; any other is not put, and gives false. */
  ascii(text: string): boolean {
    const { length } = text;
    this.#reserve(length * UTF8_BYTES_MAX);
    const from = this.#size;
    if (length > TEXT_CHARS) {
      // A character that is not ASCII takes more than a byte.
      if (this.#buffer.write(text, from) !== length) return false;
    } else {
      const own = this.#bytes;
      for (let at = 0; at < length; at += 1) {
        const unit = text.charCodeAt(at);
        if (unit >= 0x80) return false;
        own[from + at] = unit;
      }
    }
    this.#size = from + length;
    return true;
  }

  put(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  /** Bytes [from, end) of others: short ones by themselves, which costs less than a view of them. */
  putPart(bytes: Uint8Array, from: number, end: number): void {
    const length = end - from;
    if (length > PART_BYTES) return this.put(bytes.subarray(from, end));
    this.#reserve(length);
    const own = this.#bytes;
    let to = this.#size;
    for (let at = from; at < end; at += 1, to += 1) own[to] = bytes[at] as number;
    this.#size = to;
  }

  #reserve(more: number): void {
    const needed = this.#size + more;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    bytes.set(this.bytes);
    this.#hold(bytes);
  }

  #hold(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#buffer = Buffer.from(bytes.buffer);
  }
}

/** Reads what a `ByteSink` has written, in the same order. Reading past the end throws a RangeError. */
export class ByteReader {
  readonly bytes: Uint8Array;
  at: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get drained(): boolean {
    return this.at >= this.bytes.length;
  }

  u8(): number {
    this.at += 1;
    return this.#view.getUint8(this.at - 1);
  }

  u16(): number {
    this.at += 2;
    return this.#view.getUint16(this.at - 2);
  }

  u32(): number {
    this.at += 4;
    return this.#view.getUint32(this.at - 4);
  }

  f64(): number {
    this.at += 8;
    return this.#view.getFloat64(this.at - 8);
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  /** Shares memory with what is read. */
  take(count: number): Uint8Array {
    if (this.at + count > this.bytes.length)
      throw new RangeError(`${count} bytes wanted at ${this.at} of ${this.bytes.length}`);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }
}
