/**
 * Joins records with rows that are looked up elsewhere, by key (Flink's lookup join): each on its own or several together,
 * with a cache in each subtask.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import type { Key } from '../../core/key.js';
import { distinctMark } from '../aggregate/plain-kinds.js';
import type { OperatorFactory } from '../operator.js';
import { AsyncOperator, type AsyncSpec, NO_RESULT } from './async-operator.js';
import type { CallContext } from './call.js';
import { type CacheSpec, LookupCache } from './lookup-cache.js';

export interface LookupSpec {
  readonly keyOf: (record: never) => Key | null | undefined;
  readonly combine: (record: never, row: never) => unknown;
  /** A record without a row gives a result, too. */
  readonly isLeft: boolean;
  readonly cache: CacheSpec;
  /** One of them. */
  readonly lookup: ((key: never, context: CallContext) => unknown) | undefined;
  readonly lookupAll: ((keys: never, context: CallContext) => unknown) | undefined;
}

type Calls = Omit<AsyncSpec, 'apply'>;

export function lookupFactory(spec: LookupSpec, calls: Calls): OperatorFactory {
  return (context, restored) => {
    const lookups = new Lookups(spec, new LookupCache(spec.cache, () => context.host.now()));
    const apply = calls.batch
      ? (records: readonly unknown[], call: CallContext) => lookups.joinAll(records, call)
      : (record: unknown, call: CallContext) => lookups.join(record, call);
    return new AsyncOperator({ ...calls, apply: apply as AsyncSpec['apply'] }, context, restored);
  };
}

class Lookups {
  readonly #spec: LookupSpec;
  readonly #cache: LookupCache;

  constructor(spec: LookupSpec, cache: LookupCache) {
    this.#spec = spec;
    this.#cache = cache;
  }

  join(record: unknown, context: CallContext): unknown {
    const key = this.#spec.keyOf(record as never);
    const known = this.#known(key);
    return known ? this.#combine(record, known[0]) : this.#lookUp(record, key, context);
  }

  async joinAll(records: readonly unknown[], context: CallContext): Promise<readonly unknown[]> {
    const keys = records.map((record) => this.#spec.keyOf(record as never));
    const rows = keys.map((key) => this.#known(key));
    const wanted = new KeyList();
    for (const [at, key] of keys.entries()) if (!rows[at]) wanted.add(key);
    const found = wanted.keys.length === 0 ? [] : await this.#lookUpAll(wanted.keys, context);
    return records.map((record, at) => this.#combine(record, (rows[at] ?? [found[wanted.indexOf(keys[at])]])[0]));
  }

  /** Null and undefined have no row: as in SQL they equal nothing. */
  #known(key: unknown): readonly [unknown] | undefined {
    return key === null || key === undefined ? [undefined] : this.#cache.get(key);
  }

  async #lookUp(record: unknown, key: unknown, context: CallContext): Promise<unknown> {
    const row = await this.#spec.lookup?.(key as never, context);
    this.#cache.set(key, row);
    return this.#combine(record, row);
  }

  async #lookUpAll(keys: readonly unknown[], context: CallContext): Promise<readonly unknown[]> {
    const rows = await this.#spec.lookupAll?.(keys as never, context);
    if (!Array.isArray(rows) || rows.length !== keys.length) throw wrongRows(keys.length, rows);
    for (const [at, key] of keys.entries()) this.#cache.set(key, rows[at]);
    return rows;
  }

  #combine(record: unknown, row: unknown): unknown {
    if (row !== undefined && row !== null) return this.#spec.combine(record as never, row as never);
    return this.#spec.isLeft ? this.#spec.combine(record as never, undefined as never) : NO_RESULT;
  }
}

/** Keys, each once. */
class KeyList {
  readonly keys: unknown[] = [];
  readonly #places = new Map<unknown, number>();

  add(key: unknown): void {
    const mark = distinctMark(key);
    if (this.#places.has(mark)) return;
    this.#places.set(mark, this.keys.length);
    this.keys.push(key);
  }

  indexOf(key: unknown): number {
    return this.#places.get(distinctMark(key)) ?? -1;
  }
}

function wrongRows(count: number, rows: unknown): MillraceError {
  const given = Array.isArray(rows) ? `${rows.length} rows` : describeValue(rows);
  return new MillraceError('MILL_FUNCTION_FAILED', `a lookup of ${count} keys gave ${given}`, {
    hint: 'Return an array with one row for each key, in their order; undefined where there is none.',
  });
}
