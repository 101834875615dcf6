/**
 * What user code sees of its state: each handle is one descriptor bound to one table, at whichever key the operator
 * is working on (`KeyedState.slot`).
 *
 * Invariant: handles hold no state of their own; the same handle serves every key.
 */
import { MillraceError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { LIMITS } from '../core/limits.js';
import type { Aggregator } from './aggregator.js';
import type { KeyedState, ListTable, MapTable, ValueTable } from './backend.js';
import { type DequeHandle, TableDequeHandle } from './deque-handle.js';
import type {
  AggregatingDescriptor,
  DequeDescriptor,
  ListDescriptor,
  MapDescriptor,
  ReducingDescriptor,
  StateDescriptor,
  StateDescriptors,
  ValueDescriptor,
} from './descriptors.js';
import { ExpiringListTable, ExpiringMapTable, ExpiringValueTable } from './expiring-tables.js';
import type { Expiry } from './expiry.js';
import { MigratingListTable, MigratingMapTable, MigratingValueTable } from './migrating-tables.js';

/** One value for the current key. */
export interface ValueHandle<T, Read = T | undefined> {
  /** The value, or the descriptor's `initial`, or undefined. An object is to be changed only with a `set` after it. */
  get(): Read;
  /** Replaces the value. Setting undefined is `clear`. */
  set(value: T): void;
  /** Forgets the value: `get` gives `initial` again. */
  clear(): void;
}

/** A list for the current key. */
export interface ListHandle<T> {
  /** The elements in order of insertion, as an array of the caller's own: O(n). Empty when there are none. */
  get(): T[];
  /** Appends one element: O(1). */
  add(element: T): void;
  /** Replaces the whole list. */
  set(elements: readonly T[]): void;
  clear(): void;
}

/**
 * A map for the current key. Keys are compared by value, arrays too, and iterated in ascending order: booleans,
 * numbers, bigints, strings, arrays. An iteration may change the map: entries removed meanwhile are left out, entries
 * added meanwhile are not shown.
 *
 * @example
 * for (const [day, count] of ctx.state.byDay.entries()) {
 *   if (day < oldest) ctx.state.byDay.delete(day)
 * }
 */
export interface MapHandle<K extends Key, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  has(key: K): boolean;
  delete(key: K): void;
  entries(): IterableIterator<[K, V]>;
  keys(): IterableIterator<K>;
  values(): IterableIterator<V>;
  /** The number of entries: O(1). */
  readonly size: number;
  clear(): void;
}

/** What was added for the current key, combined by the descriptor's `reduce`. */
export interface ReducingHandle<T> {
  add(value: T): void;
  /** Undefined when nothing was added. */
  get(): T | undefined;
  clear(): void;
}

/** What was added for the current key, folded by the descriptor's aggregator. */
export interface AggregatingHandle<In, Out> {
  add(record: In): void;
  /** The aggregator's result; undefined when nothing was added. */
  get(): Out | undefined;
  clear(): void;
}

/** The handle of a descriptor. */
export type Handle<D> =
  D extends ValueDescriptor<infer T, infer Read>
    ? ValueHandle<T, Read>
    : D extends ListDescriptor<infer T>
      ? ListHandle<T>
      : D extends MapDescriptor<infer K, infer V>
        ? MapHandle<K, V>
        : D extends ReducingDescriptor<infer T>
          ? ReducingHandle<T>
          : D extends AggregatingDescriptor<infer In, infer _Acc, infer Out>
            ? AggregatingHandle<In, Out>
            : D extends DequeDescriptor<infer T>
              ? DequeHandle<T>
              : never;

/** The handles of a record of descriptors, under the same names: `ctx.state` of a process operator. */
export type Handles<D extends StateDescriptors> = { readonly [N in keyof D]: Handle<D[N]> };

