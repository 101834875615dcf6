/**
 * How calls of models fail, and whether another try is worth it.
 */
import { MillraceError } from '../../core/errors.js';

/**
 * - `rateLimited`, `overloaded`: too many calls, by anybody
 * - `network`, `timeout`: no answer
 * - `malformed`: an answer that can't be read, or was cut off
 * - `rejected`: the request itself is at fault; `tooLong`: it is longer than the model takes
 * - `unauthorized`: the key is
 * - `aborted`: nobody waits for it any more
 */
export type ModelFailure =
  | 'rateLimited'
  | 'overloaded'
  | 'network'
  | 'timeout'
  | 'malformed'
  | 'rejected'
  | 'tooLong'
  | 'unauthorized'
  | 'aborted';

const PASSING: ReadonlySet<ModelFailure> = new Set(['rateLimited', 'overloaded', 'network', 'timeout', 'malformed']);

/** A failed call of a model: `MILL_MODEL_FAILED`. */
export class ModelError extends MillraceError {
  readonly failure: ModelFailure;
  /** Another try may succeed. */
  readonly retryable: boolean;
  /** The provider asks to be left alone for so long. */
  readonly retryAfterMs: number | undefined;
  /** Of the HTTP answer, if there was one. */
  readonly status: number | undefined;

  constructor(
    failure: ModelFailure,
    message: string,
    details: { readonly status?: number; readonly retryAfterMs?: number | undefined; readonly cause?: unknown } = {},
  ) {
    const { status, retryAfterMs, cause } = details;
    super('MILL_MODEL_FAILED', message, cause === undefined ? {} : { cause });
    this.failure = failure;
    this.retryable = PASSING.has(failure);
    this.retryAfterMs = retryAfterMs;
    this.status = status;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof MillraceError && 'failure' in value && value.code === 'MILL_MODEL_FAILED';
  }
}

/** Why a provider answered with a status other than 2xx; `text`: what it said. */
export function failureOfStatus(status: number, text: string): ModelFailure {
  if (status === 429) return 'rateLimited';
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 408) return 'timeout';
  if (status >= 500) return 'overloaded';
  if (status === 413 || /context.?length|too (long|many tokens|large)|maximum context/i.test(text)) return 'tooLong';
  return 'rejected';
}

/** Of a Retry-After header: seconds, or a date, which is compared with the answer's own. */
export function retryAfterOf(headers: Headers): number | undefined {
  const milliseconds = headers.get('retry-after-ms');
  if (milliseconds !== null && Number.isFinite(Number(milliseconds))) return Math.max(0, Number(milliseconds));
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const [until, now] = [Date.parse(value), Date.parse(headers.get('date') ?? '')];
  return Number.isFinite(until - now) ? Math.max(0, until - now) : undefined;
}
