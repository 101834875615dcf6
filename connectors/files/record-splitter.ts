/**
 * Cuts a stream of bytes into records, one a line, except where a quoted field contains the end of a line. Knows
 * nothing of what records mean. One state machine, over bytes, resumable at any byte: chunks end anywhere.
 *
 * Invariants: 0 <= recordStart <= from <= at <= end <= buffer.length. Bytes before `recordStart` are done with; `at`
 * is the first byte not looked at. `base` + index is a byte's offset in the stream (where no bytes were dropped). The
 * block is valid until the next `append` or `split`. At most recordBytesMax bytes and one chunk are held.
 *
 * Quotes: one opens only at the start of a field, `""` within is a quote, and only a delimiter or the end of the line
 * may follow the closing one. Where that is broken, or a quote never closes, the record ends at the end of its first
 * line, so that a stray quote takes no other record with it.
 */
import { isUtf8 } from 'node:buffer';
import { MillraceError } from '../../core/errors.js';

export interface Quoting {
  /** Byte of the delimiter between fields. */
  readonly delimiter: number;
  /** Byte of the quote. */
  readonly quote: number;
}

/** What is wrong with a record, as its bytes alone tell. */
export const FAULT = { none: 0, tooLarge: 1, quoting: 2 } as const;

/** Complete records, in columns. */
export interface RecordBlock {
  bytes: Buffer;
  count: number;
  /** Bytes [from, to) hold a record, without its line end. Of one that is too large: its beginning. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** Where the record begins in the stream, in bytes. */
  readonly offset: Float64Array;
  /** Number of its first line, from 1. */
  readonly line: Float64Array;
  readonly fault: Uint8Array;
  /** Whether a field of it is quoted. */
  readonly quoted: Uint8Array;
  /** Whether all of it is UTF-8. */
  utf8: boolean;
}

/** Records a block: enough to spread the cost of a call, few enough for the cache. */
const BLOCK_RECORDS = 4_096;

const BUFFER_BYTES_MIN = 16 << 10;

/** Of a record that is too large, this much is kept for the message. */
const EXCERPT_BYTES = 1_024;

const NEWLINE = 10;
const RETURN = 13;
const BYTE_ORDER_MARK = Buffer.from('\uFEFF');

/**
 * Where in a record a byte leaves us. `quote`: behind one that closes its field or is the first of two; `quotedEnd`:
 * behind the end of a line within quotes. From QUOTED on, a place asks for attention.
 */
const START = 0;
const PLAIN = 1;
const QUOTE = 2;
const RETURNED = 3;
const QUOTED = 4;
const QUOTED_END = 5;
const BROKEN = 6;
const DONE = 7;

/** The place after a byte: a row for each place before it, a column for each class of bytes. */
const CLASSES = 5;
// biome-ignore format: a table
const NEXT = Uint8Array.of(
  // other, delimiter, quote, line end, return
  PLAIN,  START,  QUOTED, DONE,       PLAIN,    // START
  PLAIN,  START,  PLAIN,  DONE,       PLAIN,    // PLAIN
  BROKEN, START,  QUOTED, DONE,       RETURNED, // QUOTE
  BROKEN, BROKEN, BROKEN, DONE,       BROKEN,   // RETURNED
  QUOTED, QUOTED, QUOTE,  QUOTED_END, QUOTED,   // QUOTED
  QUOTED, QUOTED, QUOTE,  QUOTED_END, QUOTED,   // QUOTED_END
  BROKEN, BROKEN, BROKEN, DONE,       BROKEN,   // BROKEN
);

function classesOf(quoting: Quoting): Uint8Array {
  const classes = new Uint8Array(256);
  classes[quoting.delimiter] = 1;
  classes[quoting.quote] = 2;
  classes[NEWLINE] = 3;
  classes[RETURN] = 4;
  return classes;
}

export interface SplitterOptions {
  readonly quoting?: Quoting | undefined;
  readonly recordBytesMax: number;
  /** Offset of the first byte, and number of the line, where the stream begins. */
  readonly offset: number;
  readonly line: number;
}

export class RecordSplitter {
  readonly block: RecordBlock = {
    bytes: Buffer.alloc(0),
    count: 0,
    from: new Int32Array(BLOCK_RECORDS),
    to: new Int32Array(BLOCK_RECORDS),
    offset: new Float64Array(BLOCK_RECORDS),
    line: new Float64Array(BLOCK_RECORDS),
    fault: new Uint8Array(BLOCK_RECORDS),
    quoted: new Uint8Array(BLOCK_RECORDS),
    utf8: true,
  };
  /** Where the first record that no block has held begins, and its line. */
  recordOffset: number;
  line: number;

