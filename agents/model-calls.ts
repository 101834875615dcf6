/**
 * A run's calls of models: within its budget, and recorded.
 */
import { MillraceError } from '../core/errors.js';
import type { Host } from '../core/host.js';
import type { Agent } from './agent.js';
import type { ChatAnswer, ChatModel, ChatRequest } from './model/chat-model.js';
import { anyAnswer, type Given, type Hedge, type ModelHealth } from './model-attempts.js';
import type { Run } from './run.js';

const MILLION = 1e6;

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

  add(paid: Paid): void {
    const { tokens, usd } = spentOn(paid);
    this.#tokens += tokens;
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
  readonly hedge: Hedge | undefined;
}

/** An answer with the model that gave it, and what it has cost: what is kept of a call. */
export interface Paid extends Given {
  readonly usd: number;
}

/**
 * What a call has used up. Of a request that was given up for another nobody says what it has cost: what was asked counts, an
 * answer does not.
 */
export function spentOn({ answer: { usage }, usd, hedged }: Paid): { calls: number; tokens: number; usd: number } {
  const tokens = usage.inputTokens + usage.outputTokens;
  return { calls: hedged ? 2 : 1, tokens: hedged ? tokens + usage.inputTokens : tokens, usd };
}

/** The first model's answer, or that of the next where it fails. Rejects with the last one's failure. */
export async function callModel(calling: ModelCalling, request: ChatRequest): Promise<ChatAnswer> {
  const { run, models, spending, health, host } = calling;
  const [first] = models;
  if (!first) throw new MillraceError('MILL_OPTION_INVALID', 'the agent has no model');
  const step = run.take();
  spending.begin();
  const asked = { kind: 'model', name: first.id, request } as const;
  const paid = (await run.ask(step, asked, async (): Promise<Paid> => {
    await run.allowed();
    const given = await anyAnswer({ models, health, host, signal: run.signal, hedge: calling.hedge }, request);
    const { usage } = given.answer;
    const twice = given.hedged ? spending.costOf(given.by, { ...usage, outputTokens: 0 }) : 0;
    return { ...given, usd: spending.costOf(given.by, usage) + twice };
  })) as Paid;
  spending.add(paid);
  return paid.answer;
}

function limit(what: string): MillraceError {
  return new MillraceError('MILL_AGENT_LIMIT', `the run has used up its ${what}`);
}
