/**
 * Rows that have been looked up, by key, also those of which it is known that there are none. The one that has not been
 * asked for longest goes first.
 */
import { distinctMark } from '../aggregate/plain-kinds.js';

export interface CacheSpec {
  /** Rows at most; 0: nothing is kept. */
  readonly size: number;
  /** How long after it was looked up a row may be used. */
  readonly ttlMs: number;
}

interface Cached {
  readonly row: unknown;
  readonly until: number;
}

export class LookupCache {
  readonly #spec: CacheSpec;
  readonly #now: () => number;
  /** In order of their last use. */
  readonly #rows = new Map<unknown, Cached>();

  constructor(spec: CacheSpec, now: () => number) {
    this.#spec = spec;
    this.#now = now;
  }

  /** In an array, as there may be none: `[undefined]`. Undefined: it has to be looked up. */
  get(key: unknown): readonly [unknown] | undefined {
    const mark = distinctMark(key);
    const cached = this.#rows.get(mark);
    if (!cached) return undefined;
    this.#rows.delete(mark);
    if (cached.until <= this.#now()) return undefined;
    this.#rows.set(mark, cached);
    return [cached.row];
  }

  set(key: unknown, row: unknown): void {
    const { size, ttlMs } = this.#spec;
    if (size === 0) return;
    const mark = distinctMark(key);
    this.#rows.delete(mark);
    this.#rows.set(mark, { row, until: this.#now() + ttlMs });
    if (this.#rows.size <= size) return;
    const [oldest] = this.#rows.keys();
    this.#rows.delete(oldest);
  }
}
