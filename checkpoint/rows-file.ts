/**
 * Rows of keyed state as a file: a delta segment (what changed in one epoch) or a run file (all there is, no removals).
 *
 *   magic      8 bytes, "MILLROWS"
 *   version    u16
 *   sections   one after another, ascending by key groups; each holds rows of a few key groups, or some of one:
 *                u8 0 (put) or 1 (removed) · u16 key group · varint table ·
 *                varint length, encoded key, encoded subkey if the kind has one ·
 *                put only: varint length, packed value
 *   index      of tables and sections, the latter with a digest each; see `RowsEncoder`
 *   length     u32, of the index
 *
 * The digest in the manifest is that of everything but the sections, whose own digests stand in the index. So a reader
 * takes the key groups it wants, and has checked each byte before it is used. A later row of the same key replaces an
 * earlier one; rows of one key group keep their order.
 */
import { createHash } from 'node:crypto';
import { ByteReader, ByteSink } from '../core/byte-sink.js';
import { packPlain, unpackPlain } from '../core/codec.js';
import { putPacked } from '../core/direct-pack.js';
import { decodeKey, encodeKey } from '../core/key-codec.js';
import type { RowWriter, StateRow } from '../state/backend.js';
import type { RawRow } from '../state/level/base-codec.js';

export const ROWS_MAGIC = Buffer.from('MILLROWS', 'latin1');
export const ROWS_VERSION = 2;
export const ROWS_HEADER_BYTES = ROWS_MAGIC.length + 2;

const PUT = 0;
export const ROW_REMOVED = 1;

type Kind = StateRow['kind'];

/** Operator's uid, table, kind: rows name them by their index in the file's list. */
export type TableEntry = readonly [operator: string, table: string, kind: Kind];

/** Rows of the key groups [first, end). */
export interface Section {
  readonly first: number;
  readonly end: number;
  readonly rows: number;
  readonly bytes: Uint8Array;
  /** SHA-256 of `bytes`. */
  readonly digest: Uint8Array;
}

/** What a file is written from. */
export interface RowsContent {
  readonly sections: Iterable<Section> | AsyncIterable<Section>;
  /** Complete once all sections have been taken. */
  readonly tables: readonly TableEntry[];
}

/** A finished file in memory. */
export interface RowsFile extends RowsContent {
  readonly sections: readonly Section[];
  readonly rows: number;
}

/** What the manifest says of a file. */
export interface RowsFacts {
  readonly sizeBytes: number;
  /** SHA-256, hex; see above. */
  readonly digest: string;
  readonly rows: number;
}

/** Key groups with little in them share a section of about this size. */
const SECTION_BYTES = 64 << 10;
/** A key group with much in it has several of this size: under a millisecond's hashing. */
const SECTION_BYTES_MAX = 1 << 20;

/** Tables of a file, numbered in the order of their first row. */
export class TableBook {
  readonly entries: TableEntry[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf(operator: string, table: string, kind: Kind): number {
    const name = `${operator}/${kind}/${table}`;
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.entries.length);
    this.entries.push([operator, table, kind]);
    return this.entries.length - 1;
  }
}

/** Rows of one key group. */
class Bucket {
  readonly open = new ByteSink(64);
  openRows = 0;
  readonly full: { readonly rows: number; readonly bytes: Uint8Array; readonly digest: Uint8Array }[] = [];

  close(): void {
    const bytes = this.open.take();
    this.full.push({ rows: this.openRows, bytes, digest: sha256(bytes) });
    this.openRows = 0;
  }
}

/** Gathers the rows of one worker and checkpoint, or some of a merged file's. */
export class RowsFileWriter {
  readonly #book: TableBook;
  readonly #buckets: (Bucket | undefined)[] = [];
  readonly #closed: Section[] = [];
  #closing: Iterator<Section, void> | undefined;
  #rows = 0;

  constructor(book = new TableBook()) {
    this.#book = book;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Where an operator's state puts its rows. */
  of(operator: string): RowWriter {
    // Rows come table by table, for the most part.
    let last: { readonly table: string; readonly kind: Kind; readonly number: number } | null = null;
    const numberOf = (table: string, kind: Kind): number => {
      if (last === null || last.table !== table || last.kind !== kind)
        last = { table, kind, number: this.#book.numberOf(operator, table, kind) };
      return last.number;
    };
    return {
      put: (table, kind, keyGroup, key, subkey, value) => {
        const bucket = this.#bucket(keyGroup);
        const start = this.#begin(bucket, PUT, numberOf(table, kind), keyGroup);
        putKey(bucket.open, kind, key, subkey);
        try {
          putPacked(value, bucket.open, 'state');
        } catch (error) {
          // A value that can't be packed leaves no half row behind.
          bucket.open.truncate(start);
          throw error;
        }
        this.#end(bucket);
      },
      remove: (table, kind, keyGroup, key, subkey) => {
        const bucket = this.#bucket(keyGroup);
        this.#begin(bucket, ROW_REMOVED, numberOf(table, kind), keyGroup);
        putKey(bucket.open, kind, key, subkey);
        this.#end(bucket);
      },
    };
  }

  /** Takes over a row as another file has it, in bytes [from, end) from the length of its key on. `table`: its number here. */
  copyRow(removed: boolean, keyGroup: number, table: number, bytes: Uint8Array, from: number, end: number): void {
    const bucket = this.#bucket(keyGroup);
    this.#begin(bucket, removed ? ROW_REMOVED : PUT, table, keyGroup);
    bucket.open.putPart(bytes, from, end);
    this.#end(bucket);
  }

  /** Closes another section, under a millisecond's work; true once all are. Nothing may be put after the first call. */
  closeSome(): boolean {
    this.#closing ??= this.#sections();
    const { done, value } = this.#closing.next();
    if (done !== true) this.#closed.push(value);
    return done === true;
  }

  /** Closes all sections. */
  finish(): RowsFile {
    while (!this.closeSome());
    return { tables: this.#book.entries, sections: this.#closed, rows: this.#rows };
  }

  #bucket(keyGroup: number): Bucket {
    let bucket = this.#buckets[keyGroup];
    if (bucket === undefined) {
      bucket = new Bucket();
      this.#buckets[keyGroup] = bucket;
    }
    return bucket;
  }

  /** Where the row begins. */
  #begin(bucket: Bucket, flag: number, table: number, keyGroup: number): number {
    const { open } = bucket;
    if (open.size >= SECTION_BYTES_MAX) bucket.close();
    const start = open.size;
    open.u8(flag);
    open.u16(keyGroup);
    open.varint(table);
    return start;
  }

  #end(bucket: Bucket): void {
    bucket.openRows += 1;
    this.#rows += 1;
  }

