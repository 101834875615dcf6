/** `millrace savepoint`: copies the newest checkpoint to a directory of its own. */
import { Command } from 'commander';
import type { OpenCheckpoint } from '../checkpoint/checkpoint-reader.js';
import { sizeOf } from '../checkpoint/manifest.js';
import { mergeRows } from '../checkpoint/merge.js';
import { Savepoint } from '../checkpoint/savepoint.js';
import { NodeStorage } from '../engine/host/node-storage.js';
import { guarded } from './guarded.js';
import { jsonText } from './json.js';
import { ageText, sizeText } from './progress-text.js';
import { readerOf, TARGET } from './state-directory.js';

interface Flags {
  readonly checkpoint?: string;
  readonly job?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const EXAMPLES = `
Examples:
  millrace savepoint job.ts savepoints/monday
  millrace savepoint .millrace/orders savepoints/monday
  millrace run job.ts --state .millrace/orders-2 --from savepoints/monday

A savepoint is one directory with all state. It can be moved and kept, and be started from with any number of workers.
Of a running job it is the last checkpoint that is complete; handle.savepoint(directory) takes another one first.`;

export function savepointCommand(): Command {
  return new Command('savepoint')
    .summary('copy the newest checkpoint to a directory of its own')
    .description('Makes a savepoint of the newest checkpoint, or of another one.')
    .argument('<target>', TARGET)
    .argument('<directory>', 'where the savepoint goes; it must not exist, or be empty')
    .option('--checkpoint <name>', 'an older checkpoint, by its name or number')
    .option('--job <name>', 'which job, where the module has several')
    .option('--json', 'print what was saved as one line of JSON')
    .option('--verbose', 'print the stack of an error')
    .addHelpText('after', EXAMPLES)
    .action(guarded(save));
}

async function save(target: string, directory: string, flags: Flags): Promise<number> {
  const open = await (await readerOf(target, flags.job)).open(flags.checkpoint);
  try {
    const savepoint = new Savepoint(new NodeStorage(), directory);
    await savepoint.write(open.manifest, (task) => mergeRows(open, task, savepoint));
    process.stdout.write(`${await told(open, savepoint, flags)}\n`);
  } finally {
    await open.close();
  }
  return 0;
}

async function told({ name, manifest }: OpenCheckpoint, savepoint: Savepoint, flags: Flags): Promise<string> {
  const { job, epoch, createdAt } = manifest;
  const saved = await savepoint.manifest();
  const sizeBytes = saved ? sizeOf(saved) : 0;
  const { directory } = savepoint;
  if (flags.json) return jsonText({ type: 'savepoint', job, checkpoint: name, epoch, createdAt, directory, sizeBytes });
  const age = ageText(Date.now() - createdAt);
  return `${directory} holds checkpoint ${epoch} of ${job}, taken ${age} ago: ${sizeText(sizeBytes)}`;
}