  private readonly quote: number;
  private readonly classes: Uint8Array | undefined;
  private readonly recordBytesMax: number;
  private buffer = Buffer.alloc(0);
  private base: number;
  private recordStart = 0;
  private from = 0;
  private at = 0;
  private end = 0;
  private markSought = false;
  /** Of the record that has begun, up to `at`. */
  private place = START;
  private hasQuotes = false;
  private lineEnds = 0;
  private firstLineEnd = -1;
  private tooLarge = false;
  /** The next quote at or after `at`, Infinity if the buffer has none; less than `at` when it has to be sought. */
  private nextQuote = -1;

  constructor(options: SplitterOptions) {
    this.quote = options.quoting?.quote ?? -1;
    this.classes = options.quoting && classesOf(options.quoting);
    this.recordBytesMax = options.recordBytesMax;
    this.base = options.offset;
    this.recordOffset = options.offset;
    this.line = options.line;
    this.markSought = options.offset > 0;
  }

  /** Adds bytes at the end; copies them, so that the caller may use them again. */
  append(chunk: Uint8Array): void {
    this.compact();
    if (this.end + chunk.length > this.buffer.length) this.grow(this.end + chunk.length);
    this.buffer.set(chunk, this.end);
    this.end += chunk.length;
    this.nextQuote = -1;
  }

  private compact(): void {
    const shift = this.recordStart;
    if (shift === 0) return;
    this.buffer.copyWithin(0, shift, this.end);
    this.base += shift;
    this.recordStart = 0;
    this.from -= shift;
    this.at -= shift;
    this.end -= shift;
    this.firstLineEnd = Math.max(-1, this.firstLineEnd - shift);
  }

  private grow(sizeBytes: number): void {
    const buffer = Buffer.allocUnsafeSlow(Math.max(sizeBytes, this.buffer.length * 2, BUFFER_BYTES_MIN));
    this.buffer.copy(buffer, 0, 0, this.end);
    this.buffer = buffer;
  }

  /**
   * Puts the next complete records into `block`; false when there are none. `last`: nothing more will be appended, so
   * that what is left is a record too.
   */
  split(last: boolean): boolean {
    const { block } = this;
    block.count = 0;
    block.bytes = this.buffer.subarray(0, this.end);
    if (!this.skipMark(last)) return false;
    while (block.count < BLOCK_RECORDS && this.next(last)) {
      // `next` has emitted a record.
    }
    block.utf8 = block.count === 0 || isUtf8(block.bytes.subarray(block.from[0], block.to[block.count - 1]));
    return block.count > 0;
  }