const NAME = new RegExp(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,${LIMITS.nameChars - 1}}$`);

/** Binds descriptors to the tables of their names. Throws `MILL_NAME_INVALID` for a name that no state may have. */
export function bindHandles<D extends StateDescriptors>(descriptors: D, keyed: KeyedState, expiry: Expiry): Handles<D> {
  const handles: Record<string, unknown> = Object.create(null);
  for (const [name, descriptor] of Object.entries(descriptors)) {
    if (!NAME.test(name) || name === '__proto__')
      throw new MillraceError('MILL_NAME_INVALID', `state is named ${JSON.stringify(name)}`);
    handles[name] = bind(name, descriptor, keyed, expiry);
  }
  return Object.freeze(handles) as Handles<D>;
}

function bind(name: string, descriptor: StateDescriptor, keyed: KeyedState, expiry: Expiry): unknown {
  switch (descriptor.kind) {
    case 'list':
      return new TableListHandle(keyed, listTable(name, descriptor, keyed, expiry));
    case 'map':
      return new TableMapHandle(keyed, mapTable(name, descriptor, keyed, expiry));
    case 'value':
      return new TableValueHandle(keyed, valueTable(name, descriptor, keyed, expiry), descriptor.initial);
    case 'reducing':
      return new TableReducingHandle(keyed, valueTable(name, descriptor, keyed, expiry), descriptor.reduce);
    case 'aggregating':
      return new TableAggregatingHandle(keyed, valueTable(name, descriptor, keyed, expiry), descriptor.aggregator);
    case 'deque':
      return new TableDequeHandle(keyed, name);
  }
}

type Keeping = Pick<StateDescriptor, 'ttl' | 'versioned'>;

function valueTable(name: string, { ttl, versioned }: Keeping, keyed: KeyedState, expiry: Expiry): ValueTable<unknown> {
  if (versioned) return new MigratingValueTable(keyed, name, versioned);
  return ttl ? new ExpiringValueTable<unknown>(keyed, name, ttl, expiry) : keyed.value<unknown>(name);
}

function listTable(name: string, { ttl, versioned }: Keeping, keyed: KeyedState, expiry: Expiry): ListTable<unknown> {
  if (versioned) return new MigratingListTable(keyed, name, versioned);
  return ttl ? new ExpiringListTable(keyed, name, ttl, expiry) : keyed.list(name);
}

function mapTable(
  name: string,
  { ttl, versioned }: Keeping,
  keyed: KeyedState,
  expiry: Expiry,
): MapTable<Key, unknown> {
  if (versioned) return new MigratingMapTable(keyed, name, versioned);
  return ttl ? new ExpiringMapTable(keyed, name, ttl, expiry) : keyed.map(name);
}

class TableValueHandle<T> implements ValueHandle<T> {
  private readonly keyed: KeyedState;
  private readonly table: ValueTable<T>;
  private readonly initial: T | undefined;

  constructor(keyed: KeyedState, table: ValueTable<T>, initial: T | undefined) {
    this.keyed = keyed;
    this.table = table;
    this.initial = initial;
  }

  get(): T | undefined {
    const value = this.table.get(this.keyed.slot);
    return value === undefined ? fresh(this.initial) : value;
  }

  set(value: T): void {
    this.table.set(this.keyed.slot, value);
  }

  clear(): void {
    this.table.remove(this.keyed.slot);
  }
}

/** Two keys must not share one initial object, which either may change before setting it. */
function fresh<T>(initial: T): T {
  return typeof initial === 'object' && initial !== null ? structuredClone(initial) : initial;
}

class TableListHandle<T> implements ListHandle<T> {
  private readonly keyed: KeyedState;
  private readonly table: ListTable<T>;

  constructor(keyed: KeyedState, table: ListTable<T>) {
    this.keyed = keyed;
    this.table = table;
  }

  /** A copy: the user may emit it, and records do not change once emitted. */
  get(): T[] {
    return this.table.get(this.keyed.slot).slice();
  }

  add(element: T): void {
    this.table.add(this.keyed.slot, element);
  }

  set(elements: readonly T[]): void {
    this.table.set(this.keyed.slot, elements);
  }

  clear(): void {
    this.table.remove(this.keyed.slot);
  }
}

class TableMapHandle<K extends Key, V> implements MapHandle<K, V> {
  private readonly keyed: KeyedState;
  private readonly table: MapTable<K, V>;

  constructor(keyed: KeyedState, table: MapTable<K, V>) {
    this.keyed = keyed;
    this.table = table;
  }

  get size(): number {
    return this.table.size(this.keyed.slot);
  }

  get(key: K): V | undefined {
    return this.table.get(this.keyed.slot, key);
  }

  set(key: K, value: V): void {
    this.table.set(this.keyed.slot, key, value);
  }

  has(key: K): boolean {
    return this.table.has(this.keyed.slot, key);
  }

  delete(key: K): void {
    this.table.remove(this.keyed.slot, key);
  }

  *entries(): Generator<[K, V]> {
    for (const [key, value] of this.table.entries(this.keyed.slot)) yield [key, value];
  }

  *keys(): Generator<K> {
    for (const entry of this.table.entries(this.keyed.slot)) yield entry[0];
  }

  *values(): Generator<V> {
    for (const entry of this.table.entries(this.keyed.slot)) yield entry[1];
  }

  clear(): void {
    this.table.clear(this.keyed.slot);
  }
}

class TableReducingHandle<T> implements ReducingHandle<T> {
  private readonly keyed: KeyedState;
  private readonly table: ValueTable<T>;
  private readonly reduce: (a: T, b: T) => T;

  constructor(keyed: KeyedState, table: ValueTable<T>, reduce: (a: T, b: T) => T) {
    this.keyed = keyed;
    this.table = table;
    this.reduce = reduce;
  }

  add(value: T): void {
    const { slot } = this.keyed;
    const before = this.table.get(slot);
    const { reduce } = this;
    this.table.set(slot, before === undefined ? value : reduce(before, value));
  }

  get(): T | undefined {
    return this.table.get(this.keyed.slot);
  }

  clear(): void {
    this.table.remove(this.keyed.slot);
  }
}

class TableAggregatingHandle<In, Acc, Out> implements AggregatingHandle<In, Out> {
  private readonly keyed: KeyedState;
  private readonly table: ValueTable<Acc>;
  private readonly aggregator: Aggregator<In, Acc, Out>;

  constructor(keyed: KeyedState, table: ValueTable<Acc>, aggregator: Aggregator<In, Acc, Out>) {
    this.keyed = keyed;
    this.table = table;
    this.aggregator = aggregator;
  }

  add(record: In): void {
    const { slot } = this.keyed;
    const before = this.table.get(slot);
    this.table.set(slot, this.aggregator.add(before === undefined ? this.aggregator.create() : before, record));
  }

  get(): Out | undefined {
    const acc = this.table.get(this.keyed.slot);
    return acc === undefined ? undefined : this.aggregator.result(acc);
  }

  clear(): void {
    this.table.remove(this.keyed.slot);
  }
}
