/**
 * Executes an agent on many recorded runs, some at a time, outside of any job.
 */
import { MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import { NodeHost } from '../../engine/host/node-host.js';
import { MainPool } from '../../engine/host/task-pool.js';
import type { Agent } from '../agent.js';
import { hostWithFetch } from '../allowed-hosts.js';
import { holdTools } from '../held-tools.js';
import { ModelHealth } from '../model-attempts.js';
import type { RunRecord } from '../run-record.js';
import { type Calls, type Rerun, rerun } from './rerun.js';
import { readRuns } from './run-archive.js';

/** Which runs to execute again, and who answers them. */
export interface RerunSelection {
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
}

const CONCURRENCY = 16;

/** Tells of each run once it has ended again. Rejects with what `tell` rejects with, and if runs can't be read. */
export async function rerunAll(
  agent: Agent<never, unknown>,
  { runs, where = () => true, calls = 'recorded', concurrency = CONCURRENCY }: RerunSelection,
  tell: (recorded: RunRecord, again: Rerun) => void | Promise<void>,
): Promise<void> {
  const host = hostFor(calls);
  const health = new ModelHealth();
  const underWay = new Set<Promise<void>>();
  const release = holdTools([agent]);
  try {
    for await (const recorded of typeof runs === 'string' ? readRuns(host.storage, runs) : runs) {
      if (!where(recorded)) continue;
      const one = rerun(agent, recorded, { calls, host, health }).then((again) => tell(recorded, again));
      const tracked = one.finally(() => underWay.delete(tracked));
      underWay.add(tracked);
      if (underWay.size >= concurrency) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  } finally {
    await release();
  }
}

/** Clock, timers and, where calls are live, the network of this process. */
export function hostFor(calls: Calls): Host {
  const host = new NodeHost(new MainPool(undefined));
  return calls === 'recorded' ? withoutNetwork(host) : host;
}

/** Recorded answers need none; whoever reaches for it is told so. */
export function withoutNetwork(host: Host): Host {
  const refuse = (): Promise<never> =>
    Promise.reject(new MillraceError('MILL_AGENT_DIVERGED', 'a replay from the record makes no requests'));
  return hostWithFetch(host, refuse);
}