  /** A byte order mark at the very beginning belongs to no record. False: too little is there to tell. */
  private skipMark(last: boolean): boolean {
    if (this.markSought) return true;
    if (this.end < BYTE_ORDER_MARK.length && !last) return false;
    this.markSought = true;
    if (this.block.bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK))
      this.from = this.at = BYTE_ORDER_MARK.length;
    return true;
  }

  /** Emits the next record; false when there is no complete one. */
  private next(last: boolean): boolean {
    if (this.tooLarge || this.classes === undefined) return this.nextLine(last);
    return this.place === START && this.at === this.from ? this.nextUnquoted(last) : this.nextQuoted(last);
  }

  /** The end of the line is the end of the record. */
  private nextLine(last: boolean): boolean {
    const lineEnd = this.block.bytes.indexOf(NEWLINE, this.at);
    if (lineEnd >= 0) return this.emit(lineEnd, lineEnd + 1, FAULT.none);
    this.at = this.end;
    return this.unfinished(last);
  }

  /** A record before the next quote needs no look at its bytes. */
  private nextUnquoted(last: boolean): boolean {
    const lineEnd = this.block.bytes.indexOf(NEWLINE, this.at);
    if (this.nextQuote < this.at) {
      const found = this.block.bytes.indexOf(this.quote, this.at);
      this.nextQuote = found < 0 ? Number.POSITIVE_INFINITY : found;
    }
    if (lineEnd >= 0 && lineEnd < this.nextQuote) return this.emit(lineEnd, lineEnd + 1, FAULT.none);
    return this.nextQuoted(last);
  }

  /** Walks on from `at` to the end of the record. */
  private nextQuoted(last: boolean): boolean {
    const { buffer, end } = this;
    const classes = this.classes as Uint8Array;
    let place = this.place;
    for (let at = this.at; at < end; at += 1) {
      place = NEXT[place * CLASSES + (classes[buffer[at] as number] as number)] as number;
      if (place < QUOTED) continue;
      if (place === DONE) return this.emit(at, at + 1, this.place === BROKEN ? FAULT.quoting : FAULT.none);
      this.place = place;
      if (place === BROKEN && this.firstLineEnd >= 0) return this.cut();
      this.hasQuotes = true;
      if (place === QUOTED_END) this.noteLineEnd(at);
    }
    this.place = place;
    this.at = end;
    return this.unfinished(last);
  }

  private noteLineEnd(at: number): void {
    this.lineEnds += 1;
    if (this.firstLineEnd < 0) this.firstLineEnd = at;
  }

  /** Ends a record of broken quoting with its first line; the lines after it get a new look. */
  private cut(): boolean {
    this.lineEnds = 0;
    this.nextQuote = -1;
    return this.emit(this.firstLineEnd, this.firstLineEnd + 1, FAULT.quoting);
  }

  /** The buffer ends within a record. */
  private unfinished(last: boolean): boolean {
    if (this.from === this.end) return false;
    const open = this.place === QUOTED || this.place === QUOTED_END;
    const over = this.end - this.from > this.recordBytesMax;
    if (open && this.firstLineEnd >= 0 && (last || over)) return this.cut();
    if (last) return this.emit(this.end, this.end, open || this.place === BROKEN ? FAULT.quoting : FAULT.none);
    if (over || this.tooLarge) this.drop();
    return false;
  }

  /** Lets go of a record that is too large, but for its beginning. */
  private drop(): void {
    this.tooLarge = true;
    const kept = Math.min(this.end, this.from + EXCERPT_BYTES);
    this.base += this.end - kept;
    this.end = kept;
    this.at = kept;
  }

  /** Ends the record before `lineEnd` and begins one at `next`. Always true. */
  private emit(lineEnd: number, next: number, fault: number): true {
    const { block, from } = this;
    const index = block.count;
    const over = this.tooLarge || lineEnd - from > this.recordBytesMax;
    const to = lineEnd > from && block.bytes[lineEnd - 1] === RETURN ? lineEnd - 1 : lineEnd;
    block.from[index] = from;
    block.to[index] = over ? Math.min(to, from + EXCERPT_BYTES) : to;
    block.offset[index] = this.recordOffset;
    block.line[index] = this.line;
    block.fault[index] = over ? FAULT.tooLarge : fault;
    block.quoted[index] = this.hasQuotes && !over && fault === FAULT.none ? 1 : 0;
    block.count = index + 1;
    this.begin(next);
    return true;
  }

  private begin(at: number): void {
    this.line += this.lineEnds + 1;
    this.recordOffset = this.base + at;
    this.recordStart = this.from = this.at = at;
    this.place = START;
    this.hasQuotes = false;
    this.lineEnds = 0;
    this.firstLineEnd = -1;
    this.tooLarge = false;
  }
}

/** The text of record `index`. Throws what is wrong with it, as far as its bytes tell. */
export function recordText(block: RecordBlock, index: number): string {
  const fault = block.fault[index];
  if (fault !== FAULT.none) throw faultError(fault as number);
  const from = block.from[index] as number;
  const to = block.to[index] as number;
  if (!block.utf8 && !isUtf8(block.bytes.subarray(from, to)))
    throw new MillraceError('MILL_RECORD_MALFORMED', 'it is not valid UTF-8');
  return block.bytes.toString('utf8', from, to);
}

/** The record as far as it can be shown: bytes that are no UTF-8 are replaced. */
export function rawText(block: RecordBlock, index: number): string {
  return block.bytes.toString('utf8', block.from[index], block.to[index]);
}

function faultError(fault: number): MillraceError {
  if (fault === FAULT.tooLarge)
    return new MillraceError('MILL_RECORD_TOO_LARGE', 'it has more bytes than recordBytesMax allows');
  return new MillraceError(
    'MILL_RECORD_MALFORMED',
    'a quote does not close, or something other than a delimiter follows where it does',
  );
}
