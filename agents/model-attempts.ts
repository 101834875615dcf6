/**
 * Asks models: again after failures that pass, when they say so by Retry-After, and the next model where one is down. All waiting
 * is by timers of the host. For runs of agents and for `infer`.
 */
import type { Host } from '../core/host.js';
import type { ChatAnswer, ChatModel, ChatRequest, ModelCall } from './model/chat-model.js';
import { ModelMeters } from './telemetry/model-meters.js';
import { abortController, pause, withTimeout } from './timeout.js';

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

/** How many answers tell how long one takes. */
const DURATIONS_MAX = 100;
const DURATIONS_MIN = 20;

/** When a second request is made beside the first. */
export type Hedge = 'p95' | { readonly afterMs: number };

const LATE = Symbol('late');

/** Any model. */
interface NamedModel {
  readonly id: string;
}

/** Which models of a worker are down, a circuit breaker for each, and which ask to be left alone. */
export class ModelHealth {
  readonly meters: ModelMeters;
  /** Of the last answers of each model, ms. */
  readonly #durations = new Map<string, number[]>();
  readonly #failures = new Map<string, { count: number; since: number }>();
  readonly #rests = new Map<string, number>();

  /** For so long its provider has asked to be left alone, whoever has been told so. */
  restMs(model: NamedModel, now: number): number {
    return Math.max(0, (this.#rests.get(model.id) ?? 0) - now);
  }

  constructor(operation: 'chat' | 'embeddings' = 'chat') {
    this.meters = new ModelMeters(operation);
  }

  /** Until then, by the monotonic clock, it is not worth a call. */
  brokenUntil(model: NamedModel): number {
    const failures = this.#failures.get(model.id);
    return failures && failures.count >= BREAKS_AT ? failures.since + BROKEN_MS : 0;
  }

  failed(model: NamedModel, now: number, { retryAfterMs = 0 }: Failure): void {
    if (retryAfterMs > 0) this.#rests.set(model.id, Math.max(this.#rests.get(model.id) ?? 0, now + retryAfterMs));
    const count = (this.#failures.get(model.id)?.count ?? 0) + 1;
    this.#failures.set(model.id, { count, since: now });
  }

  answered(model: NamedModel, ms: number): void {
    this.#failures.delete(model.id);
    const durations = this.#durations.get(model.id) ?? [];
    this.#durations.set(model.id, [...durations, ms].slice(-DURATIONS_MAX));
  }

  /** How long a model is waited for before it is asked again beside; undefined: as long as it takes. */
  patienceMs(model: NamedModel, hedge: Hedge | undefined): number | undefined {
    if (hedge !== 'p95') return hedge?.afterMs;
    const durations = [...(this.#durations.get(model.id) ?? [])].sort((a, b) => a - b);
    return durations.length < DURATIONS_MIN ? undefined : durations[Math.floor(durations.length * 0.95)];
  }
}

/** Whom to ask, and with what of the outside. */
export interface Asking<M extends NamedModel = ChatModel> {
  /** The first that answers. */
  readonly models: readonly M[];
  readonly health: ModelHealth;
  readonly host: Host;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** Of each model; default 5. */
  readonly attempts?: number | undefined;
  /** Default: never. */
  readonly hedge?: Hedge | undefined;
}

/** The answer with the model that gave it. */
export interface Given<A = ChatAnswer> {
  readonly by: string;
  readonly answer: A;
  /** It was asked a second time, and one of the two was given up. */
  readonly hedged?: true;
}

/** An answer that says what it has cost. */
interface Measured {
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number };
}

/** The first model's answer, or that of the next where it fails. Rejects with the last one's failure. */
export function anyAnswer(asking: Asking, request: ChatRequest): Promise<Given> {
  return firstAnswer(asking, (model, call) => model.chat(request, call));
}

/** Likewise, of any kind of model. */
export async function firstAnswer<M extends NamedModel, A extends Measured>(
  asking: Asking<M>,
  ask: (model: M, call: ModelCall) => Promise<A>,
): Promise<Given<A>> {
  const { models, health, host } = asking;
  const up = models.filter((model) => health.brokenUntil(model) <= host.elapsed());
  let failure: unknown;
  // If all are down, asking is the only way to learn that one is up again.
  for (const model of up.length > 0 ? up : models) {
    try {
      return { by: model.id, ...(await answerOf(model, asking, ask)) };
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function answerOf<M extends NamedModel, A extends Measured>(
  model: M,
  asking: Asking<M>,
  ask: (model: M, call: ModelCall) => Promise<A>,
): Promise<Omit<Given<A>, 'by'>> {
  const { host, health, signal: parent, attempts = ATTEMPTS } = asking;
  const once = (signal: AbortSignal): Promise<A> =>
    withTimeout(host, CALL_TIMEOUT_MS, signal, (own) =>
      ask(model, { signal: own, fetch: (input, init) => host.fetch(input as string, init) }),
    );
  for (let attempt = 1; ; attempt += 1) {
    // Who comes back first may be told to wait longer, and all others with it.
    for (let rest = 0; (rest = health.restMs(model, host.elapsed())) > 0; )
      await pause(host, jittered(rest, host), parent);
    const from = host.elapsed();
    try {
      const patienceMs = health.patienceMs(model, asking.hedge);
      const given =
        patienceMs === undefined ? { answer: await once(parent) } : await firstOfTwo(once, asking, patienceMs);
      const ms = host.elapsed() - from;
      health.answered(model, ms);
      health.meters.answered(model.id, ms, given.answer.usage);
      if (given.hedged) health.meters.hedged(model.id);
      return given;
    } catch (error) {
      health.meters.failed(model.id, host.elapsed() - from, error);
      if (parent.aborted || !isPassing(error)) throw error;
      health.failed(model, host.elapsed(), error as Failure);
      if (attempt >= attempts) throw error;
      health.meters.retried(model.id);
      // What its provider asks for is seen to above.
      if (!(error as Failure).retryAfterMs) await pause(host, delayOf(attempt, host), parent);
    }
  }
}

/** Of a second request beside the first, if that takes long, the answer that comes first; the other one is given up. */
async function firstOfTwo<A>(
  once: (signal: AbortSignal) => Promise<A>,
  { host, signal: parent }: Pick<Asking, 'host' | 'signal'>,
  patienceMs: number,
): Promise<{ readonly answer: A; readonly hedged?: true }> {
  const over = abortController();
  const { signal } = over;
  const abort = (): void => over.abort(parent.reason);
  parent.addEventListener('abort', abort, { once: true });
  if (parent.aborted) abort();
  try {
    const first = once(signal);
    const late = pause(host, patienceMs, signal).then(() => LATE);
    const soon = await Promise.race([first, late]);
    if (soon !== LATE) return { answer: soon as A };
    return { answer: await Promise.any([first, once(signal)]), hedged: true };
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  } finally {
    parent.removeEventListener('abort', abort);
    over.abort();
  }
}

function isPassing(error: unknown): boolean {
  const { retryable, code } = (error ?? {}) as Failure & { code?: unknown };
  return retryable === true || code === 'MILL_ASYNC_TIMEOUT';
}

/** Twice as long each time, half of it or more by chance. */
function delayOf(attempt: number, host: Host): number {
  return Math.min(DELAY_MS_MAX, DELAY_MS * 2 ** (attempt - 1)) * (0.5 + host.random() / 2 ** 33);
}

/** So that those who wait together do not come back together. */
function jittered(ms: number, host: Host): number {
  return ms * (1 + host.random() / 2 ** 32 / 10);
}
