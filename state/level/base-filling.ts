/**
 * The rows of a base that is made anew, in the order that an ordered store is filled in: rows of files are sorted and
 * reduced to the newest of each key, a chunk of key groups at a time.
 *
 * Invariants: what is given out ascends over the whole store, each key once: values, lists and maps by key group; then
 * timers and panes, which are few and wait for that in memory; then what the base says about itself, when all names are
 * known. Memory: a chunk, and one page.
 */
import type { StoreRow } from '../../core/host.js';
import { CHECKSUM_BYTES, putSealed, type RawRow, rawRowText } from './base-codec.js';
import {
  type AppliedCheckpoint,
  type BaseIdentity,
  floorChange,
  identityChange,
  markChange,
  nameChange,
} from './base-marks.js';
import { BaseNames } from './base-names.js';
import { mayLeave } from './row-base.js';

/** Large enough for many rows, small enough to stay in the processor's cache until they are written. */
const PAGE_BYTES = 128 << 10;

/** What is to be made: whose base, and of which checkpoint it holds everything. */
export interface Filling {
  readonly identity: BaseIdentity;
  readonly checkpoint: AppliedCheckpoint;
}

/** Packed values by encoded key: a character a byte, in the same order. */
type Rows = Map<string, Uint8Array>;

/** What is newest of a key group. */
interface GroupRows {
  readonly inBase: Rows;
  readonly inMemory: Rows;
}

/**
 * `chunks`: key groups in ascending order, all rows of each in one chunk, where a later row replaces an earlier one of the
 * same key. A page is good until the next is asked for.
 */
export async function* ascendingRows(
  chunks: AsyncIterable<Iterable<RawRow>>,
  { identity, checkpoint }: Filling,
): AsyncGenerator<readonly StoreRow[]> {
  const names = new BaseNames();
  const page = new Page();
  const inMemory: Rows[] = [];
  for await (const chunk of chunks) {
    for (const group of newestByGroup(chunk, names)) {
      yield* page.fillWith(group.inBase);
      inMemory.push(group.inMemory);
    }
  }
  for (const rows of inMemory) yield* page.fillWith(rows);
  yield page.take();
  const mark = { applied: checkpoint, begun: checkpoint };
  const named = names.all.map((name, number) => nameChange(number, name));
  yield [identityChange(identity), floorChange(0), ...named, markChange(0, mark)];
}

function newestByGroup(rows: Iterable<RawRow>, names: BaseNames): readonly GroupRows[] {
  const groups = new Map<number, GroupRows>();
  for (const row of rows) {
    const { operator, table } = names.numbersOf(row.name);
    let group = groups.get(row.keyGroup);
    if (!group) groups.set(row.keyGroup, (group = { inBase: new Map(), inMemory: new Map() }));
    const text = rawRowText(row, operator, table);
    const stays = !mayLeave(row.name.kind);
    const newest = stays ? group.inMemory : group.inBase;
    if (row.value === undefined) newest.delete(text);
    // A value shares memory with the file that it is from.
    else newest.set(text, stays ? row.value.slice() : row.value);
  }
  const numbers = [...groups.keys()].sort((a, b) => a - b);
  return numbers.map((number) => groups.get(number) as GroupRows);
}

/** Rows as they are to stand in the store, in memory that is used again for the next ones. */
class Page {
  #bytes = Buffer.allocUnsafeSlow(PAGE_BYTES);
  #size = 0;
  #rows: StoreRow[] = [];

  /** Gives out full pages; the last rows stay until there are more, or `take`. */
  *fillWith(rows: Rows): Generator<readonly StoreRow[]> {
    for (const text of [...rows.keys()].sort()) {
      const packed = rows.get(text) as Uint8Array;
      const size = text.length + CHECKSUM_BYTES + packed.length;
      if (this.#size + size > this.#bytes.length) {
        if (this.#rows.length > 0) yield this.take();
        if (size > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(size);
      }
      this.#add(text, packed);
    }
  }

  take(): readonly StoreRow[] {
    const rows = this.#rows;
    this.#rows = [];
    this.#size = 0;
    return rows;
  }

  #add(text: string, packed: Uint8Array): void {
    const bytes = this.#bytes;
    const valueAt = this.#size + bytes.write(text, this.#size, 'latin1');
    const key = bytes.subarray(this.#size, valueAt);
    this.#size = valueAt + CHECKSUM_BYTES + packed.length;
    const value = bytes.subarray(valueAt, this.#size);
    putSealed(value, key, packed);
    this.#rows.push([key, value]);
  }
}
