/**
 * A run's view of its key's state: it reads what is there and what it has written itself; what it has written reaches the
 * tables when the run has ended, all at once. So a run that is executed again finds the state as it was when it began.
 *
 * Invariant: nothing that a table has handed out is changed in place: what is read is copied first.
 */
import { MillraceError } from '../core/errors.js';
import type { KeyedState, ListTable, MapTable, ValueTable } from '../state/backend.js';
import type { StateDescriptors } from '../state/descriptors.js';
import type { Expiry } from '../state/expiry.js';
import { bindHandles, type Handles } from '../state/handles.js';
import { SortedMap } from '../state/tables/sorted-map.js';

/** What a table held of the run's key when it was first read: a value, elements in order, or entries in order. */
export interface Read {
  readonly kind: 'value' | 'list' | 'map';
  readonly content: unknown;
}

/** What a run has read, by table: for its record. */
export type Reads = { [table: string]: Read };

interface Staged {
  /** Puts what has been written into the table. */
  commit(): void;
}

export class StagedState {
  readonly reads: Reads = {};
  /** Handles set it, and it is always the run's own. */
  slot: number;
  readonly #state: KeyedState;
  readonly #tables = new Map<string, Staged>();

  constructor(state: KeyedState, slot: number) {
    this.#state = state;
    this.slot = slot;
  }

  /** Throws `MILL_OPTION_INVALID` for state with a time to live. */
  bind<D extends StateDescriptors>(descriptors: D): Handles<D> {
    for (const [name, { ttl }] of Object.entries(descriptors))
      if (ttl) throw new MillraceError('MILL_OPTION_INVALID', `state ${name} of an agent has a time to live`);
    return bindHandles(descriptors, this as unknown as KeyedState, undefined as unknown as Expiry);
  }

  value<T>(name: string): ValueTable<T> {
    return this.#table(name, () => new StagedValue<T>(this.#state.value(name), this.slot, this.#noted(name, 'value')));
  }

  list<T>(name: string): ListTable<T> {
    return this.#table(name, () => new StagedList<T>(this.#state.list(name), this.slot, this.#noted(name, 'list')));
  }

  map<K, V>(name: string): MapTable<K, V> {
    return this.#table(name, () => new StagedMap<K, V>(this.#state.map(name), this.slot, this.#noted(name, 'map')));
  }

  commit(): void {
    for (const table of this.#tables.values()) table.commit();
  }

  #table<T extends Staged>(name: string, make: () => T): T {
    const known = this.#tables.get(name);
    if (known) return known as T;
    const made = make();
    this.#tables.set(name, made);
    return made;
  }

  #noted(name: string, kind: Read['kind']): (content: unknown) => void {
    return (content) => {
      this.reads[name] ??= { kind, content: structuredClone(content) };
    };
  }
}

/** A copy of what the table has, made when it is first wanted; written back if it was changed. */
abstract class Copied<T> implements Staged {
  protected changed = false;
  readonly #read: () => T;
  readonly #noted: (read: unknown) => void;
  #copy: { value: T } | undefined;

  constructor(read: () => T, noted: (read: unknown) => void) {
    this.#read = read;
    this.#noted = noted;
  }

  protected get content(): T {
    if (!this.#copy) {
      this.#copy = { value: this.#read() };
      this.#noted(this.record(this.#copy.value));
    }
    return this.#copy.value;
  }

  protected replace(value: T): void {
    this.#copy = { value };
    this.changed = true;
  }

  protected record(content: T): unknown {
    return content;
  }

  abstract commit(): void;
}

class StagedValue<T> extends Copied<T | undefined> implements ValueTable<T> {
  readonly #table: ValueTable<T>;
  readonly #slot: number;

  constructor(table: ValueTable<T>, slot: number, noted: (read: unknown) => void) {
    super(() => structuredClone(table.get(slot)), noted);
    this.#table = table;
    this.#slot = slot;
  }

  get(): T | undefined {
    return this.content;
  }

  set(_slot: number, value: T): void {
    this.replace(value);
  }

  remove(): void {
    this.replace(undefined);
  }

  commit(): void {
    if (!this.changed) return;
    const value = this.content;
    if (value === undefined) this.#table.remove(this.#slot);
    else this.#table.set(this.#slot, value);
  }
}

class StagedList<T> extends Copied<T[]> implements ListTable<T> {
  readonly #table: ListTable<T>;
  readonly #slot: number;

  constructor(table: ListTable<T>, slot: number, noted: (read: unknown) => void) {
    super(() => structuredClone(table.get(slot).slice()), noted);
    this.#table = table;
    this.#slot = slot;
  }

  get(): readonly T[] {
    return this.content;
  }

  add(_slot: number, element: T): void {
    this.replace([...this.content, element]);
  }

  set(_slot: number, elements: readonly T[]): void {
    this.replace([...elements]);
  }

  remove(): void {
    this.replace([]);
  }

  commit(): void {
    if (!this.changed) return;
    if (this.content.length === 0) this.#table.remove(this.#slot);
    else this.#table.set(this.#slot, this.content);
  }
}

/** All entries are copied at once: maps of a key that agents work with are small. */
class StagedMap<K, V> extends Copied<SortedMap<K, V>> implements MapTable<K, V> {
  readonly #table: MapTable<K, V>;
  readonly #slot: number;
  readonly #touched = new SortedMap<K, true>();
  #cleared = false;

  constructor(table: MapTable<K, V>, slot: number, noted: (read: unknown) => void) {
    super(() => copyOf(table.entries(slot)), noted);
    this.#table = table;
    this.#slot = slot;
  }

  get(_slot: number, key: K): V | undefined {
    return this.content.get(key);
  }

  set(_slot: number, key: K, value: V): void {
    this.content.set(key, value);
    this.#touched.set(key, true);
  }

  remove(_slot: number, key: K): void {
    if (this.content.remove(key)) this.#touched.set(key, true);
  }

  has(_slot: number, key: K): boolean {
    return this.content.has(key);
  }

  size(): number {
    return this.content.size;
  }

  entries(): Iterable<readonly [K, V]> {
    return this.content.entries();
  }

  clear(): void {
    this.content.clear();
    this.#cleared = true;
  }

  commit(): void {
    if (this.#cleared) this.#table.clear(this.#slot);
    const keys = this.#cleared ? this.content.keys() : this.#touched.keys();
    for (const key of keys) {
      if (this.content.has(key)) this.#table.set(this.#slot, key, this.content.get(key) as V);
      else this.#table.remove(this.#slot, key);
    }
  }

  protected override record(content: SortedMap<K, V>): unknown {
    return [...content.entries()];
  }
}

function copyOf<K, V>(entries: Iterable<readonly [K, V]>): SortedMap<K, V> {
  const copy = new SortedMap<K, V>();
  for (const [key, value] of entries) copy.set(key, structuredClone(value));
  return copy;
}
