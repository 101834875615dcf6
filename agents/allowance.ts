/**
 * What keys, and an agent as a whole, may spend on models in each period of the clock. What has been spent is state: it is
 * counted with the step that spent it, so that neither a failure nor other workers change it.
 *
 * A key's is a row of its state until the period is over. The agent's is shared out: each subtask has an equal part, and keeps
 * what it has spent of it in its snapshot; after rescaling, what was spent is dealt out again.
 */
import { MillraceError } from '../core/errors.js';
import type { OperatorContext } from '../operators/operator.js';
import type { ValueTable } from '../state/backend.js';
import { innerName } from '../state/inner-names.js';
import type { Agent } from './agent.js';
import { type Paid, spentOn } from './model-calls.js';
import type { Run } from './run.js';
import type { Answer } from './run-row.js';
import { pause } from './timeout.js';

/** A budget of so much for each period. Infinity: no bound. */
export interface Allowance {
  readonly calls: number;
  readonly tokens: number;
  readonly usd: number;
  readonly perMs: number;
  readonly whenSpent: 'wait' | 'fail';
}

/** What has been spent in a period, which is named by its beginning. */
export interface Spent {
  readonly period: number;
  readonly calls: number;
  readonly tokens: number;
  readonly usd: number;
}

const nothingIn = (period: number): Spent => ({ period, calls: 0, tokens: 0, usd: 0 });

export class Allowances {
  readonly #context: OperatorContext;
  readonly #ofKeys: ValueTable<Spent>;
  /** By this subtask. */
  #own: Spent = nothingIn(0);
  /** Calls that have begun and whose cost is not known yet: of all runs, and of each. */
  #begun = 0;
  readonly #begunBy = new Map<Run, number>();

  constructor(context: OperatorContext, restored: readonly Spent[]) {
    this.#context = context;
    this.#ofKeys = context.state.value<Spent>(innerName('agent', 'spent'));
    for (const spent of restored) {
      if (spent.period > this.#own.period) this.#own = spent;
      else if (spent.period === this.#own.period) this.#own = sumOf(this.#own, spent);
    }
  }

  /** Of this subtask, for its snapshot. */
  get spent(): Spent {
    return this.#own;
  }

  /** What this subtask may spend in each period, and has spent in this one; undefined: there is no bound. */
  ofAgent({ budget: { perAgent } }: Agent<never, unknown>) {
    const { parallelism: parts } = this.#context;
    return perAgent && { allowance: perAgent, spent: this.#ofAgent(perAgent), parts };
  }

  /** Resolves when there is room for a call: waits for the next period, or throws `MILL_AGENT_LIMIT`, where all is spent. */
  async begin(run: Run, { budget: { perKey, perAgent } }: Agent<never, unknown>): Promise<void> {
    // One's own is waited for first, and holds nobody else up: a key has one run at a time.
    while (perKey && isSpent(perKey, this.#ofKey(run.slot, perKey), this.#begunBy.get(run) ?? 0, 1))
      await run.rest(this.#nextPeriod(run, perKey, 'its key'));
    while (perAgent && isSpent(perAgent, this.#ofAgent(perAgent), this.#begun, this.#context.parallelism))
      await this.#nextPeriod(run, perAgent, 'the agent');
    this.#begunBy.set(run, (this.#begunBy.get(run) ?? 0) + 1);
    this.#begun += 1;
  }

  /** One of its calls is not under way any more. */
  answered(run: Run): void {
    this.#begunBy.set(run, (this.#begunBy.get(run) ?? 0) - 1);
    this.#begun -= 1;
  }

  /** Counts what a call has cost, now that its answer is kept. */
  add(run: Run, { budget: { perKey, perAgent } }: Agent<never, unknown>, paid: Paid | undefined): void {
    const cost = paid ? spentOn(paid) : { calls: 1, tokens: 0, usd: 0 };
    if (perAgent) this.#own = sumOf(this.#ofAgent(perAgent), cost);
    if (!perKey) return;
    const spent = sumOf(this.#ofKey(run.slot, perKey), cost);
    this.#ofKeys.set(run.slot, spent);
    this.#context.state.timers('processing').add(run.slot, spent.period + perKey.perMs);
  }

  /** Its calls that are still under way will not be counted. */
  ended(run: Run): void {
    this.#begun -= this.#begunBy.get(run) ?? 0;
    this.#begunBy.delete(run);
  }

  /** Forgets what a key has spent in a period that is over. */
  forget(slot: number, { budget: { perKey } }: Agent<never, unknown>): void {
    const spent = this.#ofKeys.get(slot);
    if (spent && (!perKey || spent.period < this.#periodOf(perKey))) this.#ofKeys.remove(slot);
  }

  #ofKey(slot: number, allowance: Allowance): Spent {
    return current(this.#ofKeys.get(slot), this.#periodOf(allowance));
  }

  #ofAgent(allowance: Allowance): Spent {
    return current(this.#own, this.#periodOf(allowance));
  }

  async #nextPeriod(run: Run, allowance: Allowance, whose: string): Promise<void> {
    if (allowance.whenSpent === 'fail') {
      const text = `what ${whose} may spend in ${allowance.perMs} ms is spent`;
      throw new MillraceError('MILL_AGENT_LIMIT', text, { operator: this.#context.uid, key: run.key });
    }
    const { host } = this.#context;
    await pause(host, this.#periodOf(allowance) + allowance.perMs - host.now(), run.signal);
  }

  #periodOf({ perMs }: Allowance): number {
    return Math.floor(this.#context.host.now() / perMs) * perMs;
  }
}

/** A call that was not made, since there was nothing to spend on it. */
export function isRefused(answer: Answer): boolean {
  return 'error' in answer && answer.error.code === 'MILL_AGENT_LIMIT';
}

function isSpent({ calls, tokens, usd }: Allowance, spent: Spent, begun: number, parts: number): boolean {
  return spent.calls + begun >= calls / parts || spent.tokens >= tokens / parts || spent.usd >= usd / parts;
}

function current(spent: Spent | undefined, period: number): Spent {
  return spent && spent.period >= period ? spent : nothingIn(period);
}

function sumOf(spent: Spent, { calls, tokens, usd }: Omit<Spent, 'period'>): Spent {
  return {
    period: spent.period,
    calls: spent.calls + calls,
    tokens: spent.tokens + tokens,
    usd: spent.usd + usd,
  };
}
