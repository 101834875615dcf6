/**
 * A map whose keys are compared by value and iterated in `compareKeys` order.
 *
 * A hash map answers `get` and `set`; the order is made when somebody iterates, O(n log n): from then on the keys that are
 * new are noted, and the next time sorted and merged into the old order, O(n + k log k). So a map that is never iterated
 * pays nothing for its order.
 *
 * Invariants: once there is an `order`, every key of `values` is in it or in `fresh`; either may also hold keys removed
 * since, or twice; `order` is ascending and never changed in place, so that an iteration survives changes: it leaves out
 * what is removed, and does not show what is added, meanwhile.
 */
import { compareKeys } from '../../core/key.js';
import { isCompoundKey, keyText } from './key-text.js';

/** Never pushed to: until there is an order, nothing is fresh. */
const NOTHING: never[] = [];

export class SortedMap<K, V> {
  private readonly values = new Map<K, V>();
  /** The one array that stands for all arrays equal to it, by its text. Made when the first array comes. */
  private compounds: Map<string, K> | null = null;
  /** Null: nobody has iterated. */
  private order: readonly K[] | null = null;
  private fresh: K[] = NOTHING;
  private stale = false;

  get size(): number {
    return this.values.size;
  }

  get(key: K): V | undefined {
    return this.values.get(this.known(key));
  }

  has(key: K): boolean {
    return this.values.has(this.known(key));
  }

  set(key: K, value: V): void {
    const own = this.own(key);
    if (this.order === null) {
      this.values.set(own, value);
      return;
    }
    const before = this.values.size;
    this.values.set(own, value);
    if (this.values.size === before) return;
    this.fresh.push(own);
    this.boundOrder();
  }

  /** False if there was none. */
  remove(key: K): boolean {
    const own = this.known(key);
    if (!this.values.delete(own)) return false;
    if (isCompoundKey(own)) this.compounds?.delete(keyText(own));
    this.stale = true;
    this.boundOrder();
    return true;
  }

  /** Removes all entries; an iteration in progress ends. */
  clear(): void {
    this.values.clear();
    this.compounds = null;
    this.order = null;
    this.fresh = NOTHING;
    this.stale = false;
  }

  /** In no particular order. */
  keys(): Iterable<K> {
    return this.values.keys();
  }

  *entries(): Generator<readonly [K, V]> {
    const { values } = this;
    for (const key of this.ordered()) {
      if (values.has(key)) yield [key, values.get(key) as V];
    }
  }

  /** Keys that come and go would otherwise pile up in a map that nobody iterates. */
  private boundOrder(): void {
    if (this.order !== null && this.order.length + this.fresh.length > 4 * this.values.size + 64) this.ordered();
  }

  private ordered(): readonly K[] {
    if (this.order === null) {
      this.fresh = [];
      this.order = [...this.values.keys()].sort(compareKeys);
    } else if (this.stale) {
      this.order = this.order.filter((key) => this.values.has(key));
      this.fresh = this.fresh.filter((key) => this.values.has(key));
    }
    this.stale = false;
    if (this.fresh.length > 0) {
      this.order = merged(this.order, this.fresh.sort(compareKeys));
      this.fresh = [];
    }
    return this.order;
  }

  /** The key as this map holds it; itself if the map has no equal one. */
  private known(key: K): K {
    if (!isCompoundKey(key)) return key;
    return this.compounds?.get(keyText(key)) ?? key;
  }

  private own(key: K): K {
    if (!isCompoundKey(key)) return (key === 0 ? 0 : key) as K;
    this.compounds ??= new Map();
    const text = keyText(key);
    const known = this.compounds.get(text);
    if (known !== undefined) return known;
    this.compounds.set(text, key);
    return key;
  }
}

/** Two ascending lists as one, equal keys once. */
function merged<K>(left: readonly K[], right: readonly K[]): K[] {
  const out: K[] = [];
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const order = l === left.length ? 1 : r === right.length ? -1 : compareKeys(left[l], right[r]);
    const key = (order <= 0 ? left[l] : right[r]) as K;
    if (order <= 0) l += 1;
    if (order >= 0) r += 1;
    if (out.length === 0 || compareKeys(out[out.length - 1], key) !== 0) out.push(key);
  }
  return out;
}
