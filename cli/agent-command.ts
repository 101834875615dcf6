/** `millrace agent`: recorded runs, one by one: which there are, what each has done, and how it might have gone on. */
import { Command, InvalidArgumentError } from 'commander';
import { fork, type RunRecord } from '../agents/index.js';
import { reportOf } from '../agents/replay/report.js';
import { reportText } from '../agents/replay/report-text.js';
import { readRuns } from '../agents/replay/run-archive.js';
import { MillraceError } from '../core/errors.js';
import { NodeStorage } from '../engine/host/node-storage.js';
import { columns } from './columns.js';
import { guarded } from './guarded.js';
import { type AgentFlags, triedAgent } from './job-agents.js';
import { addParam } from './parse-params.js';

interface Flags {
  readonly runs: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

interface ListFlags extends Flags {
  readonly key?: string;
  readonly failed?: boolean;
  readonly last: number;
}

interface ShowFlags extends Flags {
  readonly step?: number;
}

interface ForkFlags extends Flags, AgentFlags {
  readonly from: number;
}

const EXAMPLES = `
Examples:
  millrace agent list --runs archive/runs --failed
  millrace agent show 4f2a --runs archive/runs              its steps; a run is named by the beginning of its id
  millrace agent show 4f2a --runs archive/runs --step 2     what was asked and answered, whole
  millrace agent fork 4f2a job.ts --runs archive/runs --from 2 --with triageV2`;

const LAST = 50;

export function agentCommand(): Command {
  return new Command('agent')
    .summary('look into recorded runs of agents')
    .description("Shows runs that an agent's 'runs' were archived as, and executes one again from a step on.")
    .addCommand(
      common(new Command('list'))
        .summary('which runs there are')
        .option('--key <json>', 'only those of this key')
        .option('--failed', 'only those that have failed')
        .option('--last <count>', 'how many, from the end', countOf, LAST)
        .action(guarded(listRuns)),
    )
    .addCommand(
      common(new Command('show'))
        .summary('what a run was given, asked and replied')
        .argument('<run>', 'the beginning of its id')
        .option('--step <number>', 'one step, whole', countOf)
        .action(guarded(showRun)),
    )
    .addCommand(
      common(new Command('fork'))
        .summary('execute a run again, another way from a step on')
        .description(
          'Answers the steps before --from as they were; models and reading tools from there on are asked live. Acts are only noted.',
        )
        .argument('<run>', 'the beginning of its id')
        .argument('<module>', 'the file that defines the job')
        .requiredOption('--from <step>', 'the first step that is asked anew', countOf)
        .option('--agent <name>', 'which agent, where the job has several')
        .option('--with <export>', 'an agent that the module exports by this name goes on')
        .option('-p, --param <key=value>', 'a parameter of the job, as JSON or text; repeatable', addParam)
        .option('--job <name>', 'which job, where the module has several')
        .action(guarded(forkRun)),
    )
    .addHelpText('after', EXAMPLES);
}

function common(command: Command): Command {
  return command
    .requiredOption('--runs <path>', 'a file or directory of recorded runs, NDJSON')
    .option('--json', 'print JSON')
    .option('--verbose', 'print the stack of an error');
}

async function listRuns({ runs, key, failed, last, json }: ListFlags): Promise<number> {
  let shown: RunRecord[] = [];
  for await (const run of readRuns(new NodeStorage(), runs)) {
    if (key !== undefined && JSON.stringify(run.key) !== key && run.key !== key) continue;
    if (failed && run.outcome !== 'failed') continue;
    shown.push(run);
    if (shown.length > 2 * last) shown = shown.slice(-last);
  }
  shown = shown.slice(-last);
  if (json) process.stdout.write(shown.map((run) => `${JSON.stringify(run)}\n`).join(''));
  else if (shown.length === 0) process.stdout.write('no runs\n');
  else process.stdout.write(`${columns([LIST_HEAD, ...shown.map(rowOf)], [5, 6])}\n`);
  return 0;
}

const LIST_HEAD = ['run', 'agent', 'version', 'key', 'outcome', 'steps', 'ms', 'reply'];
const ID_CHARS = 12;
const TEXT_CHARS = 60;

function rowOf({ id, operator, version, key, outcome, steps, reply }: RunRecord): string[] {
  const ms = steps.reduce((sum, step) => sum + step.ms, 0);
  const texts = [id.slice(0, ID_CHARS), operator, version, short(key), outcome, String(steps.length), String(ms)];
  return [...texts, short(reply)];
}

async function showRun(id: string, { runs, step, json }: ShowFlags): Promise<number> {
  const run = await found(runs, id);
  if (step === undefined) process.stdout.write(json ? `${JSON.stringify(run)}\n` : timelineOf(run));
  else process.stdout.write(stepText(run, step, json === true));
  return 0;
}

/** Steps in order, each with what it was about and what came of it. */
function timelineOf(run: RunRecord): string {
  const { id, operator, version, key, number, input, timestamp, reads, recent, steps, outputs, outcome, reply } = run;
  const lines = [
    `run ${id}`,
    `agent ${operator}, version ${version}; run ${number} of ${JSON.stringify(key)}`,
    ...(timestamp === null ? [] : [`at ${new Date(timestamp).toISOString()}`]),
    `input ${JSON.stringify(input)}`,
    ...Object.entries(reads).map(([table, { content }]) => `read ${table}: ${short(content)}`),
    ...(recent.length > 0 ? [`remembered ${recent.length} runs`] : []),
    '',
  ];
  const rows = inOrder(run).map((each) => [
    String(each.step),
    each.kind,
    each.name,
    `${each.ms} ms`,
    short(askedOf(each)),
    `→ ${outcomeOf(each)}`,
  ]);
  if (rows.length > 0) lines.push(columns(rows, [0, 3]), '');
  lines.push(...outputs.map(({ to, value }) => `${to} ${short(value)}`));
  lines.push(outcome === 'failed' ? 'failed' : `replied ${JSON.stringify(reply)}`);
  if (steps.length === 0) lines.push('without a step');
  return `${lines.join('\n')}\n`;
}

function inOrder({ steps }: RunRecord): RunRecord['steps'][0][] {
  return [...steps].sort((a, b) => a.step - b.step);
}

type StepRecord = RunRecord['steps'][0];

/** Of a conversation, its last message. */
function askedOf({ kind, request }: StepRecord): unknown {
  if (kind !== 'model') return request;
  return (request as { messages: readonly { text: string }[] }).messages.at(-1)?.text;
}

/** An answer that is nothing is not there in JSON. */
function outcomeOf(step: StepRecord): string {
  const { answer } = step;
  return 'error' in answer ? `${answer.error.name}: ${answer.error.message}` : short(answeredOf(step, answer.value));
}

function answeredOf({ kind }: StepRecord, value: unknown): unknown {
  if (kind !== 'model') return value;
  const { text, calls } = (value as { answer: { text: string; calls: readonly { tool: string; input: unknown }[] } })
    .answer;
  return calls.length > 0 ? calls.map(({ tool, input }) => `${tool}(${JSON.stringify(input)})`).join(', ') : text;
}

function stepText(run: RunRecord, wanted: number, json: boolean): string {
  const step = run.steps.find((each) => each.step === wanted);
  if (!step) throw new MillraceError('MILL_OPTION_INVALID', `run ${run.id} has no step ${wanted}`);
  if (json) return `${JSON.stringify(step)}\n`;
  const { kind, name, request, answer, ms, at } = step;
  const head = `step ${wanted}: ${kind} ${name}, ${new Date(at).toISOString()}, ${ms} ms`;
  return `${head}\n\nasked\n${JSON.stringify(request, null, 2)}\n\nanswered\n${JSON.stringify(answer, null, 2)}\n`;
}

async function forkRun(id: string, module: string, flags: ForkFlags): Promise<number> {
  const run = await found(flags.runs, id);
  const { agent } = await triedAgent(module, { agent: run.operator, ...flags });
  const { comparison, run: forked, acts } = await fork({ run, from: flags.from, agent });
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ comparison, run: forked, acts })}\n`);
    return 0;
  }
  const noted = acts.map(({ tool, input }) => `would have called ${tool}(${JSON.stringify(input)})\n`).join('');
  process.stdout.write(`${timelineOf(forked)}\n${reportText(await reportOf([comparison]))}${noted}`);
  return 0;
}

async function found(path: string, id: string): Promise<RunRecord> {
  const matching: RunRecord[] = [];
  for await (const run of readRuns(new NodeStorage(), path)) if (run.id.startsWith(id)) matching.push(run);
  const [run] = matching;
  if (run && matching.every((each) => each.id === run.id)) return matching.at(-1) as RunRecord;
  const text = run ? `${matching.length} runs begin with ${id}` : `there is no run ${id} in ${path}`;
  throw new MillraceError('MILL_OPTION_INVALID', text, { hint: `See them all: millrace agent list --runs ${path}` });
}

function short(value: unknown): string {
  const text = (typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')).replaceAll('\n', ' ');
  return text.length <= TEXT_CHARS ? text : `${text.slice(0, TEXT_CHARS - 1)}…`;
}

function countOf(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number.');
}
