/**
 * What an agent is: a function that runs for each input of a key, with a model, tools, state and memory at its side. The loop
 * that lets a model decide is one such function (loop.ts); `run` is one's own.
 */
import { MillraceError } from '../core/errors.js';
import type { InferOutput, StandardSchemaV1 } from '../core/schema.js';
import { type Duration, durationMs } from '../core/time.js';
import type { StateDescriptors } from '../state/descriptors.js';
import type { Allowance } from './allowance.js';
import { hostsOf } from './allowed-hosts.js';
import { type LoopOptions, loopOf } from './loop.js';
import { type MemoryOptions, type MemorySpec, memorySpec } from './memory.js';
import type { ChatModel } from './model/chat-model.js';
import type { Hedge } from './model-attempts.js';
import type { AgentContext } from './run-context.js';
import type { Tool } from './tool.js';

/** Tools by the names that models call them by. */
export type Tools = Readonly<Record<string, Tool>>;

/** What may be spent on models in each period. */
export interface PeriodBudget {
  /** Calls of models. */
  readonly calls?: number;
  /** Tokens, in and out. What is asked when some are left may go beyond. */
  readonly tokens?: number;
  /** Money, by `prices`. */
  readonly usd?: number;
  /** Periods begin at multiples of this since 1970, by the clock: `'1d'` is a day in UTC. */
  readonly per: Duration;
  /** What a run does when all is spent: wait for the next period (default), or fail with `MILL_AGENT_LIMIT`. */
  readonly whenSpent?: 'wait' | 'fail';
}

/** What bounds one run, which fails with `MILL_AGENT_LIMIT` when it goes beyond; and what all runs may spend over time. */
export interface Budget {
  /** Calls of models; default 16. */
  readonly steps?: number;
  /** Tokens, in and out, of all calls. */
  readonly tokens?: number;
  /** Money, by `prices`. */
  readonly usd?: number;
  /** Processing time from the beginning, waiting for events and people included. */
  readonly timeout?: Duration;
  /** All runs of a key together. A run that waits for its key's next period holds no other key up. */
  readonly perKey?: PeriodBudget;
  /** All runs together. Each subtask has an equal share. Runs that wait hold others up, and then the stream. */
  readonly perAgent?: PeriodBudget;
}

/** US dollars for a million tokens. */
export interface Price {
  readonly input: number;
  readonly output: number;
  /** Of input that the provider had cached; default: as `input`. */
  readonly cached?: number;
}

/** Before anything is done outside: whether it may be. */
export type Verdict = 'allow' | 'deny' | 'approve';

/** An act that a guard is asked about. */
export interface Act {
  readonly tool: string;
  readonly input: unknown;
  readonly key: unknown;
}

/** Throws what it throws: the act is then not made. */
export type Guard = (act: Act) => Verdict | Promise<Verdict>;

/** What every agent may say. */
export interface AgentBase<D extends StateDescriptors> {
  /** Names what it does now. A run ends with the version that it began with: see `previous`. */
  readonly version: string;
  /** The only tools that it has. */
  readonly tools?: Tools;
  /** What it keeps per key. Reads see it as of the beginning of the run; writes take effect when the run ends. */
  readonly state?: D;
  /** What runs are shown of those of their key before them; default: nothing. */
  readonly memory?: MemoryOptions;
  readonly budget?: Budget;
  /** By model id. */
  readonly prices?: Readonly<Record<string, Price>>;
  /**
   * Asks a model a second time when it has not answered for so long: the first answer counts, the other request is given up, and
   * what was asked twice is paid for twice. `'p95'`: for longer than 95 of its last 100 answers took, once there are 20.
   * Default: never.
   */
  readonly hedge?: Duration | 'p95';
  /** Asked before every act that changes something outside; `approve` asks a person. */
  readonly guard?: Guard;
  /** The only hosts that its models and tools may reach by their `fetch`: see `hosts` of tools. Default: any. */
  readonly hosts?: readonly string[];
}

/** An agent that lets a model decide. */
export interface ModelAgentOptions<I, S extends StandardSchemaV1, D extends StateDescriptors>
  extends AgentBase<D>,
    LoopOptions<I, S> {}

/** An agent that is a function of one's own. */
export interface CodeAgentOptions<I, O, D extends StateDescriptors, T extends Tools = Tools> extends AgentBase<D> {
  readonly tools?: T;
  /** The first that answers; used by `ctx.model`. */
  readonly model?: ChatModel | readonly ChatModel[];
  /**
   * The run. It is executed again from its beginning after a failure, and what it has asked of `ctx` is answered as it was:
   * so it must ask the same again, and reach for nothing outside but by `ctx`.
   */
  run(input: I, ctx: AgentContext<D, T>): Promise<O>;
}

