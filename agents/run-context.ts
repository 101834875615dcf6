/**
 * What an agent's function may use: everything outside of it goes through here, and is recorded.
 */
import { MillraceError } from '../core/errors.js';
import type { Host } from '../core/host.js';
import { type Duration, durationMs, TIME_MIN } from '../core/time.js';
import type { StateDescriptors } from '../state/descriptors.js';
import type { Handles } from '../state/handles.js';
import type { Act, Agent, Guard, Tools } from './agent.js';
import { boundHost } from './allowed-hosts.js';
import { type Memory, memoryOf } from './memory.js';
import type { ChatAnswer, ChatModel, ChatRequest } from './model/chat-model.js';
import type { ModelHealth } from './model-attempts.js';
import { callModel, Spending } from './model-calls.js';
import type { Run } from './run.js';
import type { Remembered } from './run-record.js';
import type { Tool } from './tool.js';
import { callTool, type Decision, decisionOf, type HumanRequest, REQUESTS } from './tool-calls.js';

/** How long to wait, and in which time. */
export interface WaitOptions {
  /** Default: for ever. */
  readonly timeout?: Duration;
  /** A point in time instead: epoch ms, or a date. */
  readonly until?: number | Date;
  /** `'event'` (default): from the input's timestamp and the watermark on. `'processing'`: by the clock. */
  readonly time?: 'event' | 'processing';
}

/** How long to wait for a person, and what counts then. */
export interface ApproveOptions extends WaitOptions {
  /** What counts as decided when the time is over; default: not approved. */
  readonly onTimeout?: 'approve' | 'deny';
}

/** An agent's tools as functions: what each takes and gives follows from its schema and its function. */
export type ToolCalls<T extends Tools> = {
  readonly [N in keyof T]: T[N] extends Tool<infer I, infer R> ? (input: I) => Promise<R> : never;
};

/** What a run has to do with its surroundings. */
export interface AgentContext<D extends StateDescriptors = StateDescriptors, T extends Tools = Tools> {
  readonly key: unknown;
  /** Event time of the input, epoch ms; undefined if it has none. */
  readonly timestamp: number | undefined;
  /** The run's identity: the same whenever it is executed. */
  readonly run: string;
  readonly state: Handles<D>;
  /** What is remembered of the key's runs before this one: see the agent's `memory`. */
  readonly memory: Memory;
  /** The last ones, as they were: what they were given, and replied, oldest first. */
  readonly recent: readonly Remembered[];
  /** Processing time, epoch ms; recorded. */
  now(): number;
  /** Random number in [0, 1); recorded. */
  random(): number;
  /** A call of the agent's model, or of the next one if it fails. */
  model(request: ChatRequest): Promise<ChatAnswer>;
  /** The agent's tools, each a function: `await ctx.tools.pay({ cents: 100 })`. One of `outbox` gives nothing. See `tool`. */
  readonly tools: ToolCalls<T>;
  /** A call of one of the agent's tools, by a name that is not known before. Throws what it throws; `MILL_TOOL_DENIED` if the guard does not allow it. */
  tool(name: string, input: unknown): Promise<unknown>;
  /** Whatever else it does outside: done once, then answered as it was. It may be done again after a crash. Plain data comes back. */
  step<T>(name: string, work: () => T | Promise<T>): Promise<T>;
  /** Puts a record out, beside the reply, at once. */
  emit(value: unknown): void;
  /** Waits; in event time by default. */
  sleep(duration: Duration, options?: Pick<WaitOptions, 'time'>): Promise<void>;
  /** The first event of this key, since the run began, for which `matches` holds; undefined when the time is over. */
  waitForEvent<T>(name: string, matches: (event: T) => boolean, options?: WaitOptions): Promise<T | undefined>;
  /** Asks a person: the request goes to `requests`, the answer comes by `decisions`. */
  approve(subject: unknown, options?: ApproveOptions): Promise<boolean>;
  /** Another agent's function, as part of this run: with that agent's model, tools and limits, and this key. */
  call<I, O>(agent: Agent<I, O>, input: I): Promise<O>;
}

