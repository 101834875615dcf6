/** `millrace init`: writes a one-file job that runs at once. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, extname, join, relative } from 'node:path';
import { Command } from 'commander';
import { asMillraceError, MillraceError } from '../core/errors.js';
import { guarded } from './guarded.js';
import { STARTER } from './starter.js';

const EXAMPLES = `
Examples:
  millrace init                 writes job.ts here
  millrace init orders          writes orders/job.ts
  millrace init orders/hourly.ts`;

export function initCommand(): Command {
  return new Command('init')
    .summary('write a job to start from')
    .description('Writes a one-file job that runs at once.')
    .argument('[path]', 'a directory, or a file to write', '.')
    .option('--verbose', 'print the stack of an error')
    .addHelpText('after', EXAMPLES)
    .action(guarded(writeStarter));
}

async function writeStarter(path: string, _flags: { readonly verbose?: boolean }): Promise<number> {
  const file = extname(path) ? path : join(path, 'job.ts');
  await mkdir(dirname(file), { recursive: true }).catch((error) => refuse(file, error));
  // 'wx': what is there already stays.
  await writeFile(file, STARTER, { flag: 'wx' }).catch((error) => refuse(file, error));
  const command = `npx millrace run ${relative('.', file)}`;
  const install = (await has('node_modules/millrace')) ? '' : `  npm install millrace\n`;
  process.stdout.write(`Wrote ${relative('.', file)}. Now:\n\n${install}  ${command}\n`);
  return 0;
}

function refuse(file: string, error: NodeJS.ErrnoException): never {
  if (error.code !== 'EEXIST') throw asMillraceError(error, 'MILL_FILE_UNWRITABLE', { position: file });
  throw new MillraceError('MILL_FILE_UNWRITABLE', `${file} exists already and stays as it is`, {
    hint: 'Give another name: millrace init <file>.',
  });
}

async function has(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
