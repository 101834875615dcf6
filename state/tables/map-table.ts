/**
 * A map per slot; a row is an entry. Order and equality of its keys: sorted-map.ts.
 *
 * Invariant: a map held is not empty.
 */
import type { MapTable, RowWriter } from '../backend.js';
import type { KeyIndex } from '../key-index.js';
import { MapChanges } from './map-changes.js';
import { SortedMap } from './sorted-map.js';
import type { EvictableTable, TableContext, TableRow } from './state-table.js';
import type { TableJournal } from './table-journal.js';

const NOTHING: readonly never[] = Object.freeze([]);

export class SortedMapTable<K, V> implements MapTable<K, V>, EvictableTable {
  readonly kind = 'map';
  held = 0;
  readonly journal: TableJournal | null;
  private readonly index: KeyIndex;
  private readonly maps: (SortedMap<K, V> | undefined)[] = [];
  private readonly changes: MapChanges<K, V> | null;

  constructor(context: TableContext) {
    this.index = context.index;
    this.journal = context.journal;
    this.changes = context.journal === null ? null : new MapChanges(context.journal, context.index, this.maps);
  }

  get(slot: number, key: K): V | undefined {
    const value = this.maps[slot]?.get(key);
    if (this.changes !== null) this.changes.touch(slot, key, value);
    return value;
  }

  has(slot: number, key: K): boolean {
    return this.maps[slot]?.has(key) ?? false;
  }

  size(slot: number): number {
    return this.maps[slot]?.size ?? 0;
  }

  entries(slot: number): Iterable<readonly [K, V]> {
    const map = this.maps[slot];
    if (map === undefined) return NOTHING;
    return this.changes === null ? map.entries() : this.changes.touchAll(slot, map.entries());
  }

  set(slot: number, key: K, value: V): void {
    if (this.changes !== null) this.changes.note(slot, key, true);
    this.put(slot, key, value);
  }

  remove(slot: number, key: K): void {
    const map = this.maps[slot];
    if (map === undefined || !map.has(key)) return;
    if (this.changes !== null) this.changes.note(slot, key, false);
    map.remove(key);
    this.held -= 1;
    if (map.size === 0) this.close(slot);
  }

  clear(slot: number): void {
    const map = this.maps[slot];
    if (map === undefined) return;
    if (this.changes !== null) for (const key of map.keys()) this.changes.note(slot, key, false);
    this.held -= map.size;
    map.clear();
    this.close(slot);
  }

  *rows(): Iterable<TableRow> {
    for (let slot = 0; slot < this.maps.length; slot += 1) {
      for (const [subkey, value] of this.maps[slot]?.entries() ?? NOTHING) yield { slot, subkey, value };
    }
  }

  restore(slot: number, subkey: unknown, value: unknown): void {
    if (this.changes !== null) this.changes.write(slot, subkey as K);
    this.put(slot, subkey as K, value as V);
  }

  seal(writer: RowWriter): void {
    this.changes?.seal(writer);
  }

  drain(rows: number): number {
    return this.changes?.drain(rows) ?? 0;
  }

  isClean(slot: number): boolean {
    return this.changes?.isClean(slot) ?? true;
  }

  evict(slot: number): number {
    const size = this.size(slot);
    if (size === 0) return 0;
    this.held -= size;
    this.close(slot);
    return size;
  }

  /** A key that is none throws before anything has changed. */
  private put(slot: number, key: K, value: V): void {
    const held = this.maps[slot];
    const map = held ?? new SortedMap<K, V>();
    const before = map.size;
    map.set(key, value);
    this.held += map.size - before;
    if (held === undefined) this.open(slot, map);
  }

  private open(slot: number, map: SortedMap<K, V>): void {
    while (this.maps.length < slot) this.maps.push(undefined);
    this.maps[slot] = map;
    this.index.retain(slot);
  }

  private close(slot: number): void {
    this.maps[slot] = undefined;
    this.index.release(slot);
  }
}
