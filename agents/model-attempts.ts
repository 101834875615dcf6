/**
 * Asks models: again after failures that pass, when they say so by Retry-After, and the next model where one is down. All waiting
 * is by timers of the host. For runs of agents and for `infer`.
 */
import type { Host } from '../core/host.js';
import type { ChatAnswer, ChatModel, ChatRequest } from './model/chat-model.js';
import { pause, withTimeout } from './timeout.js';

/** What is known of a failure that a model has met: see `ModelError`. */
interface Failure {
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
}

const ATTEMPTS = 5;
const DELAY_MS = 500;
const DELAY_MS_MAX = 30_000;
const CALL_TIMEOUT_MS = 120_000;
/** Failures in a row after which a model is left alone for a while. */
const BREAKS_AT = 5;
const BROKEN_MS = 30_000;

/** Which models of a worker are down: a circuit breaker for each. */
export class ModelHealth {
  readonly #failures = new Map<string, { count: number; since: number }>();

  /** Until then, by the monotonic clock, it is not worth a call. */
  brokenUntil(model: ChatModel): number {
    const failures = this.#failures.get(model.id);
    return failures && failures.count >= BREAKS_AT ? failures.since + BROKEN_MS : 0;
  }

  failed(model: ChatModel, now: number): void {
    const count = (this.#failures.get(model.id)?.count ?? 0) + 1;
    this.#failures.set(model.id, { count, since: now });
  }

  answered(model: ChatModel): void {
    this.#failures.delete(model.id);
  }
}

/** Whom to ask, and with what of the outside. */
export interface Asking {
  /** The first that answers. */
  readonly models: readonly ChatModel[];
  readonly health: ModelHealth;
  readonly host: Host;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** Of each model; default 5. */
  readonly attempts?: number | undefined;
}

/** The answer with the model that gave it. */
export interface Given {
  readonly by: string;
  readonly answer: ChatAnswer;
}

/** The first model's answer, or that of the next where it fails. Rejects with the last one's failure. */
export async function anyAnswer(asking: Asking, request: ChatRequest): Promise<Given> {
  const { models, health, host } = asking;
  const up = models.filter((model) => health.brokenUntil(model) <= host.elapsed());
  let failure: unknown;
  // If all are down, asking is the only way to learn that one is up again.
  for (const model of up.length > 0 ? up : models) {
    try {
      return { by: model.id, answer: await answerOf(model, asking, request) };
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function answerOf(model: ChatModel, asking: Asking, request: ChatRequest): Promise<ChatAnswer> {
  const { host, health, signal: parent, attempts = ATTEMPTS } = asking;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await withTimeout(host, CALL_TIMEOUT_MS, parent, (signal) =>
        model.chat(request, { signal, fetch: (input, init) => host.fetch(input as string, init) }),
      );
      health.answered(model);
      return answer;
    } catch (error) {
      if (parent.aborted || !isPassing(error)) throw error;
      health.failed(model, host.elapsed());
      if (attempt >= attempts) throw error;
      await pause(host, delayOf(error as Failure, attempt, host), parent);
    }
  }
}

function isPassing(error: unknown): boolean {
  const { retryable, code } = (error ?? {}) as Failure & { code?: unknown };
  return retryable === true || code === 'MILL_ASYNC_TIMEOUT';
}

/** What the provider asks for, or twice as long each time; jittered, so that those who failed together do not come back together. */
function delayOf({ retryAfterMs }: Failure, attempt: number, host: Host): number {
  const jitter = 0.5 + host.random() / 2 ** 33;
  if (retryAfterMs !== undefined) return retryAfterMs * (0.9 + jitter / 5);
  return Math.min(DELAY_MS_MAX, DELAY_MS * 2 ** (attempt - 1)) * jitter;
}
