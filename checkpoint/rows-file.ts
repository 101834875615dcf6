/**
 * Rows of keyed state as a file: a delta segment (what changed in one epoch) or a run file (all there is, no removals).
 *
 *   magic     8 bytes, "MILLROWS"
 *   version   u16
 *   rows      each:
 *               u8 0 (put) or 1 (removed) · u16 key group · varint table ·
 *               varint length, encoded key, encoded subkey if the kind has one ·
 *               put only: varint length, packed value
 *   tables    a packed list of [operator uid, table, kind]; rows name tables by their index in it
 *   length    u32, of `tables`
 *
 * Length and digest of each file stand in the manifest that lists it; nothing is read before they have been checked.
 * In one file a later row of the same key replaces an earlier one.
 */
import { createHash } from 'node:crypto';
import { ByteReader, ByteSink } from '../core/byte-sink.js';
import { packPlain, unpackPlain } from '../core/codec.js';
import { putPacked } from '../core/direct-pack.js';
import { MillraceError } from '../core/errors.js';
import { decodeKey, encodeKey } from '../core/key-codec.js';
import type { RowWriter, StateRow } from '../state/backend.js';
import type { RawRow } from '../state/level/base-codec.js';

const MAGIC = 'MILLROWS';
const VERSION = 1;
const PUT = 0;
const REMOVED = 1;

type Kind = StateRow['kind'];

/** A row as it stands in a file; `removed` rows have no value. */
export interface StoredRow extends StateRow {
  readonly operator: string;
  readonly removed: boolean;
  /** Of key and value, packed. */
  readonly sizeBytes: number;
  /** Equal for rows that replace one another. */
  readonly id: string;
}

/** A finished file: its bytes in order, and what the manifest says of it. */
export interface RowsFile {
  readonly chunks: readonly Uint8Array[];
  readonly sizeBytes: number;
  /** SHA-256, hex. */
  readonly digest: string;
  readonly rows: number;
}

/** A chunk is closed, and hashed, once it is this large: a fraction of a millisecond's work. */
const CHUNK_BYTES = 64 << 10;

/** Gathers the rows of one worker and checkpoint. */
export class RowsFileWriter {
  readonly #tables = new Map<string, { readonly index: number; readonly entry: readonly [string, string, Kind] }>();
  readonly #hash = createHash('sha256');
  readonly #chunks: Uint8Array[] = [];
  readonly #open = new ByteSink(1_024);
  #sizeBytes = 0;
  #rows = 0;

