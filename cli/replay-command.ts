/** `millrace replay`: executes an agent on recorded runs, and says what differs. */
import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import {
  type Calls,
  type JobReplay,
  type RunRecord,
  replay,
  replayJob,
  reportHtml,
  reportText,
} from '../agents/index.js';
import { guarded } from './guarded.js';
import {
  type AgentFlags,
  callsOf,
  isWithin,
  rateOf,
  type TimeFlags,
  timeOf,
  triedAgent,
  wholeJob,
} from './job-agents.js';
import { addParam } from './parse-params.js';

interface ReplayFlags extends AgentFlags, TimeFlags {
  readonly runs: string;
  readonly calls: Calls;
  readonly failUnder?: number;
  readonly html?: string;
  readonly whole?: boolean;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

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
    .option('--whole', 'replay the whole job on its input, all agents answered from the runs')
    .option('-p, --param <key=value>', 'a parameter of the job, as JSON or text; repeatable', addParam)
    .option('--job <name>', 'which job, where the module has several')
    .option('--json', 'print the report, or the error, as one line of JSON')
    .option('--verbose', 'print the stack of an error')
    .addHelpText('after', EXAMPLES)
    .action(guarded(showReplay));
}

async function showReplay(module: string, flags: ReplayFlags): Promise<number> {
  if (flags.whole) return showWhole(module, flags);
  const { operator, agent } = await triedAgent(module, flags);
  const where = (run: RunRecord): boolean => run.operator === operator && isWithin(run, flags);
  const report = await replay({ agent, runs: flags.runs, calls: flags.calls, where });
  if (flags.html !== undefined) await writeFile(flags.html, reportHtml(report));
  process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : reportText(report));
  return flags.failUnder !== undefined && report.agreement.rate < flags.failUnder ? 1 : 0;
}

async function showWhole(module: string, flags: ReplayFlags): Promise<number> {
  const { job, names, candidate } = await wholeJob(module, flags);
  const runs = Object.fromEntries(names.map((name) => [name, flags.runs]));
  const { calls, param: params = {} } = flags;
  const replayed = await replayJob(job, { runs, calls, params, agents: candidate });
  process.stdout.write(flags.json ? `${JSON.stringify(replayed)}\n` : wholeText(replayed));
  const rates = Object.values(replayed.agents).map(({ report }) => report.agreement.rate);
  return flags.failUnder !== undefined && rates.some((rate) => rate < (flags.failUnder as number)) ? 1 : 0;
}

function wholeText({ agents, sinks }: JobReplay): string {
  const ofAgents = Object.entries(agents).map(
    ([name, { report, unknown, left }]) =>
      `${name}: ${unknown} inputs without a recorded run, ${left} recorded runs without an input\n${reportText(report)}`,
  );
  const ofSinks = Object.entries(sinks).map(([name, count]) => `${name}  ${count} records\n`);
  return [...ofAgents, ...ofSinks].join('');
}
