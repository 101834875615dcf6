/** `millrace run`: runs the job of a module to its end, showing how it gets on and what came of it. */
import { Command } from 'commander';
import type { JobDefinition } from '../api/job.js';
import type { JobHandle } from '../api/job-handle.js';
import { run } from '../api/run.js';
import { guarded } from './guarded.js';
import { INTERRUPTED_CODE, onInterrupt } from './interrupts.js';
import { loadJobModule } from './load-job-module.js';
import { addParam, parseCount } from './parse-params.js';
import { showProgress } from './progress.js';
import { printResults } from './results.js';
import { type Summary, summaryJson, summaryText } from './summary.js';

interface RunFlags {
  readonly workers?: number;
  readonly inline?: boolean;
  readonly fresh?: boolean;
  readonly job?: string;
  readonly param?: Readonly<Record<string, unknown>>;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const EXAMPLES = `
Examples:
  millrace run job.ts
  millrace run job.ts --workers 2 --param from=2013-01-01 --param limits='{"cents":500}'
  millrace run job.ts --inline --verbose
  millrace run job.ts --json | jq .

The module's default export is the job, or its only exported job, or the one that it runs at its top level.
Ctrl-C stops the job: what is under way reaches the sinks. Ctrl-C again ends it at once.
Exit codes: 0 finished, 1 failed, 130 interrupted.`;

export function runCommand(): Command {
  return new Command('run')
    .summary('run a job')
    .description('Runs the job of a module, JavaScript or TypeScript, to its end.')
    .argument('<module>', 'the file that defines the job')
    .option('-w, --workers <count>', 'worker threads (default: one per core)', parseCount)
    .option('--inline', 'run on the main thread, without workers')
    .option('-p, --param <key=value>', 'a parameter of the job, as JSON or text; repeatable', addParam)
    .option('--job <name>', 'which job, where the module has several')
    .option('--fresh', 'first remove what earlier runs of the job have written')
    .option('--json', 'print lines of JSON: progress, results, the summary or the error')
    .option('--verbose', 'print the stack of an error')
    .addHelpText('after', EXAMPLES)
    .action(guarded(runJob));
}

type AnyJob = JobDefinition<unknown, Record<string, unknown>>;

/** Resolves to the exit code. */
async function runJob(module: string, flags: RunFlags): Promise<number> {
  const { url, job } = await loadJobModule(module, flags.job);
  const plan = job.plan(flags.param);
  const startedAt = performance.now();
  const handle = start(url, job as AnyJob, flags);
  const interrupts = onInterrupt(() => stop(handle));
  const progress = showProgress(handle, flags.json ? process.stdout : process.stderr, flags.json);
  try {
    await printResults(handle, plan, flags.json ? 'json' : 'text', process.stdout);
    const { status, metrics } = await handle;
    progress.stop(metrics);
    conclude({ status, metrics, plan, seconds: (performance.now() - startedAt) / 1000 }, flags);
  } finally {
    progress.stop();
    interrupts.release();
  }
  return interrupts.interrupted ? INTERRUPTED_CODE : 0;
}

function start(url: string, job: AnyJob, flags: RunFlags): JobHandle<unknown> {
  return run({ url }, job, {
    ...(flags.workers !== undefined && { workers: flags.workers }),
    ...(flags.param && { params: flags.param }),
    inline: flags.inline ?? false,
    fresh: flags.fresh ?? false,
  });
}

function conclude(summary: Summary, flags: RunFlags): void {
  if (flags.json) process.stdout.write(`${summaryJson(summary)}\n`);
  else process.stderr.write(`${summaryText(summary)}\n`);
}

function stop(handle: JobHandle<unknown>): void {
  process.stderr.write('\nstopping; once more to end at once\n');
  // A failure on the way is reported by whoever awaits the job.
  handle.stop().catch(() => {});
}
