/** The agents of a job's module: those that it runs, and candidates that it exports. */

import { InvalidArgumentError } from 'commander';
import { agentOf } from '../agents/agent-operator.js';
import type { Agent, Calls, RunRecord } from '../agents/index.js';
import type { JobDefinition } from '../api/job.js';
import { MillraceError } from '../core/errors.js';
import { loadJobModule } from './load-job-module.js';

/** Which agent, of which job. */
export interface AgentFlags {
  readonly agent?: string;
  readonly with?: string;
  readonly job?: string;
  readonly param?: Readonly<Record<string, unknown>>;
}

/** The job's agent by its operator's name, and who is to be tried: itself, or the candidate of `--with`. */
export async function triedAgent(
  module: string,
  flags: AgentFlags,
): Promise<{ readonly operator: string; readonly agent: Agent<never, unknown> }> {
  const { url, job } = await loadJobModule(module, flags.job);
  const agents = agentsOf(job as JobDefinition<unknown, Record<string, unknown>>, flags.param);
  const [operator, own] = chosen(agents, flags.agent, module);
  return { operator, agent: flags.with === undefined ? own : await exported(url, flags.with) };
}

/** The job with the names of all its agents, and who takes the place of one. */
export async function wholeJob(module: string, flags: AgentFlags) {
  const { url, job } = await loadJobModule(module, flags.job);
  const definition = job as JobDefinition<unknown, Record<string, unknown>>;
  const agents = agentsOf(definition, flags.param);
  const names = [...agents.keys()];
  if (flags.with === undefined) return { job: definition, names, candidate: {} };
  const [name] = chosen(agents, flags.agent, module);
  return { job: definition, names, candidate: { [name]: await exported(url, flags.with) } };
}

function agentsOf(
  job: JobDefinition<unknown, Record<string, unknown>>,
  params: AgentFlags['param'],
): ReadonlyMap<string, Agent<never, unknown>> {
  return new Map(
    job.plan(params).nodes.flatMap((node) => {
      const agent = node.kind === 'operator' ? agentOf(node.factory) : undefined;
      return agent ? [[node.uid, agent] as const] : [];
    }),
  );
}

function chosen(
  agents: ReadonlyMap<string, Agent<never, unknown>>,
  wanted: string | undefined,
  module: string,
): readonly [string, Agent<never, unknown>] {
  const all = [...agents];
  const found = wanted === undefined ? (all.length === 1 ? all[0] : undefined) : all.find(([name]) => name === wanted);
  if (found) return found;
  const names = all.map(([name]) => name).join(', ');
  const text =
    wanted === undefined ? `the job of ${module} has ${all.length} agents` : `the job has no agent ${wanted}`;
  throw new MillraceError('MILL_OPTION_INVALID', names === '' ? text : `${text}: ${names}`, {
    hint: 'Say which with --agent <name>.',
  });
}

async function exported(url: string, name: string): Promise<Agent<never, unknown>> {
  const found = ((await import(url)) as Record<string, unknown>)[name] as Partial<Agent<never, unknown>> | undefined;
  if (found?.kind === 'agent') return found as Agent<never, unknown>;
  throw new MillraceError('MILL_OPTION_INVALID', `the module exports no agent ${name}`, {
    hint: 'Export it: export const triageV2 = agent({ … }).',
  });
}

/** Bounds of the inputs' event time, epoch ms. */
export interface TimeFlags {
  readonly from?: number;
  readonly to?: number;
}

export function isWithin({ timestamp }: RunRecord, { from, to }: TimeFlags): boolean {
  if (from === undefined && to === undefined) return true;
  if (timestamp === null) return false;
  return timestamp >= (from ?? Number.NEGATIVE_INFINITY) && timestamp < (to ?? Number.POSITIVE_INFINITY);
}

const CALLS: readonly Calls[] = ['recorded', 'live', 'recorded-then-live'];

export function callsOf(text: string): Calls {
  const found = CALLS.find((each) => each === text);
  if (found) return found;
  throw new InvalidArgumentError(`Expected one of ${CALLS.join(', ')}.`);
}

export function timeOf(text: string): number {
  const time = /^-?\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isFinite(time)) return time;
  throw new InvalidArgumentError('Expected a date such as 2030-01-31T12:00:00Z, or epoch milliseconds.');
}

export function rateOf(text: string): number {
  const rate = Number(text);
  if (rate >= 0 && rate <= 1) return rate;
  throw new InvalidArgumentError('Expected a number from 0 to 1.');
}