/** An agent, for `keyed.agent`. */
export interface Agent<I, O> {
  readonly kind: 'agent';
  readonly version: string;
  readonly tools: Tools;
  readonly state: StateDescriptors;
  readonly memory: MemorySpec;
  readonly models: readonly ChatModel[];
  readonly budget: {
    readonly steps: number;
    readonly tokens: number;
    readonly usd: number;
    readonly timeoutMs: number;
    readonly perKey: Allowance | undefined;
    readonly perAgent: Allowance | undefined;
  };
  readonly prices: Readonly<Record<string, Price>>;
  readonly guard: Guard | undefined;
  readonly hedge: Hedge | undefined;
  readonly hosts: readonly string[] | undefined;
  /** One run. */
  run(input: I, ctx: AgentContext): Promise<O>;
}

const STEPS_MAX = 16;

/**
 * Declares an agent: a model with instructions, tools and the schema of its replies, or a function.
 *
 * Throws `MILL_OPTION_INVALID` for options that make no sense.
 *
 * @example
 * const triage = agent({
 *   version: '1',
 *   model: openAiCompatible({ model: 'gpt-5-mini', baseUrl: 'https://api.openai.com/v1', apiKey: secret('OPENAI_API_KEY') }),
 *   instructions: 'Decide how urgent the ticket is.',
 *   prompt: (ticket: Ticket) => ticket.text,
 *   output: z.object({ urgency: z.enum(['low', 'high']), why: z.string() }),
 *   tools: { customer },
 * })
 */
export function agent<I, S extends StandardSchemaV1, const D extends StateDescriptors = Record<never, never>>(
  options: ModelAgentOptions<I, S, D>,
): Agent<I, InferOutput<S>>;
export function agent<
  I,
  O,
  const D extends StateDescriptors = Record<never, never>,
  T extends Tools = Record<never, never>,
>(options: CodeAgentOptions<I, O, D, T>): Agent<I, O>;
export function agent(
  options:
    | ModelAgentOptions<never, StandardSchemaV1, StateDescriptors>
    | CodeAgentOptions<never, unknown, StateDescriptors>,
): Agent<never, unknown> {
  const { version, tools = {}, state = {}, memory, budget = {}, prices = {}, guard, hedge, model } = options;
  if (typeof version !== 'string' || version === '') throw invalid('an agent has no version');
  const models = (model === undefined ? [] : [model].flat()) as readonly ChatModel[];
  const run =
    'run' in options
      ? (input: never, ctx: AgentContext) => options.run(input, ctx as AgentContext<StateDescriptors>)
      : loopOf(options as LoopOptions<never, StandardSchemaV1>);
  return Object.freeze({
    kind: 'agent',
    version,
    tools,
    state,
    memory: memorySpec(memory, models),
    models,
    budget: budgetOf(budget),
    prices,
    guard,
    hedge: hedge === undefined || hedge === 'p95' ? hedge : { afterMs: durationMs(hedge, 'hedge') },
    hosts: hostsOf(options.hosts),
    run,
  });
}

function budgetOf(budget: Budget): Agent<never, unknown>['budget'] {
  const { steps = STEPS_MAX, tokens, usd, timeout, perKey, perAgent } = budget;
  if (!Number.isSafeInteger(steps) || steps < 1) throw invalid(`budget.steps is ${steps}`);
  return {
    steps,
    tokens: tokens ?? Number.POSITIVE_INFINITY,
    usd: usd ?? Number.POSITIVE_INFINITY,
    timeoutMs: timeout === undefined ? Number.POSITIVE_INFINITY : durationMs(timeout, 'budget.timeout'),
    perKey: perKey && allowanceOf(perKey, 'budget.perKey'),
    perAgent: perAgent && allowanceOf(perAgent, 'budget.perAgent'),
  };
}

function allowanceOf({ calls, tokens, usd, per, whenSpent = 'wait' }: PeriodBudget, name: string): Allowance {
  const bound = (amount: number | undefined, of: string): number => {
    if (amount === undefined) return Number.POSITIVE_INFINITY;
    if (amount > 0) return amount;
    throw invalid(`${name}.${of} is ${amount}`);
  };
  const perMs = durationMs(per, `${name}.per`);
  if (perMs <= 0) throw invalid(`${name}.per is ${per}`);
  return { calls: bound(calls, 'calls'), tokens: bound(tokens, 'tokens'), usd: bound(usd, 'usd'), perMs, whenSpent };
}

function invalid(text: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', text);
}
