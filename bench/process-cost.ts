/** Runs a command as a process of its own, and tells what it and all its children have cost. */
import { spawn } from 'node:child_process';

/** One stretch of a run: how many events, and what they took. */
export interface Cost {
  readonly events: number;
  readonly cpuSeconds: number;
  readonly wallSeconds?: number;
}

/** What a process printed, and the CPU time that it and its children took from start to end. */
export interface Finished {
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  readonly cpuSeconds: number;
}

/** Runs a command. The shell's `times` tells what its children took, all of them, to their very end. */
export async function finished(command: readonly string[]): Promise<Finished> {
  const child = spawn('sh', ['-c', '"$@" && times', 'sh', ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, errors]: [string[], string[]] = [[], []];
  child.stdout.setEncoding('utf8').on('data', (text: string) => out.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  const status = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  if (status !== 0) throw new Error(`${command.join(' ')}\n${errors.join('') || `exit status ${status}`}`);
  const lines = out.join('').trim().split('\n');
  return {
    lines: lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)),
    cpuSeconds: secondsOf(lines.at(-1) ?? ''),
  };
}

/** `0m1.50s 0m0.25s`: user and system. */
function secondsOf(times: string): number {
  let seconds = 0;
  for (const [, minutes, rest] of times.matchAll(/(\d+)m([\d.]+)s/g)) seconds += Number(minutes) * 60 + Number(rest);
  return seconds;
}
