/**
 * A list with two ends per key, each element a row of its own: what is added or taken at an end costs the same at any length.
 *
 * Invariant: `ends` is [first, next]: elements have the indexes first to next - 1; a key without elements has no row.
 */
import type { KeyedState, MapTable, ValueTable } from './backend.js';
import { innerName } from './inner-names.js';

/** A list for the current key that grows and shrinks at both ends. All but `get` cost the same at any length. */
export interface DequeHandle<T> {
  readonly size: number;
  readonly first: T | undefined;
  readonly last: T | undefined;
  /** Appends an element. */
  push(element: T): void;
  /** Puts an element before all others. */
  unshift(element: T): void;
  /** Takes the last element; undefined if there is none. */
  pop(): T | undefined;
  /** Takes the first element; undefined if there is none. */
  shift(): T | undefined;
  /** The elements in order, as an array of the caller's own: O(n). */
  get(): T[];
  clear(): void;
}

type Ends = readonly [first: number, next: number];

const EMPTY: Ends = [0, 0];

export class TableDequeHandle<T> implements DequeHandle<T> {
  readonly #keyed: KeyedState;
  readonly #elements: MapTable<number, T>;
  readonly #ends: ValueTable<Ends>;

  constructor(keyed: KeyedState, name: string) {
    this.#keyed = keyed;
    this.#elements = keyed.map(name);
    this.#ends = keyed.value(innerName(name, 'ends'));
  }

  get size(): number {
    const [first, next] = this.#bounds;
    return next - first;
  }

  get first(): T | undefined {
    return this.#at(this.#bounds[0]);
  }

  get last(): T | undefined {
    return this.#at(this.#bounds[1] - 1);
  }

  push(element: T): void {
    const [first, next] = this.#bounds;
    this.#elements.set(this.#keyed.slot, next, element);
    this.#ends.set(this.#keyed.slot, [first, next + 1]);
  }

  unshift(element: T): void {
    const [first, next] = this.#bounds;
    this.#elements.set(this.#keyed.slot, first - 1, element);
    this.#ends.set(this.#keyed.slot, [first - 1, next]);
  }

  pop(): T | undefined {
    const [first, next] = this.#bounds;
    return this.#take(next - 1, [first, next - 1]);
  }

  shift(): T | undefined {
    const [first, next] = this.#bounds;
    return this.#take(first, [first + 1, next]);
  }

  get(): T[] {
    return Array.from(this.#elements.entries(this.#keyed.slot), ([, element]) => element);
  }

  clear(): void {
    this.#elements.clear(this.#keyed.slot);
    this.#ends.remove(this.#keyed.slot);
  }

  get #bounds(): Ends {
    return this.#ends.get(this.#keyed.slot) ?? EMPTY;
  }

  #at(index: number): T | undefined {
    return this.#elements.get(this.#keyed.slot, index);
  }

  #take(index: number, left: Ends): T | undefined {
    if (this.size === 0) return undefined;
    const element = this.#at(index);
    this.#elements.remove(this.#keyed.slot, index);
    if (left[0] === left[1]) this.#ends.remove(this.#keyed.slot);
    else this.#ends.set(this.#keyed.slot, left);
    return element;
  }
}
