/** What figures have to say of where they come from: machine, versions, commit. */
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

export interface About {
  readonly at: string;
  /** With a mark where files have changed since. */
  readonly commit: string;
  readonly node: string;
  readonly v8: string;
  /** Absent: there is none. */
  readonly java: string | undefined;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  /** Processes that wanted a core in the minute before the run. */
  readonly load: number;
}

export function aboutThis(): About {
  const changed = said('git', ['status', '--porcelain', '--untracked-files=no']) !== '';
  return {
    at: new Date().toISOString(),
    commit: `${said('git', ['rev-parse', 'HEAD']) ?? 'unknown'}${changed ? ' with changes' : ''}`,
    node: process.version,
    v8: process.versions.v8,
    java: /"(.*?)"/.exec(said('java', ['-version']) ?? '')?.[1],
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    load: Math.round((loadavg()[0] as number) * 10) / 10,
  };
}

export function textOf({ at, commit, node, java, cpu, cores, memoryGb, load }: About): string {
  const [hash, ...rest] = commit.split(' ');
  const shown = [(hash as string).slice(0, 7), ...rest].join(' ');
  return `${at}, commit ${shown}, Node ${node}, Java ${java ?? 'none'}, ${cores} cores (${cpu}), ${memoryGb} GiB, load before ${load}`;
}

/** What a command prints, on whichever stream; nothing if it cannot be had. */
function said(command: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync('sh', ['-c', '"$@" 2>&1', 'sh', command, ...args], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}
