/**
 * Options of lookup joins, checked, and their nodes. The method that users call is in stream.ts.
 */
import { describeValue, MillraceError } from '../core/errors.js';
import type { Host } from '../core/host.js';
import type { Key } from '../core/key.js';
import { type Duration, durationMs } from '../core/time.js';
import type { CallContext } from '../operators/async/call.js';
import { lookupFactory } from '../operators/async/lookup.js';
import { sourceTable, type TableLoader } from '../operators/async/source-table.js';
import { tableLookupFactory } from '../operators/async/table-lookup.js';
import type { OperatorFactory } from '../operators/operator.js';
import type { Source } from '../operators/source.js';
import { type AsyncOptions, type Batched, batchCallsSpec, callsSpec } from './async.js';

/** Rows that have been looked up are used again. */
export interface LookupCacheOptions {
  /** Rows in each subtask, at most. */
  readonly size: number;
  /** How long a row may be used after it was looked up. */
  readonly ttl: Duration;
}

interface LookupBase<T, K, J> {
  /** What the record's row is found by; null and undefined have none. */
  readonly key: (record: T) => K | null | undefined;
  /** `'left'`: records without a row come out, too. Default: `'inner'`. */
  readonly type?: J;
}

/** Looks rows up one by one, as records come. */
interface LookupOne<T, K, V, J> extends LookupBase<T, K, J> {
  /** The row of a key; null or undefined if there is none. */
  readonly lookup: (key: K, context: CallContext) => V | null | undefined | PromiseLike<V | null | undefined>;
  readonly cache?: LookupCacheOptions;
}

/** Looks the rows of several records up together. */
interface LookupMany<T, K, V, J> extends LookupBase<T, K, J> {
  /** One row for each key, in their order; each key comes once. */
  readonly lookupAll: (keys: readonly K[], context: CallContext) => PromiseLike<readonly (V | null | undefined)[]>;
  /** How many records, and how long the first of them waits for the others. Default: 100, 10 ms. */
  readonly batch?: Batched;
  readonly cache?: LookupCacheOptions;
}

/** Loads the whole table. */
interface LookupTable<T, K, V, J> extends LookupBase<T, K, J> {
  /** All rows by key: a function, or `tableOf` a source. Called in each subtask, before its first record. */
  readonly table: (host: Host) => Iterable<readonly [K, V]> | PromiseLike<Iterable<readonly [K, V]>>;
  /** Loads it again so often; default: never. If that fails, the job does. */
  readonly refresh?: Duration;
}

/** How a lookup join finds its rows. */
export type Lookup<T, K extends Key, V, J extends 'inner' | 'left'> =
  | LookupOne<T, K, V, J>
  | LookupMany<T, K, V, J>
  | LookupTable<T, K, V, J>;

/**
 * All records of a source that ends as a table for `lookupJoin`, by key; of several with one key the last counts. A record that
 * can't be read fails the load. Throws `MILL_OPTION_INVALID` for a source that never ends.
 *
 * @example
 * flights.lookupJoin('airports', {
 *   key: (flight) => flight.origin,
 *   table: tableOf(files('airports.csv', csv()), (airport) => airport.code),
 *   refresh: '1h',
 * }, (flight, airport) => ({ ...flight, city: airport.city }))
 */
export function tableOf<R, K extends Key>(source: Source<R>, key: (row: R) => K): TableLoader<K, R> {
  return sourceTable(source, key);
}

type AnyLookup = Lookup<never, Key, never, 'inner' | 'left'>;

/** Throws `MILL_OPTION_INVALID`. */
export function lookupJoinFactory(
  how: AnyLookup,
  combine: (record: never, row: never) => unknown,
  options: AsyncOptions<never, unknown>,
): OperatorFactory {
  const { type = 'inner', key: keyOf } = how;
  if (type !== 'inner' && type !== 'left') throw invalid(`type is ${describeValue(type)}`);
  const isLeft = type === 'left';
  if ('table' in how) {
    const refreshMs = how.refresh === undefined ? Number.POSITIVE_INFINITY : durationMs(how.refresh, 'refresh');
    if (refreshMs <= 0) throw invalid(`refresh is ${describeValue(how.refresh)}, expected more than 0`);
    return tableLookupFactory({ keyOf, combine, isLeft, load: how.table, refreshMs });
  }
  const cache = cacheSpec(how.cache);
  if ('lookupAll' in how) {
    const { lookupAll, batch = {} } = how;
    const calls = batchCallsSpec({ ...options, batch });
    return lookupFactory({ keyOf, combine, isLeft, cache, lookup: undefined, lookupAll: lookupAll as never }, calls);
  }
  const { lookup } = how;
  return lookupFactory({ keyOf, combine, isLeft, cache, lookup, lookupAll: undefined }, callsSpec(options));
}

function cacheSpec(cache: LookupCacheOptions | undefined): { size: number; ttlMs: number } {
  if (!cache) return { size: 0, ttlMs: 0 };
  const { size, ttl } = cache;
  if (!Number.isSafeInteger(size) || size < 1) throw invalid(`size of the cache is ${describeValue(size)}`);
  return { size, ttlMs: durationMs(ttl, 'ttl of the cache') };
}

function invalid(message: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', message);
}