/** The side output of `emit`. */
export const EMITTED = 'emitted';

export interface ContextOptions {
  readonly run: Run;
  readonly operator: string;
  readonly host: Host;
  readonly agent: Agent<never, unknown>;
  readonly health: ModelHealth;
  /** What other agents are before they are called: replays have their acts only noted. */
  readonly prepare?: (agent: Agent<never, unknown>) => Agent<never, unknown>;
}

export class RunContext implements AgentContext {
  readonly state: Handles<StateDescriptors>;
  memory: Memory;
  readonly #options: ContextOptions;
  readonly #spending: Spending;
  #tools: ToolCalls<Tools> | undefined;

  constructor(options: ContextOptions) {
    const { run, agent } = options;
    this.#options = { ...options, host: boundHost(options.host, agent.hosts) };
    this.#spending = new Spending(agent);
    this.state = run.state.bind(agent.state);
    this.memory = { summary: undefined, recent: run.recent };
  }

  /** The whole run. */
  async execute(input: unknown): Promise<unknown> {
    const { agent, run } = this.#options;
    if (agent.memory.summarise)
      this.memory = await memoryOf(agent.memory, run.recent, run.state, (models, request) =>
        this.#asked(models, request),
      );
    return agent.run(input as never, this);
  }

  get recent(): readonly Remembered[] {
    return this.memory.recent;
  }

  get key(): unknown {
    return this.#options.run.key;
  }

  get timestamp(): number | undefined {
    const { timestamp } = this.#options.run.row;
    return timestamp === TIME_MIN ? undefined : timestamp;
  }

  get run(): string {
    return this.#options.run.row.id;
  }

  now(): number {
    const { run, host } = this.#options;
    return run.askNow({ kind: 'clock', name: 'now', request: {} }, () => host.now()) as number;
  }

  random(): number {
    const { run, host } = this.#options;
    return run.askNow({ kind: 'random', name: 'random', request: {} }, () => host.random() / 2 ** 32) as number;
  }

  model(request: ChatRequest): Promise<ChatAnswer> {
    return this.#asked(this.#options.agent.models, request);
  }