  *#sections(): Generator<Section> {
    const small = new SmallSections();
    for (const [group, bucket] of this.#buckets.entries()) {
      if (bucket === undefined) continue;
      if (bucket.full.length === 0 && bucket.open.size < SECTION_BYTES) {
        small.add(group, bucket);
        if (small.sizeBytes >= SECTION_BYTES) yield small.take();
        continue;
      }
      if (small.rows > 0) yield small.take();
      if (bucket.open.size > 0) bucket.close();
      for (const { rows, bytes, digest } of bucket.full) yield { first: group, end: group + 1, rows, bytes, digest };
    }
    if (small.rows > 0) yield small.take();
  }
}

/** Neighbouring key groups with little in them. */
class SmallSections {
  rows = 0;
  #bytes = new ByteSink(1_024);
  #first = 0;
  #end = 0;

  get sizeBytes(): number {
    return this.#bytes.size;
  }

  add(group: number, { open, openRows }: Bucket): void {
    if (this.rows === 0) this.#first = group;
    this.#end = group + 1;
    this.rows += openRows;
    this.#bytes.put(open.bytes);
  }

  take(): Section {
    const bytes = this.#bytes.take();
    const section = { first: this.#first, end: this.#end, rows: this.rows, bytes, digest: sha256(bytes) };
    this.rows = 0;
    return section;
  }
}

function putKey(sink: ByteSink, kind: Kind, key: unknown, subkey: unknown): void {
  const from = sink.openSized();
  encodeKey(key, sink);
  if (hasSubkey(kind)) encodeKey(subkey, sink);
  sink.closeSized(from);
}

function hasSubkey(kind: Kind): boolean {
  return kind !== 'value';
}

export function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/**
 * Makes a file's bytes around its sections. The index: a packed list of [tables, first, end, rows and size of each
 * section, one after another], then the sections' digests.
 */
export class RowsEncoder {
  readonly #header = header();
  readonly #numbers: number[] = [];
  readonly #digests: Uint8Array[] = [];
  #sizeBytes = ROWS_HEADER_BYTES;
  #rows = 0;

  get header(): Uint8Array {
    return this.#header;
  }

  /** The section's bytes come next. */
  add({ first, end, rows, bytes, digest }: Section): void {
    this.#numbers.push(first, end, rows, bytes.length);
    this.#digests.push(digest);
    this.#sizeBytes += bytes.length;
    this.#rows += rows;
  }

  /** What comes last. */
  finish(tables: readonly TableEntry[]): { readonly tail: Uint8Array; readonly facts: RowsFacts } {
    const sink = new ByteSink();
    const lists = packPlain([tables, this.#numbers]);
    sink.u32(lists.length);
    sink.put(lists);
    for (const digest of this.#digests) sink.put(digest);
    const digest = sha256(this.#header, sink.bytes).toString('hex');
    sink.u32(sink.size);
    const tail = sink.take();
    return { tail, facts: { sizeBytes: this.#sizeBytes + tail.length, digest, rows: this.#rows } };
  }
}

/** A file as a whole, in memory. */
export function encodeRows({ sections, tables }: RowsFile): { readonly bytes: Uint8Array; readonly facts: RowsFacts } {
  const encoder = new RowsEncoder();
  for (const section of sections) encoder.add(section);
  const { tail, facts } = encoder.finish(tables);
  return { bytes: Buffer.concat([encoder.header, ...sections.map(({ bytes }) => bytes), tail]), facts };
}

function header(): Uint8Array {
  const sink = new ByteSink(ROWS_HEADER_BYTES);
  sink.put(ROWS_MAGIC);
  sink.u16(ROWS_VERSION);
  return sink.take();
}

/** A table's name as rows of one file carry it: one object for all of them. */
export function namesOf(tables: readonly TableEntry[]): RawRow['name'][] {
  return tables.map(([operator, table, kind]) => ({ operator, table, kind }));
}

/** A row as it stands in a file, decoded; `removed` rows have no value. */
export interface StoredRow extends StateRow {
  readonly operator: string;
  readonly removed: boolean;
  /** Of key and value, packed. */
  readonly sizeBytes: number;
}

export function storedRow({ name, keyGroup, key: bytes, value: packed }: RawRow): StoredRow {
  const keys = new ByteReader(bytes);
  const key = decodeKey(keys);
  const subkey = hasSubkey(name.kind) ? { subkey: decodeKey(keys) } : {};
  const sizeBytes = bytes.length + (packed?.length ?? 0);
  const value = packed && unpackPlain(packed);
  return { ...name, keyGroup, key, ...subkey, removed: packed === undefined, sizeBytes, value };
}
