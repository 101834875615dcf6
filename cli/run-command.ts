/** `millrace run`: runs the job of a module to its end, showing how it gets on and what came of it. */
import { Command } from 'commander';
import type { JobDefinition } from '../api/job.js';
import type { JobHandle } from '../api/job-handle.js';
import { run, stateDirectoryOf } from '../api/run.js';
import type { Duration } from '../core/time.js';
import type { LogicalPlan } from '../engine/graph/nodes.js';
import { NodeHost } from '../engine/host/node-host.js';
import { MainPool } from '../engine/host/task-pool.js';
import { confirmFresh, terminal } from './confirm-fresh.js';
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
  readonly yes?: boolean;
  /** False: `--no-state`. */
  readonly state?: string | false;
  readonly checkpointEvery?: string;
  readonly backend?: string;
  readonly stateMemoryMb?: number;
  readonly from?: string;
  readonly withdraw?: boolean;
  readonly allowDroppedState?: boolean;
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
  millrace run job.ts --fresh --yes
  millrace run job.ts --from savepoints/monday --withdraw
  millrace run job.ts --json | jq .

The module's default export is the job, or its only exported job, or the one that it runs at its top level.
Checkpoints are kept in .millrace/<job>. The next run goes on from the newest; a job that has finished is finished.
Ctrl-C stops the job with a last checkpoint. Ctrl-C again ends it at once.
Exit codes: 0 finished, also before; 1 failed; 130 interrupted.`;

export function runCommand(): Command {
  return new Command('run')
    .summary('run a job')
    .description('Runs the job of a module, JavaScript or TypeScript, to its end.')
    .argument('<module>', 'the file that defines the job')
    .option('-w, --workers <count>', 'worker threads (default: one per core)', parseCount)
    .option('--inline', 'run on the main thread, without workers')
    .option('-p, --param <key=value>', 'a parameter of the job, as JSON or text; repeatable', addParam)
    .option('--job <name>', 'which job, where the module has several')
    .option('--state <directory>', "where checkpoints are kept (default: '.millrace/<job>')")
    .option('--no-state', 'take no checkpoints')
    .option('--checkpoint-every <duration>', "how often a checkpoint is taken (default: '10s')")
    .option('--backend <name>', "what holds keyed state: 'level' or 'memory' (default: 'level')")
    .option('--state-memory-mb <count>', 'MiB of keyed state in the memory of each worker (default: 256)', parseCount)
    .option('--fresh', "start over: remove the job's checkpoints and what its sinks have written; asks first")
    .option('-y, --yes', 'ask nothing')
    .option('--from <savepoint>', 'start from a savepoint, or go back to a checkpoint by its name or number')
    .option('--withdraw', 'with --from: take back what file sinks have shown since')
    .option('--allow-dropped-state', 'drop the state of operators that the job has no more')
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
  const state = flags.state ?? stateDirectoryOf(plan.job);
  if (flags.fresh && !(await mayStartOver(plan, state, flags))) return leftAsItIs(plan);
  const startedAt = performance.now();
  const handle = start(url, job as AnyJob, state, flags);
  const interrupts = onInterrupt(() => stop(handle));
  const progress = showProgress(handle, flags.json ? process.stdout : process.stderr, flags.json);
  try {
    await printResults(handle, plan, flags.json ? 'json' : 'text', process.stdout);
    const result = await handle;
    progress.stop(result.alreadyFinished ? undefined : result.metrics);
    conclude({ ...result, state, plan, seconds: (performance.now() - startedAt) / 1000 }, flags);
  } finally {
    progress.stop();
    interrupts.release();
  }
  return interrupts.interrupted ? INTERRUPTED_CODE : 0;
}

function start(url: string, job: AnyJob, state: string | false, flags: RunFlags): JobHandle<unknown> {
  const { workers, param, checkpointEvery, from, backend, stateMemoryMb } = flags;
  return run({ url }, job, {
    state,
    ...(workers !== undefined && { workers }),
    ...(param && { params: param }),
    ...(checkpointEvery !== undefined && { checkpointEvery: checkpointEvery as Duration }),
    ...(from !== undefined && { from }),
    ...(backend !== undefined && { backend: backend as 'level' }),
    ...(stateMemoryMb !== undefined && { stateMemoryMb }),
    withdraw: flags.withdraw ?? false,
    allowDroppedState: flags.allowDroppedState ?? false,
    inline: flags.inline ?? false,
    fresh: flags.fresh ?? false,
  });
}

function mayStartOver(plan: LogicalPlan, state: string | false, { yes = false }: RunFlags): Promise<boolean> {
  return confirmFresh({ plan, host: new NodeHost(new MainPool(undefined)), state, yes, ask: terminal() });
}

function leftAsItIs({ job }: LogicalPlan): number {
  process.stderr.write(`${job} is left as it is\n`);
  return 1;
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