  #asked(models: readonly ChatModel[], request: ChatRequest): Promise<ChatAnswer> {
    const { run, host, agent, health } = this.#options;
    const { hedge } = agent;
    return callModel({ run, host, health, models, hedge, spending: this.#spending }, request);
  }

  get tools(): ToolCalls<Tools> {
    const names = Object.keys(this.#options.agent.tools);
    this.#tools ??= Object.fromEntries(names.map((name) => [name, (input: unknown) => this.tool(name, input)]));
    return this.#tools;
  }

  async tool(name: string, input: unknown): Promise<unknown> {
    const { run, agent } = this.#options;
    const tool = toolOf(agent.tools, name);
    if (!agent.guard || tool.effect === 'read') return callTool(this.#options, { name, tool, input, step: run.take() });
    const [guard, approval, step] = [run.take(), run.take(), run.take()];
    await this.#guarded(agent.guard, { tool: name, input, key: run.key }, guard, approval);
    return callTool(this.#options, { name, tool, input, step });
  }

  step<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const { run } = this.#options;
    return run.ask(run.take(), { kind: 'step', name, request: {} }, work) as Promise<T>;
  }

  emit(value: unknown): void {
    this.#options.run.put(EMITTED, value);
  }

  async sleep(duration: Duration, { time = 'event' }: Pick<WaitOptions, 'time'> = {}): Promise<void> {
    const { run } = this.#options;
    const timeoutMs = durationMs(duration, 'sleep');
    await run.waitFor(
      run.take(),
      { kind: 'wait', name: 'sleep', request: { timeoutMs, time } },
      { from: undefined, matches: () => false, timeoutMs, time },
    );
  }

  async waitForEvent<T>(
    name: string,
    matches: (event: T) => boolean,
    options: WaitOptions = {},
  ): Promise<T | undefined> {
    const { time = 'event' } = options;
    const end = endOf(options);
    const { run } = this.#options;
    const outcome = await run.waitFor(
      run.take(),
      { kind: 'wait', name, request: { ...end, time } },
      { from: 'events', matches: matches as (value: unknown) => boolean, ...end, time },
    );
    if ('ended' in outcome)
      throw new MillraceError('MILL_AGENT_INPUT_ENDED', `the input has ended while a run waits for ${name}`);
    return 'value' in outcome ? (outcome.value as T) : undefined;
  }

  approve(subject: unknown, options: ApproveOptions = {}): Promise<boolean> {
    return this.#approved(this.#options.run.take(), subject, options);
  }

  async #approved(step: number, subject: unknown, options: ApproveOptions): Promise<boolean> {
    const { run, operator, host } = this.#options;
    const { time = 'event', onTimeout = 'deny' } = options;
    const wanted = { ...decisionOf(run, step), ...endOf(options), time };
    const request: HumanRequest = { run: run.row.id, step, operator, key: run.key, kind: 'approval', subject };
    run.put(REQUESTS, { ...request, at: host.now(), deadline: run.deadlineOf(step, wanted) }, request);
    const outcome = await run.waitFor(
      step,
      { kind: 'wait', name: 'approval', request: { subject, ...endOf(options), time, onTimeout } },
      wanted,
    );
    if ('ended' in outcome)
      throw new MillraceError('MILL_AGENT_INPUT_ENDED', 'the input has ended while a run waits for an approval');
    return 'value' in outcome ? (outcome.value as Decision).approved === true : onTimeout === 'approve';
  }

  call<I, O>(agent: Agent<I, O>, input: I): Promise<O> {
    const { prepare } = this.#options;
    const called = agent as Agent<never, unknown>;
    if (!prepare) checkOutbox(called.tools, this.#options.agent.tools);
    const context = new RunContext({ ...this.#options, agent: prepare ? prepare(called) : called });
    context.memory = this.memory;
    return agent.run(input, context);
  }

  async #guarded(guard: Guard, act: Act, step: number, approval: number): Promise<void> {
    const { tool, input } = act;
    const asked = { kind: 'guard', name: tool, request: { input } } as const;
    const verdict = await this.#options.run.ask(step, asked, () => guard(act));
    if (verdict === 'allow') return;
    if (verdict === 'approve' && (await this.#approved(approval, { tool, input }, {}))) return;
    throw new MillraceError('MILL_TOOL_DENIED', `the guard does not allow ${tool}`);
  }
}

/** Messages outlive the run: so whoever sends them must know their tools. Throws `MILL_OPTION_INVALID`. */
function checkOutbox(called: Tools, own: Tools): void {
  for (const [name, tool] of Object.entries(called))
    if (tool.effect === 'outbox' && own[name] !== tool)
      throw new MillraceError('MILL_OPTION_INVALID', `an agent that is called has the outbox tool ${name}`, {
        hint: 'Give the agent that calls it the same tool, by the same name.',
      });
}

/** Tools are an allow-list. Throws `MILL_TOOL_UNKNOWN`. */
export function toolOf(tools: Tools, name: string): Tool {
  if (Object.hasOwn(tools, name)) return tools[name] as Tool;
  throw new MillraceError('MILL_TOOL_UNKNOWN', `the agent has no tool ${JSON.stringify(name)}`);
}

/** Only what is said: what a wait asks for stays the same in older journals. */
function endOf({ timeout, until }: WaitOptions): { readonly timeoutMs: number | undefined; readonly untilMs?: number } {
  if (until === undefined) return { timeoutMs: timeout === undefined ? undefined : durationMs(timeout, 'timeout') };
  const untilMs = Number(until);
  if (timeout === undefined && Number.isFinite(untilMs)) return { timeoutMs: undefined, untilMs };
  const what = timeout === undefined ? `until is ${until}` : 'a wait has both timeout and until';
  throw new MillraceError('MILL_OPTION_INVALID', what);
}
