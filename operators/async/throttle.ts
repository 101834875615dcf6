/**
 * Lets so many records a second through, each after the one before: calls that do nothing but wait for their turn, with
 * what asynchronous calls have: waiting records are in checkpoints, and hold no barrier back.
 */
import type { Host } from '../../core/host.js';
import type { OperatorFactory } from '../operator.js';
import { AsyncOperator } from './async-operator.js';
import type { CallContext } from './call.js';

/** Turns nearer than that are taken at once: timers are no finer. */
const AT_ONCE_MS = 1;
/** Records that wait. */
const WAITING = 64;

/** `perSecond`: of all subtasks together. */
export function throttleFactory(perSecond: number): OperatorFactory {
  return (context, restored) => {
    const turns = new Turns(context.host, (1_000 * context.parallelism) / perSecond);
    const apply = (record: unknown, call: CallContext): unknown => turns.next(call)?.then(() => record) ?? record;
    const spec = { order: 'input', capacity: WAITING, retry: undefined, onTimeout: undefined } as const;
    return new AsyncOperator(
      { ...spec, timeoutMs: Number.POSITIVE_INFINITY, apply: apply as never },
      context,
      restored,
    );
  };
}

class Turns {
  readonly #host: Host;
  readonly #everyMs: number;
  /** When the last one was given. */
  #last = Number.NEGATIVE_INFINITY;

  constructor(host: Host, everyMs: number) {
    this.#host = host;
    this.#everyMs = everyMs;
  }

  /** Undefined: it is now. */
  next(call: CallContext): Promise<void> | undefined {
    const now = this.#host.elapsed();
    this.#last = Math.max(now, this.#last + this.#everyMs);
    const wait = this.#last - now;
    if (wait < AT_ONCE_MS) return undefined;
    return new Promise((resolve) => {
      const cancel = this.#host.timer(wait, resolve);
      call.signal.addEventListener('abort', cancel);
    });
  }
}