  constructor() {
    this.#open.put(Buffer.from(MAGIC, 'latin1'));
    this.#open.u16(VERSION);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Where an operator's state puts its rows. */
  of(operator: string): RowWriter {
    // Rows come table by table, for the most part.
    let last: { readonly table: string; readonly kind: Kind; readonly index: number } | null = null;
    const indexOf = (table: string, kind: Kind): number => {
      if (last === null || last.table !== table || last.kind !== kind)
        last = { table, kind, index: this.#tableIndex(operator, table, kind) };
      return last.index;
    };
    return {
      put: (table, kind, keyGroup, key, subkey, value) =>
        this.#put(indexOf(table, kind), kind, keyGroup, key, subkey, value),
      remove: (table, kind, keyGroup, key, subkey) => {
        this.#row(REMOVED, indexOf(table, kind), kind, keyGroup, key, subkey);
        this.#rows += 1;
      },
    };
  }

  /** Nothing may be put after this. */
  finish(): RowsFile {
    const tables = packPlain([...this.#tables.values()].map(({ entry }) => entry));
    this.#open.put(tables);
    this.#open.u32(tables.length);
    this.#closeChunk();
    return { chunks: this.#chunks, sizeBytes: this.#sizeBytes, digest: this.#hash.digest('hex'), rows: this.#rows };
  }

  #closeChunk(): void {
    const chunk = this.#open.bytes.slice();
    this.#open.clear();
    this.#hash.update(chunk);
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.length;
  }

  #put(table: number, kind: Kind, keyGroup: number, key: unknown, subkey: unknown, value: unknown): void {
    const start = this.#row(PUT, table, kind, keyGroup, key, subkey);
    try {
      putPacked(value, this.#open, 'state');
    } catch (error) {
      // A value that can't be packed leaves no half row behind.
      this.#open.truncate(start);
      throw error;
    }
    this.#rows += 1;
  }

  /** Where it begins. */
  #row(flag: number, table: number, kind: Kind, keyGroup: number, key: unknown, subkey: unknown): number {
    const open = this.#open;
    if (open.size >= CHUNK_BYTES) this.#closeChunk();
    const start = open.size;
    open.u8(flag);
    open.u16(keyGroup);
    open.varint(table);
    const from = open.openSized();
    encodeKey(key, open);
    if (hasSubkey(kind)) encodeKey(subkey, open);
    open.closeSized(from);
    return start;
  }

  #tableIndex(operator: string, table: string, kind: Kind): number {
    const name = `${operator}/${kind}/${table}`;
    const known = this.#tables.get(name);
    if (known) return known.index;
    const index = this.#tables.size;
    this.#tables.set(name, { index, entry: [operator, table, kind] });
    return index;
  }
}

function hasSubkey(kind: Kind): boolean {
  return kind !== 'value';
}

/** The rows of a file whose digest has been checked; those of key groups that are not wanted are skipped cheaply. */
export function* readRows(bytes: Uint8Array, wanted: (keyGroup: number) => boolean = () => true): Iterable<StoredRow> {
  const { reader, end, tables } = openRows(bytes);
  while (reader.at < end) {
    const row = readRow(reader, tables, wanted);
    if (row) yield row;
  }
}

/** Likewise, but with keys and values as they stand in the file, sharing its memory; `name` is one object a table. */
export function* readRawRows(bytes: Uint8Array, wanted: (keyGroup: number) => boolean = () => true): Iterable<RawRow> {
  const { reader, end, tables } = openRows(bytes);
  const names = tables.map(([operator, table, kind]) => ({ operator, table, kind }));
  while (reader.at < end) {
    const removed = reader.u8() === REMOVED;
    const keyGroup = reader.u16();
    const name = names[reader.varint()] as RawRow['name'];
    if (!wanted(keyGroup)) {
      skip(reader);
      if (!removed) skip(reader);
      continue;
    }
    const key = reader.take(reader.varint());
    yield { name, keyGroup, key, value: removed ? undefined : reader.take(reader.varint()) };
  }
}

function skip(reader: ByteReader): void {
  const length = reader.varint();
  reader.at += length;
}

type Tables = readonly (readonly [string, string, Kind])[];

function openRows(bytes: Uint8Array): { readonly reader: ByteReader; readonly end: number; readonly tables: Tables } {
  const reader = new ByteReader(bytes);
  const magic = Buffer.from(reader.take(8)).toString('latin1');
  const version = reader.u16();
  if (magic !== MAGIC || version !== VERSION) {
    const text = `a file of rows begins with ${JSON.stringify(magic)}, version ${version}`;
    throw new MillraceError('MILL_CHECKPOINT_UNREADABLE', text);
  }
  const trailer = new ByteReader(bytes, bytes.length - 4);
  const end = bytes.length - 4 - trailer.u32();
  return { reader, end, tables: unpackPlain(bytes.subarray(end, bytes.length - 4)) as Tables };
}

function readRow(reader: ByteReader, tables: Tables, wanted: (keyGroup: number) => boolean): StoredRow | undefined {
  const removed = reader.u8() === REMOVED;
  const keyGroup = reader.u16();
  const [operator, table, kind] = tables[reader.varint()] as readonly [string, string, Kind];
  const keyBytes = reader.take(reader.varint());
  const valueBytes = removed ? undefined : reader.take(reader.varint());
  if (!wanted(keyGroup)) return undefined;
  const keys = new ByteReader(keyBytes);
  const key = decodeKey(keys);
  const subkey = hasSubkey(kind) ? { subkey: decodeKey(keys) } : {};
  const id = `${operator}/${kind}/${table}/${Buffer.from(keyBytes).toString('latin1')}`;
  const sizeBytes = keyBytes.length + (valueBytes?.length ?? 0);
  const value = valueBytes && unpackPlain(valueBytes);
  return { operator, table, kind, keyGroup, key, ...subkey, removed, sizeBytes, id, value };
}
