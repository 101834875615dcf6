/**
 * Which entries of maps have changed, by slot and key of the entry.
 *
 * Invariants: the index retains a slot for its marks in `open`, and for those in `sealed`; neither holds empty marks.
 * A mark says whether the entry was there when the epoch began; one that was not and is not there any more has none.
 */
import type { RowWriter } from '../backend.js';
import type { KeyIndex } from '../key-index.js';
import { isCompoundKey, keyText } from './key-text.js';
import type { SortedMap } from './sorted-map.js';
import { isMutable, type TableJournal } from './table-journal.js';

export class MapChanges<K, V> {
  private readonly journal: TableJournal;
  private readonly index: KeyIndex;
  private readonly maps: readonly (SortedMap<K, V> | undefined)[];
  private open = new Map<number, EntryMarks<K>>();
  private sealed = new Map<number, EntryMarks<K>>();
  /** Goes through `sealed`, which may lose entries meanwhile. */
  private rest: Iterator<readonly [slot: number, key: K]> | null = null;

  constructor(journal: TableJournal, index: KeyIndex, maps: readonly (SortedMap<K, V> | undefined)[]) {
    this.journal = journal;
    this.index = index;
    this.maps = maps;
  }

  /** The entry is about to be set (`stays`) or removed; it is there in the latter case. Throws for what is no key. */
  note(slot: number, key: K, stays: boolean): void {
    if (this.journal.draining) this.write(slot, key);
    const marks = this.open.get(slot);
    const stored = marks?.get(key);
    if (stored === undefined) this.mark(slot, key, this.maps[slot]?.has(key) ?? false, marks);
    else if (!stored && !stays) this.unmark(slot, key, marks as EntryMarks<K>);
  }

  /** The value is about to be handed out. */
  touch(slot: number, key: K, value: unknown): void {
    if (this.journal.draining && isMutable(value)) this.write(slot, key);
  }

  *touchAll(slot: number, entries: Iterable<readonly [K, V]>): Generator<readonly [K, V]> {
    for (const entry of entries) {
      this.touch(slot, entry[0], entry[1]);
      yield entry;
    }
  }

  /** Writes the entry as it was at the seal, unless that has been done. */
  write(slot: number, key: K): void {
    const marks = this.sealed.get(slot);
    const stored = marks?.get(key);
    if (marks === undefined || stored === undefined) return;
    this.writeMarked(slot, key);
    this.drop(this.sealed, slot, key, marks);
  }

  isClean(slot: number): boolean {
    return !this.open.has(slot) && !this.sealed.has(slot);
  }

  seal(writer: RowWriter): void {
    this.journal.turn(writer);
    [this.open, this.sealed] = [this.sealed, this.open];
    this.rest = pairsOf(this.sealed);
  }

  drain(rows: number): number {
    const rest = this.rest as Iterator<readonly [number, K]>;
    for (let written = 0; written < rows; written += 1) {
      const { done, value } = rest.next();
      if (done) {
        this.finish();
        return written;
      }
      this.write(value[0], value[1]);
    }
    return rows;
  }

  private finish(): void {
    if (this.sealed.size === 0) this.journal.finish();
    // An entry that could not be written was passed over.
    else this.rest = pairsOf(this.sealed);
  }

  private mark(slot: number, key: K, stored: boolean, known: EntryMarks<K> | undefined): void {
    const marks = known ?? new EntryMarks<K>();
    marks.set(key, stored);
    this.journal.dirty += 1;
    if (known !== undefined) return;
    this.open.set(slot, marks);
    this.index.retain(slot);
  }

  private unmark(slot: number, key: K, marks: EntryMarks<K>): void {
    this.drop(this.open, slot, key, marks);
    this.journal.dirty -= 1;
  }

  private writeMarked(slot: number, key: K): void {
    const map = this.maps[slot];
    if (map?.has(key)) this.journal.put(slot, key, map.get(key));
    else this.journal.remove(slot, key);
  }

  private drop(all: Map<number, EntryMarks<K>>, slot: number, key: K, marks: EntryMarks<K>): void {
    marks.delete(key);
    if (marks.size > 0) return;
    all.delete(slot);
    this.index.release(slot);
  }
}

function* pairsOf<K>(sealed: ReadonlyMap<number, EntryMarks<K>>): Generator<readonly [number, K]> {
  for (const [slot, marks] of sealed) for (const key of marks.keys()) yield [slot, key];
}

/** A boolean by key, keys compared by value. Draining may go through the keys while they are deleted. */
class EntryMarks<K> {
  private readonly plain = new Map<K, boolean>();
  private compound: Map<string, { readonly key: K; readonly stored: boolean }> | null = null;

  get size(): number {
    return this.plain.size + (this.compound?.size ?? 0);
  }

  get(key: K): boolean | undefined {
    return isCompoundKey(key) ? this.compound?.get(keyText(key))?.stored : this.plain.get(key);
  }

  set(key: K, stored: boolean): void {
    if (!isCompoundKey(key)) {
      this.plain.set(key, stored);
      return;
    }
    this.compound ??= new Map();
    this.compound.set(keyText(key), { key, stored });
  }

  delete(key: K): void {
    if (isCompoundKey(key)) this.compound?.delete(keyText(key));
    else this.plain.delete(key);
  }

  *keys(): Generator<K> {
    yield* this.plain.keys();
    if (this.compound !== null) for (const { key } of this.compound.values()) yield key;
  }
}
