/**
 * What an agent measures of its runs, in one subtask. Steps that are answered from the journal or from state are not counted:
 * they were made before.
 */
import { gauge, type Meter, Meters } from '../../core/meter.js';
import type { Allowance, Spent } from '../allowance.js';
import type { ModelHealth } from '../model-attempts.js';
import type { Paid } from '../model-calls.js';
import type { Run } from '../run.js';
import type { StepRow } from '../run-row.js';
import { DURATION_BOUNDS, errorTypeOf, GEN_AI } from './gen-ai.js';

/** What is the case now. */
export interface AgentNow {
  readonly runs: Iterable<Run>;
  /** Runs that wait and are not in memory. */
  readonly asleep: number;
  readonly mailbox: number;
  readonly outbox: number;
  /** What this subtask may spend in each period, if that is bounded, and has spent in this one. */
  readonly budget: { readonly allowance: Allowance; readonly spent: Spent; readonly parts: number } | undefined;
  readonly health: ModelHealth;
}

const NOTHING = {};

export class AgentMeters {
  readonly #meters = new Meters();

  ended(result: NonNullable<Run['result']>, ms: number): void {
    const outcome =
      'value' in result ? { outcome: 'replied' } : { outcome: 'failed', [GEN_AI.errorType]: errorTypeOf(result.error) };
    this.#meters.count('millrace.agent.runs', '{run}', outcome);
    this.#meters.note('millrace.agent.run.duration', 's', NOTHING, ms / 1_000, DURATION_BOUNDS);
  }

  made({ kind, name, answer }: StepRow): void {
    const of = { kind, ...(kind === 'tool' && { [GEN_AI.tool]: name }) };
    const error = 'error' in answer ? { [GEN_AI.errorType]: errorTypeOf(answer.error) } : NOTHING;
    this.#meters.count('millrace.agent.steps', '{step}', { ...of, ...error });
    if (kind !== 'model' || 'error' in answer) return;
    const { by, usd } = answer.value as Paid;
    if (usd > 0) this.#meters.count('millrace.agent.cost', '{USD}', { [GEN_AI.requestModel]: by }, usd);
  }

  all(now: AgentNow): readonly Meter[] {
    return [...this.#meters.all, ...now.health.meters.all, ...gaugesOf(now)];
  }
}

function gaugesOf({ runs, asleep, mailbox, outbox, budget }: AgentNow): Meter[] {
  const open = { working: 0, waiting: asleep, in_doubt: 0 };
  for (const run of runs) open[run.isInDoubt ? 'in_doubt' : run.isWaiting ? 'waiting' : 'working'] += 1;
  return [
    ...Object.entries(open).map(([state, count]) => gauge('millrace.agent.runs.open', '{run}', { state }, count)),
    gauge('millrace.agent.mailbox', '{input}', NOTHING, mailbox),
    gauge('millrace.agent.outbox', '{message}', NOTHING, outbox),
    ...leftOf(budget),
  ];
}

function leftOf(budget: AgentNow['budget']): Meter[] {
  if (!budget) return [];
  const { allowance, spent, parts } = budget;
  const units = { calls: '{call}', tokens: '{token}', usd: '{USD}' } as const;
  return (['calls', 'tokens', 'usd'] as const)
    .filter((of) => allowance[of] < Number.POSITIVE_INFINITY)
    .map((of) => {
      const left = Math.max(0, allowance[of] / parts - spent[of]);
      return gauge('millrace.agent.budget.left', units[of], { of }, left);
    });
}
