/**
 * Commands in the README of an example, with what they print: a `sh` block with a `text` block right after it.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MILLRACE } from '../e2e/child.js';
import { ROOT } from '../tidy/source-files.js';

export interface ReadmeCommand {
  readonly command: string;
  readonly output: string;
}

const COMMAND = /^```sh\n(.*)\n```\n\n```text\n([\s\S]*?)^```/gm;

export function readmeCommands(markdown: string): ReadmeCommand[] {
  return [...markdown.matchAll(COMMAND)].map(([, command = '', output = '']) => ({ command, output }));
}

/** What a command prints, without npm in between. No model but the scripted one is asked. */
export async function printedBy(command: string): Promise<string> {
  const [first, second, ...more] = command.split(' ');
  const [script, args] =
    first === 'npm' ? [join(ROOT, 'dist/examples', more[1] as string, 'main.js'), more.slice(2)] : [MILLRACE, more];
  if (first !== 'npm' && second !== 'millrace') throw new Error(`${command} is no command of an example`);
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MILLRACE_MODEL_')));
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...args], { cwd: ROOT, env });
  return stdout;
}
