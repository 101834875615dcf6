/** `millrace replay`: executes an agent on recorded runs, and says what differs. */
import { writeFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { agentOf } from '../agents/agent-operator.js';
import { type Agent, type Calls, type RunRecord, replay, reportHtml, reportText } from '../agents/index.js';
import type { JobDefinition } from '../api/job.js';
import { MillraceError } from '../core/errors.js';
import { guarded } from './guarded.js';
import { loadJobModule } from './load-job-module.js';
import { addParam } from './parse-params.js';

interface ReplayFlags {
  readonly runs: string;
  readonly agent?: string;
  readonly with?: string;
  readonly calls: Calls;
  readonly from?: number;
  readonly to?: number;
  readonly failUnder?: number;
  readonly html?: string;
  readonly job?: string;
  readonly param?: Readonly<Record<string, unknown>>;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const CALLS: readonly Calls[] = ['recorded', 'live', 'recorded-then-live'];

const EXAMPLES = `
Examples:
  millrace replay job.ts --runs archive/runs
  millrace replay job.ts --runs archive/runs --with triageV2 --calls recorded-then-live --html report.html
  millrace replay job.ts --runs archive/runs --with triageV2 --fail-under 0.98     for CI

Nothing is done outside, whatever the tools: acts are only noted. With --calls recorded no request is made at all.`;

export function replayCommand(): Command {
  return new Command('replay')
    .summary('try an agent on recorded runs')
    .description("Executes an agent of a job, or a candidate, on the runs that its 'runs' were archived as.")
    .argument('<module>', 'the file that defines the job')
    .requiredOption('--runs <path>', 'a file or directory of recorded runs, NDJSON')
    .option('--agent <name>', 'which agent, where the job has several')
    .option('--with <export>', 'a candidate: an agent that the module exports by this name')
    .option('--calls <how>', 'recorded, live or recorded-then-live', callsOf, 'recorded' as Calls)
    .option('--from <time>', 'only runs whose input is not older, by its event time', timeOf)
    .option('--to <time>', 'only runs whose input is older, by its event time', timeOf)
    .option('--fail-under <rate>', 'exit with 1 if fewer runs than that are the same', rateOf)
    .option('--html <file>', 'write the report as a page')
    .option('-p, --param <key=value>', 'a parameter of the job, as JSON or text; repeatable', addParam)
    .option('--job <name>', 'which job, where the module has several')
    .option('--json', 'print the report, or the error, as one line of JSON')
    .option('--verbose', 'print the stack of an error')
    .addHelpText('after', EXAMPLES)
    .action(guarded(showReplay));
}

async function showReplay(module: string, flags: ReplayFlags): Promise<number> {
  const { url, job } = await loadJobModule(module, flags.job);
  const agents = agentsOf(job as JobDefinition<unknown, Record<string, unknown>>, flags.param);
  const [name, own] = chosen(agents, flags.agent, module);
  const agent = flags.with === undefined ? own : await exported(url, flags.with);
  const where = (run: RunRecord): boolean => run.operator === name && isWithin(run, flags);
  const report = await replay({ agent, runs: flags.runs, calls: flags.calls, where });
  if (flags.html !== undefined) await writeFile(flags.html, reportHtml(report));
  process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : reportText(report));
  return flags.failUnder !== undefined && report.agreement.rate < flags.failUnder ? 1 : 0;
}

/** By the names of their operators. */
function agentsOf(
  job: JobDefinition<unknown, Record<string, unknown>>,
  params: ReplayFlags['param'],
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

function isWithin({ timestamp }: RunRecord, { from, to }: ReplayFlags): boolean {
  if (from === undefined && to === undefined) return true;
  if (timestamp === null) return false;
  return timestamp >= (from ?? Number.NEGATIVE_INFINITY) && timestamp < (to ?? Number.POSITIVE_INFINITY);
}

function callsOf(text: string): Calls {
  const found = CALLS.find((each) => each === text);
  if (found) return found;
  throw new InvalidArgumentError(`Expected one of ${CALLS.join(', ')}.`);
}

function timeOf(text: string): number {
  const time = /^-?\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isFinite(time)) return time;
  throw new InvalidArgumentError('Expected a date such as 2030-01-31T12:00:00Z, or epoch milliseconds.');
}

function rateOf(text: string): number {
  const rate = Number(text);
  if (rate >= 0 && rate <= 1) return rate;
  throw new InvalidArgumentError('Expected a number from 0 to 1.');
}
