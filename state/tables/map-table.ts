/**
 * A map per slot; a row is an entry. Order and equality of its keys: sorted-map.ts.
 *
 * Invariant: a map held is not empty.
 */
import type { MapTable } from '../backend.js';
import type { KeyIndex } from '../key-index.js';
import { SortedMap } from './sorted-map.js';
import type { ChangeJournal, StateTable, TableContext, TableRow } from './state-table.js';

const NOTHING: readonly never[] = Object.freeze([]);

export class SortedMapTable<K, V> implements MapTable<K, V>, StateTable {
  readonly kind = 'map';
  private readonly index: KeyIndex;
  private readonly journal: ChangeJournal | null;
  private readonly maps: (SortedMap<K, V> | undefined)[] = [];

  constructor(context: TableContext) {
    this.index = context.index;
    this.journal = context.journal;
  }

  get(slot: number, key: K): V | undefined {
    return this.maps[slot]?.get(key);
  }

  has(slot: number, key: K): boolean {
    return this.maps[slot]?.has(key) ?? false;
  }

  size(slot: number): number {
    return this.maps[slot]?.size ?? 0;
  }

  entries(slot: number): Iterable<readonly [K, V]> {
    return this.maps[slot]?.entries() ?? NOTHING;
  }

  set(slot: number, key: K, value: V): void {
    this.put(slot, key, value);
    if (this.journal !== null) this.journal.changed(slot, key);
  }

  remove(slot: number, key: K): void {
    const map = this.maps[slot];
    if (map === undefined || !map.remove(key)) return;
    if (map.size === 0) this.close(slot);
    if (this.journal !== null) this.journal.changed(slot, key);
  }

  clear(slot: number): void {
    const map = this.maps[slot];
    if (map === undefined) return;
    const keys = this.journal === null ? NOTHING : Array.from(map.entries(), ([key]) => key);
    map.clear();
    this.close(slot);
    for (const key of keys) this.journal?.changed(slot, key);
  }

  *rows(): Iterable<TableRow> {
    for (let slot = 0; slot < this.maps.length; slot += 1) {
      for (const [subkey, value] of this.entries(slot)) yield { slot, subkey, value };
    }
  }

  restore(slot: number, subkey: unknown, value: unknown): void {
    this.put(slot, subkey as K, value as V);
  }

  /** A key that is none throws before anything has changed. */
  private put(slot: number, key: K, value: V): void {
    const held = this.maps[slot];
    const map = held ?? new SortedMap<K, V>();
    map.set(key, value);
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
