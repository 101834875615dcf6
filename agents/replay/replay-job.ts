/**
 * Replays a whole job: its sources are read again and its operators work again, but agents are answered from the record, and what
 * would reach a sink is only counted and shown.
 */
import type { JobDefinition } from '../../api/job.js';
import { run } from '../../api/run.js';
import { callback } from '../../connectors/memory/callback-sink.js';
import { MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import type { LogicalNode, LogicalPlan, OperatorNode, SinkNode } from '../../engine/graph/nodes.js';
import type { Agent } from '../agent.js';
import { agentOf } from '../agent-operator.js';
import { compare } from './comparison.js';
import { replayedAgentFactory } from './replayed-agent.js';
import { type ReplayReport, ReportBuilder } from './report.js';
import type { Calls } from './rerun.js';
import { hostFor, type RerunSelection, withoutNetwork } from './rerun-all.js';
import { readRuns } from './run-archive.js';
import { RunBook } from './run-book.js';

/** What a whole job is replayed with. */
export interface JobReplayOptions<P> {
  /** The recorded runs of each agent, by its name in the job. */
  readonly runs: Readonly<Record<string, RerunSelection['runs']>>;
  /** Agents that take the place of the job's, by name. */
  readonly agents?: Readonly<Record<string, Agent<never, unknown>>>;
  /** As of `replay`. With `'recorded'`, the default, no operator gets to the network by its host, so `infer` fails. */
  readonly calls?: Calls;
  /** Of the job. */
  readonly params?: Partial<P>;
  /** Told of each record that would have reached a sink. */
  readonly onRecord?: (sink: string, record: unknown) => void | Promise<void>;
}

/** What a replayed job has come to. Plain data. */
export interface JobReplay {
  /** Of each agent, by name. */
  readonly agents: Readonly<
    Record<
      string,
      {
        /** Its runs beside the recorded ones. */
        readonly report: ReplayReport;
        /** Inputs that no recorded run had: what comes before the agent has changed. They have no reply. */
        readonly unknown: number;
        /** Some of these. */
        readonly examples: readonly unknown[];
        /** Recorded runs whose input has not come. */
        readonly left: number;
      }
    >
  >;
  /** How many records would have reached each sink. */
  readonly sinks: Readonly<Record<string, number>>;
}

/**
 * Runs a job on its input again, on this thread, with nothing done outside: agents are answered from their recorded runs, as
 * `replay` does it for one agent alone, and sinks get nothing. So a change of whatever comes before or behind an agent can be
 * tried on history, too. Runs are found by key and input.
 *
 * The sources must have an end; functions of the job that reach outside by themselves (`mapAsync`, lookups) still do.
 * Throws `MILL_OPTION_INVALID` for an agent without recorded runs, and what the job fails with.
 *
 * @example
 * const { agents, sinks } = await replayJob(orders, { runs: { triage: 'archive/runs' } })
 * console.log(agents.triage.report.agreement.rate, agents.triage.unknown, sinks.replies)
 */
export async function replayJob<R, P>(job: JobDefinition<R, P>, options: JobReplayOptions<P>): Promise<JobReplay> {
  const { params = {}, onRecord = () => {} } = options;
  const plan = job.plan(params);
  const agents = new Map<string, { book: RunBook; report: ReportBuilder }>();
  for (const { uid } of plan.nodes.filter(isAgent)) {
    const runs = options.runs[uid];
    if (runs === undefined)
      throw new MillraceError('MILL_OPTION_INVALID', `there are no recorded runs of agent ${uid}`);
    agents.set(uid, { book: await bookOf(runs, uid), report: new ReportBuilder() });
  }
  const sinks: Record<string, number> = {};
  const captured = (node: SinkNode): SinkNode => {
    sinks[node.uid] = 0;
    const sink = callback((record: unknown) => {
      sinks[node.uid] = (sinks[node.uid] ?? 0) + 1;
      return onRecord(node.uid, record);
    });
    return { ...node, sink };
  };
  const nodeOf = (node: LogicalNode): LogicalNode => {
    if (node.kind === 'sink') return captured(node);
    if (node.kind !== 'operator') return node;
    const replayed = agents.get(node.uid);
    return replayed ? agentNode(node, replayed, options) : withinBounds(node, options.calls);
  };
  const replayed: LogicalPlan = { ...plan, results: undefined, nodes: plan.nodes.map(nodeOf) };
  await run({ ...job, plan: () => replayed }, { state: false });
  const told = [...agents].map(([uid, { book, report }]) => {
    const { unknown, examples, left } = book;
    return [uid, { report: report.build(), unknown, examples, left }] as const;
  });
  return { agents: Object.fromEntries(told), sinks };
}

function isAgent(node: LogicalNode): boolean {
  return node.kind === 'operator' && agentOf(node.factory) !== undefined;
}

async function bookOf(runs: RerunSelection['runs'], operator: string): Promise<RunBook> {
  const book = new RunBook();
  const all = typeof runs === 'string' ? readRuns(hostFor('recorded').storage, runs) : runs;
  for await (const one of all) if (one.operator === operator) book.add(one);
  return book;
}

function agentNode<P>(
  node: OperatorNode,
  { book, report }: { readonly book: RunBook; readonly report: ReportBuilder },
  { calls = 'recorded', agents = {} }: JobReplayOptions<P>,
): OperatorNode {
  const agent = agents[node.uid] ?? (agentOf(node.factory) as Agent<never, unknown>);
  const told = (recorded: Parameters<typeof compare>[0], again: Parameters<typeof compare>[1]): void =>
    report.add(compare(recorded, again));
  return {
    ...node,
    factory: replayedAgentFactory({ agent, calls, book, told, hostOf: (host) => hostWith(calls, host) }),
  };
}

function hostWith(calls: Calls, host: Host): Host {
  return calls === 'recorded' ? withoutNetwork(host) : host;
}

/** Operators that are no agents get no further than agents do. */
function withinBounds(node: OperatorNode, calls: Calls = 'recorded'): OperatorNode {
  if (calls !== 'recorded') return node;
  // What a context gives may change, so it is not copied.
  const factory: OperatorNode['factory'] = (context, restored) =>
    node.factory(Object.create(context, { host: { value: withoutNetwork(context.host) } }), restored);
  return { ...node, factory };
}
