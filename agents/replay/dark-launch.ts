/**
 * A candidate beside the agent in production: executed on each run that has ended there, with the state that it found, and
 * compared with it. It writes nothing outside and nothing to state, and production never waits for it.
 */
import { Stream } from '../../api/stream.js';
import { AsyncOperator, type AsyncSpec, NO_RESULT } from '../../operators/async/async-operator.js';
import type { OperatorContext, OperatorFactory } from '../../operators/operator.js';
import type { Agent } from '../agent.js';
import { holdTools } from '../held-tools.js';
import { ModelHealth } from '../model-attempts.js';
import type { RunRecord } from '../run-record.js';
import { compare, type RunComparison } from './comparison.js';
import { type Calls, rerun } from './rerun.js';

/** How a candidate runs beside production. */
export interface DarkLaunchOptions {
  /** As of `replay`; default `'recorded-then-live'`. */
  readonly calls?: Calls;
  /** Runs at a time, in each subtask; what comes while so many are under way is left out. Default 100. */
  readonly maxInFlight?: number;
}

const MAX_IN_FLIGHT = 100;
/** So that it is never the operator that makes production wait. */
const CAPACITY = 100_000;

/**
 * Compares a candidate with production, run by run, as they end: what comes out are comparisons.
 *
 * @example
 * const { replies, runs } = tickets.keyBy((t) => t.customer).agent('triage', triage)
 * darkLaunch(runs, 'triage-2', triageV2).filter((c) => !c.same).to('differences', fileSink('differences', ndjson()))
 */
export function darkLaunch<I, O>(
  runs: Stream<RunRecord<I>>,
  name: string,
  candidate: Agent<I, O>,
  { calls = 'recorded-then-live', maxInFlight = MAX_IN_FLIGHT }: DarkLaunchOptions = {},
): Stream<RunComparison> {
  const { graph, origins } = runs;
  const node = graph.operator({
    type: 'dark-launch',
    name,
    description: `version ${candidate.version}`,
    inputs: [{ origins, partition: { kind: 'forward' } }],
    factory: darkFactory(candidate as Agent<never, unknown>, calls, maxInFlight),
  });
  return new Stream<RunComparison>(graph, [{ node, side: undefined }]);
}

function darkFactory(candidate: Agent<never, unknown>, calls: Calls, maxInFlight: number): OperatorFactory {
  return (context, restored) => {
    const health = new ModelHealth();
    let underWay = 0;
    const compared = async (recorded: RunRecord): Promise<RunComparison | typeof NO_RESULT> => {
      if (underWay >= maxInFlight) return NO_RESULT;
      underWay += 1;
      try {
        return compare(recorded, await rerun(candidate, recorded, { calls, host: context.host, health }));
      } finally {
        underWay -= 1;
      }
    };
    const spec = { order: 'any', capacity: CAPACITY, timeoutMs: Number.POSITIVE_INFINITY, retry: undefined } as const;
    const calling = { ...spec, onTimeout: undefined, apply: compared as never };
    return new DarkLaunchOperator(candidate, calling, context, restored);
  };
}

class DarkLaunchOperator extends AsyncOperator {
  readonly #releaseTools: () => Promise<void>;

  constructor(
    candidate: Agent<never, unknown>,
    spec: AsyncSpec,
    context: OperatorContext,
    restored: readonly unknown[],
  ) {
    super(spec, context, restored);
    this.#releaseTools = holdTools([candidate]);
  }

  override close(): Promise<void> {
    super.close();
    return this.#releaseTools();
  }
}
