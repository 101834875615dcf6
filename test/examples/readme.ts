/**
 * What the READMEs of examples show is what their commands print: each `sh` block that a `text` block follows is run, in order
 * and in one directory, and what its last command prints must be that text. `text lines=9` shows the first nine lines, and a
 * last one of `…`. Blocks without output are for other surroundings, and are not run.
 *
 * With `--write` the texts are written into the README instead.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { ROOT } from '../tidy/source-files.js';

/** A block of commands, with what comes of it. */
const SHOWN = /^```sh\n((?:[^`]*\n)+?)```\n\n```text(?: lines=(\d+))?\n([\s\S]*?)```$/gm;

export interface Shown {
  readonly commands: readonly string[];
  readonly lines: number | undefined;
  readonly text: string;
}

export function shownIn(markdown: string): Shown[] {
  return [...markdown.matchAll(SHOWN)].map(([, commands = '', lines, text = '']) => ({
    commands: commands.trim().split('\n'),
    lines: lines === undefined ? undefined : Number(lines),
    text,
  }));
}

/** Runs what a README shows. */
export async function checkReadme(t: Test, path: string): Promise<void> {
  const home = t.testdir({});
  const file = join(ROOT, path);
  const shown = shownIn(readFileSync(file, 'utf8'));
  t.ok(shown.length > 0);
  for (const { commands, lines, text } of shown) {
    let printed = '';
    for (const command of commands) printed = await printedBy(command, home);
    const cut = shortened(printed, lines);
    if (process.argv.includes('--write'))
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replace(text, () => cut),
      );
    else t.equal(cut, text, commands.at(-1) ?? '');
  }
}

function shortened(text: string, lines: number | undefined): string {
  const body = text.replace(/^\n+/, '').trimEnd();
  return lines === undefined ? `${body}\n` : `${body.split('\n').slice(0, lines).join('\n')}\n…\n`;
}

/** `npm run example x …` and `npx millrace …`, as they are without npm. */
async function printedBy(command: string, cwd: string): Promise<string> {
  const words = command.replace(/\s+#.*$/, '').split(/\s+/);
  const args = words[0] === 'npx' ? [join(ROOT, 'dist/cli/main.js'), ...words.slice(2)] : exampleOf(words.slice(3));
  const located = args.map((arg) => (/^examples\/.*\.ts$/.test(arg) ? join(ROOT, arg) : arg));
  const env = { ...process.env, NO_COLOR: '1' };
  const { stdout } = await promisify(execFile)(process.execPath, located, { cwd, env }).catch((error: unknown) => {
    const { stdout: printed, code } = error as { stdout?: string; code?: unknown };
    // A gate that does not let through says so by its exit code.
    if (code === 1 && printed) return { stdout: printed };
    throw error;
  });
  return stdout;
}

function exampleOf([name = '', ...args]: string[]): string[] {
  return [join(ROOT, 'dist/examples', name, 'main.js'), ...args.filter((arg) => arg !== '--')];
}
