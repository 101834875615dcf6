/**
 * Options of `mapAsync` and what is made with it, checked.
 */
import { MillraceError } from '../core/errors.js';
import { type Duration, durationMs } from '../core/time.js';
import type { AsyncSpec } from '../operators/async/async-operator.js';
import type { CallContext, RetrySpec } from '../operators/async/call.js';
import type { OnError } from './on-error.js';

export type { CallContext };

/** When a call that has failed is made again. */
export interface Retry {
  /** How often it is made in all, at most. */
  readonly attempts: number;
  /** Before the second attempt. */
  readonly delay: Duration;
  /** The pause before each later one is so many times as long. Default 1; 2 doubles it. */
  readonly factor?: number;
  /** No pause is longer. */
  readonly maxDelay?: Duration;
  /** Which failures are worth another attempt. Default: all. */
  readonly when?: (error: unknown) => unknown;
}

/** Options of `mapAsync`. */
export interface AsyncOptions<T, U> {
  /**
   * `'input'` (default): results in the order of their records. `'any'`: as they are ready, but never from one side of a
   * watermark to the other: a slow call holds up less.
   */
  readonly order?: 'input' | 'any';
  /** Calls under way in each subtask; default 100. */
  readonly capacity?: number;
  /** How long a record may take, with all of its attempts; after that it has failed with `MILL_ASYNC_TIMEOUT`. Default: for ever. */
  readonly timeout?: Duration;
  /** The result where a record has taken too long. */
  readonly onTimeout?: (record: T) => U;
  readonly retry?: Retry;
  readonly onError?: OnError<T>;
  /** The name that it has in older checkpoints, so that calls under way are found again. */
  readonly renamedFrom?: string;
}

/** Options of `mapAsync` on a keyed stream. */
export interface KeyedAsyncOptions<T, U> extends Omit<AsyncOptions<T, U>, 'order'> {}

/** How records are called for together. */
export interface Batched {
  /** Records of a call, at most; default 100. */
  readonly size?: number;
  /** How long the first of them waits for the others; default 10 ms. */
  readonly delay?: Duration;
}

/** Options of `batchAsync`. */
export interface BatchAsyncOptions<T, U> extends Omit<AsyncOptions<T, U>, 'capacity'> {
  readonly batch?: Batched;
  /** Calls under way in each subtask; default 10. */
  readonly capacity?: number;
}

const CAPACITY = 100;
const BATCH_CAPACITY = 10;
const BATCH_SIZE = 100;
const BATCH_DELAY_MS = 10;

/** Throws `MILL_OPTION_INVALID`. */
export function asyncSpec<T, U>(apply: AsyncSpec['apply'], options: AsyncOptions<T, U>): AsyncSpec {
  return { ...callsSpec(options), apply };
}

/** Throws `MILL_OPTION_INVALID`. */
export function batchAsyncSpec<T, U>(apply: AsyncSpec['apply'], options: BatchAsyncOptions<T, U>): AsyncSpec {
  return { ...batchCallsSpec(options), apply };
}

/** Of calls for several records; throws as the others do. */
export function batchCallsSpec<T, U>(options: BatchAsyncOptions<T, U>): Omit<AsyncSpec, 'apply'> {
  const { batch = {}, onTimeout, ...rest } = options;
  const { size = BATCH_SIZE, delay = BATCH_DELAY_MS } = batch;
  if (!Number.isSafeInteger(size) || size < 1) throw invalid('batch.size', size);
  const calls = callsSpec({ capacity: BATCH_CAPACITY, ...rest });
  const instead = onTimeout && ((records: readonly T[]) => records.map((record) => onTimeout(record)));
  const batching = { size, delayMs: durationMs(delay, 'batch.delay') };
  return { ...calls, onTimeout: instead as AsyncSpec['onTimeout'], batch: batching };
}

/** Throws `MILL_OPTION_INVALID`. */
export function callsSpec<T, U>(options: AsyncOptions<T, U>): Omit<AsyncSpec, 'apply'> {
  const { order = 'input', capacity = CAPACITY, timeout, retry, onTimeout } = options;
  if (order !== 'input' && order !== 'any') throw invalid('order', order);
  if (!Number.isSafeInteger(capacity) || capacity < 1) throw invalid('capacity', capacity);
  return {
    order,
    capacity,
    timeoutMs: timeout === undefined ? Number.POSITIVE_INFINITY : durationMs(timeout, 'timeout'),
    retry: retry && retrySpec(retry),
    onTimeout: onTimeout as AsyncSpec['onTimeout'],
  };
}

function retrySpec({ attempts, delay, factor = 1, maxDelay, when }: Retry): RetrySpec {
  if (!Number.isSafeInteger(attempts) || attempts < 1) throw invalid('retry.attempts', attempts);
  if (!Number.isFinite(factor) || factor < 1) throw invalid('retry.factor', factor);
  return {
    attempts,
    delayMs: durationMs(delay, 'retry.delay'),
    factor,
    maxDelayMs: maxDelay === undefined ? Number.POSITIVE_INFINITY : durationMs(maxDelay, 'retry.maxDelay'),
    when,
  };
}

function invalid(option: string, value: unknown): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', `${option} is ${JSON.stringify(value)}`);
}
