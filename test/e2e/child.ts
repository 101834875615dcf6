/** Runs a Node program to its end, as users would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The compiled command line. */
export const MILLRACE = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

/** A compiled program of this folder. */
export const program = (name: string): string => fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url));

export function start(script: string, args: readonly string[] = [], cwd?: string): ChildProcess {
  return spawn(process.execPath, [script, ...args], { cwd, env: { ...process.env, NO_COLOR: '1' } });
}

export async function end(child: ChildProcess): Promise<Ended> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (text) => (stdout += text));
  child.stderr?.on('data', (text) => (stderr += text));
  const [code, signal] = await once(child, 'close');
  return { code, signal, stdout, stderr };
}

export const runToEnd = (script: string, args?: readonly string[], cwd?: string): Promise<Ended> =>
  end(start(script, args, cwd));
