/**
 * A run's calls of models: within its budget, again after failures that pass, and by the next model where one is down.
 */
import { MillraceError } from '../core/errors.js';
import type { Host } from '../core/host.js';
import type { Agent } from './agent.js';
import type { ChatAnswer, ChatModel, ChatRequest } from './model/chat-model.js';
import type { Run } from './run.js';
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
const MILLION = 1e6;

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

/** What a run has used of its budget; the same whenever it is executed, since it follows from recorded answers. */
export class Spending {
  readonly #agent: Agent<never, unknown>;
  #calls = 0;
  #tokens = 0;
  #usd = 0;

  constructor(agent: Agent<never, unknown>) {
    this.#agent = agent;
  }

  /** Throws `MILL_AGENT_LIMIT` when nothing is left for another call. */
  begin(): void {
    const { steps, tokens, usd } = this.#agent.budget;
    if (this.#calls >= steps) throw limit(`${steps} calls of models`);
    if (this.#tokens >= tokens) throw limit(`${tokens} tokens`);
    if (this.#usd >= usd) throw limit(`${usd} US dollars`);
    this.#calls += 1;
  }

  add({ answer: { usage }, usd }: Given): void {
    this.#tokens += usage.inputTokens + usage.outputTokens;
    this.#usd += usd;
  }

  /** What an answer costs, in US dollars; 0: nobody knows. */
  costOf(modelId: string, { inputTokens, outputTokens, cachedTokens = 0 }: ChatAnswer['usage']): number {
    const price = this.#agent.prices[modelId];
    if (!price) return 0;
    const { input, output, cached = input } = price;
    return ((inputTokens - cachedTokens) * input + cachedTokens * cached + outputTokens * output) / MILLION;
  }
}

export interface ModelCalling {
  readonly run: Run;
  readonly host: Host;
  readonly health: ModelHealth;
  readonly models: readonly ChatModel[];
  readonly spending: Spending;
}

/** An answer with the model that gave it, and what it has cost: what is kept of a call. */
export interface Given {
  readonly by: string;
  readonly usd: number;
  readonly answer: ChatAnswer;
}

/** The first model's answer, or that of the next where it fails. Rejects with the last one's failure. */
export async function callModel(calling: ModelCalling, request: ChatRequest): Promise<ChatAnswer> {
  const { run, models, spending } = calling;
  const [first] = models;
  if (!first) throw new MillraceError('MILL_OPTION_INVALID', 'the agent has no model');
  const step = run.take();
  spending.begin();
  const asked = { kind: 'model', name: first.id, request } as const;
  const given = (await run.ask(step, asked, () => anyAnswer(calling, request))) as Given;
  spending.add(given);
  return given.answer;
}

async function anyAnswer(calling: ModelCalling, request: ChatRequest): Promise<Given> {
  const { run, models, health, host, spending } = calling;
  await run.allowed();
  const up = models.filter((model) => health.brokenUntil(model) <= host.elapsed());
  let failure: unknown;
  // If all are down, asking is the only way to learn that one is up again.
  for (const model of up.length > 0 ? up : models) {
    try {
      const answer = await answerOf(model, calling, request);
      return { by: model.id, usd: spending.costOf(model.id, answer.usage), answer };
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function answerOf(model: ChatModel, calling: ModelCalling, request: ChatRequest): Promise<ChatAnswer> {
  const { run, host, health } = calling;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await withTimeout(host, CALL_TIMEOUT_MS, run.signal, (signal) =>
        model.chat(request, { signal, fetch: (input, init) => host.fetch(input as string, init) }),
      );
      health.answered(model);
      return answer;
    } catch (error) {
      if (run.isOver || !isPassing(error)) throw error;
      health.failed(model, host.elapsed());
      if (attempt === ATTEMPTS) throw error;
      await pause(host, delayOf(error as Failure, attempt, host), run.signal);
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

function limit(what: string): MillraceError {
  return new MillraceError('MILL_AGENT_LIMIT', `the run has used up its ${what}`);
}
