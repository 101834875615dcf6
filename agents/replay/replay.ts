/**
 * Replays recorded runs against an agent: the same one, to see that nothing changes, or a candidate, to see what does.
 */
import type { Agent } from '../agent.js';
import { compare, type RunComparison } from './comparison.js';
import { type ReplayReport, ReportBuilder } from './report.js';
import { type RerunSelection, rerunAll } from './rerun-all.js';

/** What to replay, against what, and how. */
export interface ReplayOptions<I, O> extends RerunSelection {
  /** The agent to be tried. */
  readonly agent: Agent<I, O>;
  /** Runs shown in the report; default 10. */
  readonly examples?: number;
  /** Told of each run, in the order in which they end. */
  readonly onRun?: (comparison: RunComparison) => void;
}

/**
 * Executes every recorded run again with `agent`, without touching anything outside that is not read, and says what differs.
 * Rejects only if runs can't be read: what an agent throws is part of the comparison.
 *
 * @example
 * const report = await replay({ agent: triageV2, runs: 'archive/runs' })
 * console.log(report.agreement.rate, report.fields)
 */
export async function replay<I, O>(options: ReplayOptions<I, O>): Promise<ReplayReport> {
  const report = new ReportBuilder(options.examples);
  await rerunAll(options.agent as Agent<never, unknown>, options, (recorded, again) => {
    const comparison = compare(recorded, again);
    report.add(comparison);
    options.onRun?.(comparison);
  });
  return report.build();
}
