/**
 * One call of a user's asynchronous function, for a record or several: attempts, the pauses between them, and the time that all of them
 * together may take. All waiting is by timers of the host.
 *
 * Invariant: it settles once; after that, or after `cancel`, nothing that comes later counts.
 */
import { MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';

/** What the function gets beside the record. */
export interface CallContext {
  /** Aborted when the time is over, and when the job ends or fails. */
  readonly signal: AbortSignal;
  /** 1 for the first. */
  readonly attempt: number;
}

export interface CallSpec {
  readonly apply: (record: never, context: CallContext) => unknown;
  /** For all attempts together; Infinity: for ever. */
  readonly timeoutMs: number;
  readonly retry: RetrySpec | undefined;
  /** What comes out instead of a time-out. */
  readonly onTimeout: ((record: never) => unknown) | undefined;
}

export interface RetrySpec {
  /** In all. */
  readonly attempts: number;
  /** Before the second attempt; before each later one `factor` times as much, up to `maxDelayMs`. */
  readonly delayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  /** Whether a failure is worth another attempt. */
  readonly when: ((error: unknown) => unknown) | undefined;
}

export type Outcome = { readonly value: unknown } | { readonly error: unknown };

export class Call {
  readonly #spec: CallSpec;
  readonly #record: unknown;
  readonly #host: Host;
  readonly #settled: (outcome: Outcome) => void;
  /** Made when it is first asked for: it would be most of the cost of a call. */
  #controller: AbortController | undefined;
  #attempts = 0;
  #isOver = false;
  #isAborted = false;
  #cancelTimeout: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;

  constructor(spec: CallSpec, record: unknown, host: Host, settled: (outcome: Outcome) => void) {
    this.#spec = spec;
    this.#record = record;
    this.#host = host;
    this.#settled = settled;
  }

  start(): void {
    const { timeoutMs } = this.#spec;
    this.#attempt();
    if (!this.#isOver && timeoutMs < Number.POSITIVE_INFINITY)
      this.#cancelTimeout = this.#host.timer(timeoutMs, () => this.#timeOut());
  }

  cancel(): void {
    this.#end();
    this.#abort();
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    // A function may look at it only once nobody waits for it any more.
    if (this.#isAborted) this.#controller.abort();
    return this.#controller.signal;
  }

  #attempt(): void {
    this.#attempts += 1;
    try {
      const result = this.#spec.apply(this.#record as never, new Attempt(this, this.#attempts));
      if (!isThenable(result)) return this.#settle({ value: result });
      result.then(
        (value) => this.#settle({ value }),
        (error: unknown) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    const { retry } = this.#spec;
    if (!retry || this.#attempts >= retry.attempts || !this.#isWorthIt(retry, error)) return this.#settle({ error });
    const delay = Math.min(retry.maxDelayMs, retry.delayMs * retry.factor ** (this.#attempts - 1));
    this.#cancelRetry = this.#host.timer(delay, () => this.#attempt());
  }

  #isWorthIt({ when }: RetrySpec, error: unknown): boolean {
    try {
      return when === undefined || Boolean(when(error));
    } catch {
      // The failure itself says more.
      return false;
    }
  }

  #timeOut(): void {
    if (this.#isOver) return;
    const { onTimeout, timeoutMs } = this.#spec;
    this.#settle(this.#instead(onTimeout, timeoutMs));
    this.#abort();
  }

  #abort(): void {
    this.#isAborted = true;
    this.#controller?.abort();
  }

  #instead(onTimeout: CallSpec['onTimeout'], timeoutMs: number): Outcome {
    if (!onTimeout) {
      const text = `no answer in ${timeoutMs} ms, after ${this.#attempts} attempts`;
      return { error: new MillraceError('MILL_ASYNC_TIMEOUT', text) };
    }
    try {
      return { value: onTimeout(this.#record as never) };
    } catch (error) {
      return { error };
    }
  }

  #settle(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#end();
    this.#settled(outcome);
  }

  #end(): void {
    this.#isOver = true;
    this.#cancelTimeout?.();
    this.#cancelRetry?.();
  }
}

class Attempt implements CallContext {
  readonly attempt: number;
  readonly #call: Call;

  constructor(call: Call, attempt: number) {
    this.#call = call;
    this.attempt = attempt;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }
}

function isThenable(result: unknown): result is PromiseLike<unknown> {
  return typeof result === 'object' && result !== null && 'then' in result && typeof result.then === 'function';
}
