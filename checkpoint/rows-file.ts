/**
 * Rows of keyed state as a file: a delta segment (what changed in one epoch) or a run file (all there is, no removals).
 *
 *   magic     8 bytes, "MILLROWS"
 *   version   u16
 *   tables    u32 length, then a packed list of [operator uid, table, kind]; rows name tables by their index in it
 *   rows      to the end of the file, each:
 *               u8 0 (put) or 1 (removed) · u16 key group · varint table ·
 *               varint length, encoded key, encoded subkey if the kind has one ·
 *               put only: varint length, packed value
 *
 * Length and digest of each file stand in the manifest that lists it; nothing is read before they have been checked.
 * In one file a later row of the same key replaces an earlier one.
 */
import { ByteReader, ByteSink } from '../core/byte-sink.js';
import { packPlain, unpackPlain } from '../core/codec.js';
import { MillraceError } from '../core/errors.js';
import { decodeKey, encodeKey } from '../core/key-codec.js';
import type { RowWriter, StateRow } from '../state/backend.js';

const MAGIC = 'MILLROWS';
const VERSION = 1;
const PUT = 0;
const REMOVED = 1;

type Kind = StateRow['kind'];

/** A row as it stands in a file; `removed` rows have no value. */
export interface StoredRow extends StateRow {
  readonly operator: string;
  readonly removed: boolean;
}

/** Gathers the rows of one worker and checkpoint. */
export class RowsFileWriter {
  readonly #tables = new Map<string, { readonly index: number; readonly entry: readonly [string, string, Kind] }>();
  readonly #rows = new ByteSink(4_096);
  readonly #key = new ByteSink();
  #count = 0;

  get rows(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#rows.size;
  }

  /** Where an operator's state puts its rows. */
  of(operator: string): RowWriter {
    return {
      put: (table, kind, keyGroup, key, subkey, value) => {
        // Packed first: a value that can't be leaves no half row behind.
        const packed = packPlain(value, 'state');
        this.#row(PUT, operator, table, kind, keyGroup, key, subkey);
        this.#rows.varint(packed.length);
        this.#rows.put(packed);
      },
      remove: (table, kind, keyGroup, key, subkey) => this.#row(REMOVED, operator, table, kind, keyGroup, key, subkey),
    };
  }

  /** The file. */
  finish(): Uint8Array<ArrayBuffer> {
    const file = new ByteSink(this.#rows.size + 256);
    file.put(Buffer.from(MAGIC, 'latin1'));
    file.u16(VERSION);
    const tables = packPlain([...this.#tables.values()].map(({ entry }) => entry));
    file.u32(tables.length);
    file.put(tables);
    file.put(this.#rows.bytes);
    return file.take();
  }

  #row(
    flag: number,
    operator: string,
    table: string,
    kind: Kind,
    keyGroup: number,
    key: unknown,
    subkey: unknown,
  ): void {
    this.#key.clear();
    encodeKey(key, this.#key);
    if (hasSubkey(kind)) encodeKey(subkey, this.#key);
    this.#rows.u8(flag);
    this.#rows.u16(keyGroup);
    this.#rows.varint(this.#tableIndex(operator, table, kind));
    this.#rows.varint(this.#key.size);
    this.#rows.put(this.#key.bytes);
    this.#count += 1;
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

/** The rows of a file whose digest has been checked; those outside the key groups wanted are skipped cheaply. */
export function* readRows(bytes: Uint8Array, wanted: (keyGroup: number) => boolean = () => true): Iterable<StoredRow> {
  const reader = new ByteReader(bytes);
  const magic = Buffer.from(reader.take(8)).toString('latin1');
  const version = reader.u16();
  if (magic !== MAGIC || version !== VERSION) {
    throw new MillraceError(
      'MILL_CHECKPOINT_UNREADABLE',
      `a file of rows begins with ${JSON.stringify(magic)}, version ${version}`,
    );
  }
  const tables = unpackPlain(reader.take(reader.u32())) as readonly (readonly [string, string, Kind])[];
  while (!reader.drained) {
    const row = readRow(reader, tables, wanted);
    if (row) yield row;
  }
}

function readRow(
  reader: ByteReader,
  tables: readonly (readonly [string, string, Kind])[],
  wanted: (keyGroup: number) => boolean,
): StoredRow | undefined {
  const removed = reader.u8() === REMOVED;
  const keyGroup = reader.u16();
  const [operator, table, kind] = tables[reader.varint()] as readonly [string, string, Kind];
  const keyBytes = reader.take(reader.varint());
  const valueBytes = removed ? undefined : reader.take(reader.varint());
  if (!wanted(keyGroup)) return undefined;
  const keys = new ByteReader(keyBytes);
  const key = decodeKey(keys);
  const subkey = hasSubkey(kind) ? { subkey: decodeKey(keys) } : {};
  return { operator, table, kind, keyGroup, key, ...subkey, removed, value: valueBytes && unpackPlain(valueBytes) };
}
