/**
 * Tables of a state whose schema has changed: each version's rows are in a table of their own. A key's rows of older versions
 * are turned into the present one's when the key is first met, so a job starts at once, however much state there is.
 *
 * Invariant: after a call for a key there is nothing of older versions for it.
 */
import type { Key } from '../core/key.js';
import type { KeyedState, ListTable, MapTable, ValueTable } from './backend.js';
import { innerName } from './inner-names.js';

export interface Versioned {
  /** 1 is the first. */
  readonly version: number;
  /** A value of an older version as one of the present. */
  readonly migrate: (value: unknown, version: number) => unknown;
}

const tableName = (name: string, version: number): string => (version === 1 ? name : innerName(name, `v${version}`));

/** Tables of older versions, the newest first. */
function olderOf<Table>({ version }: Versioned, open: (version: number) => Table): (readonly [number, Table])[] {
  return Array.from({ length: version - 1 }, (_, at) => [version - 1 - at, open(version - 1 - at)] as const);
}

export class MigratingValueTable<T> implements ValueTable<T> {
  readonly #versioned: Versioned;
  readonly #table: ValueTable<T>;
  readonly #older: readonly (readonly [number, ValueTable<unknown>])[];

  constructor(keyed: KeyedState, name: string, versioned: Versioned) {
    this.#versioned = versioned;
    this.#table = keyed.value(tableName(name, versioned.version));
    this.#older = olderOf(versioned, (version) => keyed.value(tableName(name, version)));
  }

  get(slot: number): T | undefined {
    this.#move(slot);
    return this.#table.get(slot);
  }

  set(slot: number, value: T): void {
    this.#table.set(slot, value);
    this.#forget(slot);
  }

  remove(slot: number): void {
    this.#table.remove(slot);
    this.#forget(slot);
  }

  #move(slot: number): void {
    for (const [version, table] of this.#older) {
      const value = table.get(slot);
      if (value === undefined) continue;
      const migrated = this.#versioned.migrate(value, version) as T;
      if (this.#table.get(slot) === undefined) this.#table.set(slot, migrated);
      table.remove(slot);
    }
  }

  #forget(slot: number): void {
    for (const [, table] of this.#older) if (table.get(slot) !== undefined) table.remove(slot);
  }
}

export class MigratingListTable<T> implements ListTable<T> {
  readonly #versioned: Versioned;
  readonly #table: ListTable<T>;
  readonly #older: readonly (readonly [number, ListTable<unknown>])[];

  constructor(keyed: KeyedState, name: string, versioned: Versioned) {
    this.#versioned = versioned;
    this.#table = keyed.list(tableName(name, versioned.version));
    this.#older = olderOf(versioned, (version) => keyed.list(tableName(name, version)));
  }

  get(slot: number): readonly T[] {
    this.#move(slot);
    return this.#table.get(slot);
  }

  add(slot: number, element: T): void {
    this.#move(slot);
    this.#table.add(slot, element);
  }

  set(slot: number, elements: readonly T[]): void {
    this.#table.set(slot, elements);
    this.#forget(slot);
  }

  remove(slot: number): void {
    this.#table.remove(slot);
    this.#forget(slot);
  }

  #move(slot: number): void {
    for (const [version, table] of this.#older) {
      const elements = table.get(slot);
      if (elements.length === 0) continue;
      const migrated = elements.map((element) => this.#versioned.migrate(element, version) as T);
      this.#table.set(slot, [...migrated, ...this.#table.get(slot)]);
      table.remove(slot);
    }
  }

  #forget(slot: number): void {
    for (const [, table] of this.#older) if (table.get(slot).length > 0) table.remove(slot);
  }
}

export class MigratingMapTable<K extends Key, V> implements MapTable<K, V> {
  readonly #versioned: Versioned;
  readonly #table: MapTable<K, V>;
  readonly #older: readonly (readonly [number, MapTable<K, unknown>])[];

  constructor(keyed: KeyedState, name: string, versioned: Versioned) {
    this.#versioned = versioned;
    this.#table = keyed.map(tableName(name, versioned.version));
    this.#older = olderOf(versioned, (version) => keyed.map<K, unknown>(tableName(name, version)));
  }

  get(slot: number, key: K): V | undefined {
    return this.#moved(slot).get(slot, key);
  }

  set(slot: number, key: K, value: V): void {
    this.#moved(slot).set(slot, key, value);
  }

  remove(slot: number, key: K): void {
    this.#moved(slot).remove(slot, key);
  }

  has(slot: number, key: K): boolean {
    return this.#moved(slot).has(slot, key);
  }

  size(slot: number): number {
    return this.#moved(slot).size(slot);
  }

  entries(slot: number): Iterable<readonly [K, V]> {
    return this.#moved(slot).entries(slot);
  }

  clear(slot: number): void {
    this.#table.clear(slot);
    for (const [, table] of this.#older) if (table.size(slot) > 0) table.clear(slot);
  }

  #moved(slot: number): MapTable<K, V> {
    for (const [version, table] of this.#older) {
      if (table.size(slot) === 0) continue;
      const migrated = Array.from(
        table.entries(slot),
        ([key, value]) => [key, this.#versioned.migrate(value, version) as V] as const,
      );
      for (const [key, value] of migrated) if (!this.#table.has(slot, key)) this.#table.set(slot, key, value);
      table.clear(slot);
    }
    return this.#table;
  }
}
