/**
 * The contract of file formats: how the bytes of a record become a value, and a value the text of a record. Finding
 * where records end is not theirs (record-splitter.ts), nor are positions and I/O (file-reader.ts, part-writer.ts).
 */
import type { Quoting, RecordBlock } from './record-splitter.js';

/** What reading needs of a format. `Read` is the type of the records. */
export interface ReadFormat<Read> {
  /** `ndjson`, `csv`, `lines`: for plans and messages. */
  readonly name: string;
  /** Present where quotes may hide the end of a record. */
  readonly quoting?: Quoting;
  /** Made for each file that is read. */
  decoder(): RecordDecoder;
  /** Phantom, covariant: what it reads. */
  readonly reads?: Read;
}

/** What writing needs of a format. `Write` is the type of the records it accepts. */
export interface WriteFormat<Write> {
  readonly name: string;
  /** Of the files that a sink writes, without the dot. */
  readonly extension: string;
  /** Made for each file that is written. */
  encoder(): RecordEncoder;
  /** Phantom, contravariant: what it writes. */
  readonly writes?: (record: Write) => void;
}

/** A text format of records, for both directions. */
export interface FileFormat<Read, Write = Read> extends ReadFormat<Read>, WriteFormat<Write> {}

/** What `decode` returns for a record that holds nothing, such as a blank line. */
export const NOTHING: unique symbol = Symbol('nothing');

export interface RecordDecoder {
  /** Takes the first record of the file, which describes the others. Absent, or undefined, where there is none. */
  readonly header?: ((text: string) => void) | undefined;
  /** Decodes records of `block` from now on. It is valid until the next call. */
  load(block: RecordBlock): void;
  /** The value of record `index`, or `NOTHING`. Throws a MillraceError when it is malformed. */
  decode(index: number): unknown;
}

export interface RecordEncoder {
  /**
   * The text of a record with its final newline; before the first one that of a header, if the format has one.
   * Throws `MILL_RECORD_NOT_PLAIN` for what the format cannot express: then nothing counts as encoded.
   */
  encode(record: unknown): string;
}
