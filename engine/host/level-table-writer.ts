/**
 * A LevelDB table in memory: rows in ascending order in, the bytes of a file out. The same memory serves table after table.
 *
 *   data blocks · filter block · index of blocks: "filter. …" → filter · index of blocks: last key → data block · footer
 *
 * Invariant: all rows have one sequence number, as if by one write; so any row written later is newer.
 */
import { BlockWriter, type Handle, putTrailer } from './level-block-writer.js';
import { LevelBytes } from './level-bytes.js';
import { FILTER_NAME, FilterWriter } from './level-filter-writer.js';
import { FOOTER_BYTES, TABLE_MAGIC } from './level-format.js';

/** Of all rows, as LevelDB stores it behind each key, with the type "value" before it. */
export const SEQUENCE = 1;
const TAG = Uint8Array.of(1, SEQUENCE, 0, 0, 0, 0, 0, 0);
const NOTHING = new Uint8Array(0);

const ROWS_PER_RESTART = 16;

export interface TableSizes {
  readonly tableBytes: number;
  readonly blockBytes: number;
}

/** Keys as the manifest has them. */
export interface FinishedTable {
  /** Overwritten by the next table. */
  readonly bytes: Uint8Array;
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
}

export class LevelTableWriter {
  readonly #sizes: TableSizes;
  readonly #into: LevelBytes;
  readonly #data: BlockWriter;
  readonly #filter = new FilterWriter();
  readonly #indexInto = new LevelBytes(256 << 10);
  readonly #index = new BlockWriter(this.#indexInto, 1);
  readonly #place = new LevelBytes(32);
  #smallest: Uint8Array = NOTHING;

  constructor(sizes: TableSizes) {
    this.#sizes = sizes;
    // Room for the last block, the filter and the index, as they mostly are.
    this.#into = new LevelBytes(sizes.tableBytes + (sizes.tableBytes >> 3));
    this.#data = new BlockWriter(this.#into, ROWS_PER_RESTART);
  }

  get isEmpty(): boolean {
    return this.#into.size === 0;
  }

  get isFull(): boolean {
    return this.#into.size >= this.#sizes.tableBytes;
  }

  add(key: Uint8Array, value: Uint8Array): void {
    if (this.isEmpty) this.#smallest = internalKey(key);
    this.#data.add(key, TAG, value);
    this.#filter.add(key);
    if (this.#data.sizeBytes >= this.#sizes.blockBytes) this.#closeBlock();
  }

  /** What has been added since the last time, at least one row. */
  finish(): FinishedTable {
    if (this.#data.sizeBytes > 0) this.#closeBlock();
    const into = this.#into;
    const meta = this.#putMeta(this.#putBlock(this.#filter.finish()));
    const index = this.#putIndex();
    this.#putFooter(meta, index);
    const table = { bytes: into.written, smallest: this.#smallest, largest: internalKey(this.#data.lastKey) };
    into.size = 0;
    return table;
  }

  #closeBlock(): void {
    const handle = putTrailer(this.#into, this.#data.end());
    this.#index.add(this.#data.lastKey, TAG, this.#placeOf(handle));
    this.#filter.startBlock(this.#into.size);
  }

  #putBlock(bytes: Uint8Array): Handle {
    const at = this.#into.size;
    this.#into.put(bytes);
    return putTrailer(this.#into, at);
  }

  #putMeta(filter: Handle): Handle {
    const block = new BlockWriter(this.#into, 1);
    block.add(Buffer.from(FILTER_NAME), NOTHING, this.#placeOf(filter));
    return putTrailer(this.#into, block.end());
  }

  #putIndex(): Handle {
    this.#index.end();
    const handle = this.#putBlock(this.#indexInto.written);
    this.#indexInto.size = 0;
    return handle;
  }

  #putFooter(meta: Handle, index: Handle): void {
    const into = this.#into;
    const end = into.size + FOOTER_BYTES;
    into.reserve(FOOTER_BYTES);
    into.bytes.fill(0, into.size, end);
    into.put(this.#placeOf(meta));
    into.put(this.#placeOf(index));
    into.size = end - TABLE_MAGIC.length;
    into.put(TABLE_MAGIC);
  }

  /** Overwritten by the next one. */
  #placeOf({ at, sizeBytes }: Handle): Uint8Array {
    this.#place.size = 0;
    this.#place.varint(at);
    this.#place.varint(sizeBytes);
    return this.#place.written;
  }
}

function internalKey(key: Uint8Array): Uint8Array {
  const internal = new Uint8Array(key.length + TAG.length);
  internal.set(key);
  internal.set(TAG, key.length);
  return internal;
}
