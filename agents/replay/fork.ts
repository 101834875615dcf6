/**
 * Forks a recorded run: as it was up to a step, and from there on another way.
 */
import { MillraceError } from '../../core/errors.js';
import type { Agent } from '../agent.js';
import { holdTools } from '../held-tools.js';
import type { RunRecord } from '../run-record.js';
import { compare, type RunComparison } from './comparison.js';
import { type Rerun, rerun } from './rerun.js';
import { hostFor } from './rerun-all.js';

/** What to fork, where, and who goes on. */
export interface ForkOptions<I, O> {
  readonly run: RunRecord;
  /** The first step that is asked anew. */
  readonly from: number;
  /** The agent that goes on: the run's own, or one with another prompt, model or tools. */
  readonly agent: Agent<I, O>;
}

/** The run as it has gone on: with how it differs, and the acts that it would have made. */
export interface Fork {
  readonly comparison: RunComparison;
  readonly run: RunRecord;
  readonly acts: Rerun['acts'];
}

/**
 * Executes a recorded run again: steps before `from` are answered as they were, as far as the same is asked; models, reading
 * tools and steps from there on are asked anew, live. Acts are only noted. Events, approvals and times are those that were.
 *
 * Throws `MILL_OPTION_INVALID` for a step that the run does not have.
 *
 * @example
 * const { comparison } = await fork({ run, from: 2, agent: triageV2 })
 * console.log(comparison.before.reply, comparison.after.reply)
 */
export async function fork<I, O>({ run, from, agent }: ForkOptions<I, O>): Promise<Fork> {
  if (!run.steps.some(({ step }) => step === from)) {
    const steps = run.steps.map(({ step }) => step).sort((a, b) => a - b);
    const text = `run ${run.id} has no step ${from}; it has ${steps.length === 0 ? 'none' : steps.join(', ')}`;
    throw new MillraceError('MILL_OPTION_INVALID', text);
  }
  const calls = 'recorded-then-live';
  const tried = agent as Agent<never, unknown>;
  const release = holdTools([tried]);
  try {
    const again = await rerun(tried, run, { calls, host: hostFor(calls), forkAt: from });
    return { comparison: compare(run, again), run: again.record, acts: again.acts };
  } finally {
    await release();
  }
}
