/**
 * What `infer` and `embed` have in common, checked.
 */
import type { OnError } from '../api/on-error.js';
import { describeValue, MillraceError } from '../core/errors.js';
import { type Duration, durationMs } from '../core/time.js';
import type { CacheSpec } from '../operators/async/lookup-cache.js';

/** Options of every operator that calls a model for each record. */
export interface ModelStreamOptions<T> {
  /** Answers are kept by what was asked, in each subtask, and not in checkpoints. Default: none is. */
  readonly cache?: {
    /** Answers at most; the one that has not been asked for longest goes first. Default 10,000. */
    readonly size?: number;
    /** How long one may be used; default: for ever. */
    readonly ttl?: Duration;
  };
  /** Calls under way in each subtask; default 100, of several records 10. */
  readonly capacity?: number;
  /** How long a record may take, with all attempts; after that it has failed with `MILL_ASYNC_TIMEOUT`. Default: for ever. */
  readonly timeout?: Duration;
  /** How often a model is called before the next one is, when failures pass; default 5. Pauses are as long as it asks for. */
  readonly attempts?: number;
  /** What becomes of records without an answer. */
  readonly onError?: OnError<T>;
  /** The name that it has in older checkpoints, so that calls under way are found again. */
  readonly renamedFrom?: string;
}

const CACHE_SIZE = 10_000;
const ATTEMPTS = 5;

/** One model or several, each with its method `name`. Throws `MILL_OPTION_INVALID`. */
export function modelsOf<M>(given: M | readonly M[], name: keyof M): readonly M[] {
  const models = [given].flat() as readonly M[];
  if (models.length > 0 && models.every((model) => typeof model?.[name] === 'function')) return models;
  throw invalidOption('model', given);
}

/** Throws `MILL_OPTION_INVALID`. */
export function cacheSpec(cache: ModelStreamOptions<unknown>['cache']): CacheSpec {
  if (!cache) return { size: 0, ttlMs: 0 };
  const { size = CACHE_SIZE, ttl } = cache;
  if (!Number.isSafeInteger(size) || size < 0) throw invalidOption('cache.size', size);
  return { size, ttlMs: ttl === undefined ? Number.POSITIVE_INFINITY : durationMs(ttl, 'cache.ttl') };
}

/** Throws `MILL_OPTION_INVALID`. */
export function attemptsOf(attempts = ATTEMPTS): number {
  if (!Number.isSafeInteger(attempts) || attempts < 1) throw invalidOption('attempts', attempts);
  return attempts;
}

/** Those of the calls, which `mapAsync` checks; what is not said is left to it. */
export function callOptions<O extends object, N extends keyof O>(options: O, ...names: N[]): Pick<O, N> {
  return Object.fromEntries(
    names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  ) as Pick<O, N>;
}

export function invalidOption(option: string, value: unknown): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', `${option} is ${describeValue(value)}`);
}
