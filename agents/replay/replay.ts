/**
 * Replays recorded runs against an agent: the same one, to see that nothing changes, or a candidate, to see what does.
 */
import { MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import { NodeHost } from '../../engine/host/node-host.js';
import { MainPool } from '../../engine/host/task-pool.js';
import type { Agent } from '../agent.js';
import { holdTools } from '../held-tools.js';
import { ModelHealth } from '../model-attempts.js';
import type { RunRecord } from '../run-record.js';
import { compare, type RunComparison } from './comparison.js';
import { type ReplayReport, ReportBuilder } from './report.js';
import { type Calls, rerun } from './rerun.js';
import { readRuns } from './run-archive.js';

/** What to replay, against what, and how. */
export interface ReplayOptions<I, O> {
  /** The agent to be tried. */
  readonly agent: Agent<I, O>;
  /** Runs, or a file or directory of NDJSON that the `runs` of an agent went to. */
  readonly runs: string | Iterable<RunRecord> | AsyncIterable<RunRecord>;
  /** Only runs for which this holds. */
  readonly where?: (run: RunRecord) => boolean;
  /**
   * Who answers. `'recorded'` (default): the record alone, without a single call; `'live'`: models and reading tools
   * themselves; `'recorded-then-live'`: these where the record has no answer. What changes something outside is never done.
   */
  readonly calls?: Calls;
  /** Runs at a time; default 16. */
  readonly concurrency?: number;
  /** Runs shown in the report; default 10. */
  readonly examples?: number;
  /** Told of each run, in the order in which they end. */
  readonly onRun?: (comparison: RunComparison) => void;
}

const CONCURRENCY = 16;

/**
 * Executes every recorded run again with `agent`, without touching anything outside that is not read, and says what differs.
 * Rejects only if runs can't be read: what an agent throws is part of the comparison.
 *
 * @example
 * const report = await replay({ agent: triageV2, runs: 'archive/runs' })
 * console.log(report.agreement.rate, report.fields)
 */
export async function replay<I, O>(options: ReplayOptions<I, O>): Promise<ReplayReport> {
  const { agent, calls = 'recorded', where = () => true, concurrency = CONCURRENCY, onRun } = options;
  const node = new NodeHost(new MainPool(undefined));
  const host = calls === 'recorded' ? withoutNetwork(node) : node;
  const runs = typeof options.runs === 'string' ? readRuns(node.storage, options.runs) : options.runs;
  const health = new ModelHealth();
  const report = new ReportBuilder(options.examples);
  const underWay = new Set<Promise<void>>();
  const release = holdTools([agent as Agent<never, unknown>]);
  try {
    for await (const recorded of runs) {
      if (!where(recorded)) continue;
      const one = rerun(agent as Agent<never, unknown>, recorded, { calls, host, health }).then((done) => {
        const comparison = compare(recorded, done);
        report.add(comparison);
        onRun?.(comparison);
      });
      const tracked = one.finally(() => underWay.delete(tracked));
      underWay.add(tracked);
      if (underWay.size >= concurrency) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  } finally {
    await release();
  }
  return report.build();
}

/** Recorded answers need none; whoever reaches for it is told so. */
function withoutNetwork(host: Host): Host {
  const refuse = (): Promise<never> =>
    Promise.reject(new MillraceError('MILL_AGENT_DIVERGED', 'a replay from the record makes no requests'));
  return { ...hostMembers(host), fetch: refuse };
}

function hostMembers(host: Host): Host {
  return {
    now: () => host.now(),
    elapsed: () => host.elapsed(),
    random: () => host.random(),
    timer: (delayMs, fire) => host.timer(delayMs, fire),
    fetch: (input, init) => host.fetch(input, init),
    print: (text) => host.print(text),
    storage: host.storage,
    pool: host.pool,
  };
}
