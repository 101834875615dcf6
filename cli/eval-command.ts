/** `millrace eval`: what an agent's recorded runs are worth, and what those of a candidate are, by labels or by a judge. */
import { Command } from 'commander';
import {
  byLabels,
  type Calls,
  type EvaluationReport,
  evaluate,
  type Judge,
  type JudgedSide,
  type Label,
  type RunRecord,
} from '../agents/index.js';
import { readJsonLines } from '../agents/replay/json-lines.js';
import { rateText } from '../agents/replay/report-text.js';
import { MillraceError } from '../core/errors.js';
import { NodeStorage } from '../engine/host/node-storage.js';
import { guarded } from './guarded.js';
import { type AgentFlags, callsOf, isWithin, rateOf, type TimeFlags, timeOf, triedAgent } from './job-agents.js';
import { loadJobModule } from './load-job-module.js';
import { addParam } from './parse-params.js';

interface EvalFlags extends AgentFlags, TimeFlags {
  readonly runs: string;
  readonly labels?: string;
  readonly judge?: string;
  readonly calls: Calls;
  readonly failUnder?: number;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const EXAMPLES = `
Examples:
  millrace eval job.ts --runs archive/runs --labels labels.ndjson
  millrace eval job.ts --runs archive/runs --labels labels.ndjson --with triageV2 --calls recorded-then-live
  millrace eval job.ts --runs archive/runs --judge isPolite --with triageV2 --fail-under 0.95     for CI

Labels are lines of JSON: {"run": "4f2a…", "reply": {"urgent": true}}, with those fields of the reply that count.`;

export function evalCommand(): Command {
  return new Command('eval')
    .summary('judge an agent on recorded runs')
    .description('Has recorded runs, and the same runs of an agent executed again, judged by labels or by a function.')
    .argument('<module>', 'the file that defines the job')
    .requiredOption('--runs <path>', 'a file or directory of recorded runs, NDJSON')
    .option('--labels <path>', 'what would have been right, NDJSON')
    .option('--judge <export>', 'a function that the module exports: byModel({ … }), or your own')
    .option('--agent <name>', 'which agent, where the job has several')
    .option('--with <export>', 'a candidate: an agent that the module exports by this name')
    .option('--calls <how>', 'recorded, live or recorded-then-live', callsOf, 'recorded' as Calls)
    .option('--from <time>', 'only runs whose input is not older, by its event time', timeOf)
    .option('--to <time>', 'only runs whose input is older, by its event time', timeOf)
    .option('--fail-under <score>', 'exit with 1 if the mean score is lower', rateOf)
    .option('-p, --param <key=value>', 'a parameter of the job, as JSON or text; repeatable', addParam)
    .option('--job <name>', 'which job, where the module has several')
    .option('--json', 'print the report, or the error, as one line of JSON')
    .option('--verbose', 'print the stack of an error')
    .addHelpText('after', EXAMPLES)
    .action(guarded(showEvaluation));
}

async function showEvaluation(module: string, flags: EvalFlags): Promise<number> {
  const { operator, agent } = await triedAgent(module, flags);
  const judge = await judgeOf(module, flags);
  const where = (run: RunRecord): boolean => run.operator === operator && isWithin(run, flags);
  const report = await evaluate({ agent, runs: flags.runs, calls: flags.calls, where, judge });
  process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : textOf(report));
  return flags.failUnder !== undefined && report.score.after < flags.failUnder ? 1 : 0;
}

async function judgeOf(module: string, { labels, judge, job }: EvalFlags): Promise<Judge> {
  if ((labels === undefined) === (judge === undefined))
    throw new MillraceError('MILL_OPTION_INVALID', 'either --labels or --judge says what is right');
  if (labels !== undefined) return byLabels(await labelsOf(labels));
  const { url } = await loadJobModule(module, job);
  const found = ((await import(url)) as Record<string, unknown>)[judge as string];
  if (typeof found === 'function') return found as Judge;
  throw new MillraceError('MILL_OPTION_INVALID', `the module exports no function ${judge}`);
}

async function labelsOf(path: string): Promise<Label[]> {
  const labels: Label[] = [];
  for await (const { value, position } of readJsonLines(new NodeStorage(), path)) {
    const { run, reply } = (value ?? {}) as Partial<Label>;
    if (typeof run !== 'string')
      throw new MillraceError('MILL_FILE_UNREADABLE', `${position} is no label: it names no run`, { position });
    labels.push({ run, reply });
  }
  return labels;
}

function textOf({ runs, unjudged, right, score, better, worse, examples }: EvaluationReport): string {
  const lines = [
    `${runs} runs judged${unjudged > 0 ? `, ${unjudged} without a judgement` : ''}`,
    `right before: ${rateText(right.before)}`,
    `right now:    ${rateText(right.after)}`,
    `mean score: ${score.before.toFixed(3)} → ${score.after.toFixed(3)}; better: ${better}; worse: ${worse}`,
  ];
  for (const { id, key, before, after } of examples) {
    if (before.score === 1 && after.score === 1) continue;
    lines.push(
      '',
      `run ${id} of ${JSON.stringify(key)}`,
      `  before ${sideText(before)}`,
      `  now    ${sideText(after)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function sideText({ score, outcome, reply, note }: JudgedSide): string {
  const text = `${score.toFixed(2)}  ${outcome === 'failed' ? 'failed' : JSON.stringify(reply)}`;
  return note === undefined ? text : `${text}  (${note})`;
}
