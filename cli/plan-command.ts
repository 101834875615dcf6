/** `millrace plan`: shows how a job would run, without running it. */
import { Command } from 'commander';
import { explain } from '../api/explain.js';
import type { JobDefinition } from '../api/job.js';
import { guarded } from './guarded.js';
import { loadJobModule } from './load-job-module.js';
import { addParam } from './parse-params.js';

interface PlanFlags {
  readonly job?: string;
  readonly param?: Readonly<Record<string, unknown>>;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const EXAMPLES = `
Examples:
  millrace plan job.ts
  millrace plan job.ts --json | jq '.chains | length'

Operators of one chain hand records on directly. Each worker hosts one subtask of every chain.`;

export function planCommand(): Command {
  return new Command('plan')
    .summary('show how a job would run')
    .description('Shows the chains of a job and how records travel between them, without running anything.')
    .argument('<module>', 'the file that defines the job')
    .option('-p, --param <key=value>', 'a parameter of the job, as JSON or text; repeatable', addParam)
    .option('--job <name>', 'which job, where the module has several')
    .option('--json', 'print the plan, or the error, as one line of JSON')
    .option('--verbose', 'print the stack of an error')
    .addHelpText('after', EXAMPLES)
    .action(guarded(showPlan));
}

async function showPlan(module: string, flags: PlanFlags): Promise<number> {
  const { job } = await loadJobModule(module, flags.job);
  const plan = explain(job as JobDefinition<unknown, Record<string, unknown>>, flags.param);
  process.stdout.write(`${flags.json ? JSON.stringify(plan) : plan}\n`);
  return 0;
}
