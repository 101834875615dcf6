/**
 * Runs the slowed flights job again and again, kills it at random instants, and watches the committed files: no row
 * that a reader has once seen may ever change or go, and in the end they hold what a run without kills gives.
 */
import { spawn } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../../core/random.js';

const CHILD = fileURLToPath(new URL('./slow-flights.js', import.meta.url));
const SINKS = ['hourly', 'knock-on', 'weather'] as const;

export interface KillReport {
  /** Processes killed. */
  readonly kills: number;
  /** Kills before the process had said that it was running: in start-up or recovery. */
  readonly early: number;
  /** Resumes with another number of workers. */
  readonly rescales: number;
  /** What went wrong; undefined: nothing. */
  readonly failure: string | undefined;
}

export interface KillRunOptions {
  readonly seed: number;
  /** Kills at most; after that it is left to finish. */
  readonly kills: number;
  /** For this run alone. */
  readonly directory: string;
  /** Rows of each sink without kills, sorted. */
  readonly expected: Rows;
  readonly perSecond?: number;
}

export type Rows = Readonly<Record<(typeof SINKS)[number], readonly string[]>>;

/** Rows without kills and without checkpoints. */
export async function unkilledRows(directory: string): Promise<Rows> {
  await finish(start(['--out', directory, '--workers', '2', '--rate', '10000000']));
  return rowsOf(await committedFiles(directory));
}

export async function killRun({ seed, kills, directory, expected, perSecond }: KillRunOptions): Promise<KillReport> {
  const random = new Random(seed);
  const seen = new Map<string, string>();
  const count = { kills: 0, early: 0, rescales: 0 };
  let workers = 2;
  await rm(directory, { recursive: true, force: true });
  for (;;) {
    if (random.below(3) === 0) {
      const before = workers;
      workers = 1 + random.below(3);
      if (workers !== before && count.kills > 0) count.rescales += 1;
    }
    const args = ['--out', join(directory, 'out'), '--state', join(directory, 'state'), '--workers', String(workers)];
    const backend = random.below(3) === 0 ? [] : ['--backend', 'level'];
    const child = start([...args, ...backend, '--rate', String(perSecond ?? 60_000)]);
    // A third of the lives end while the process is still getting up.
    const lifeMs = random.below(3) === 0 ? 80 + random.below(300) : 400 + random.below(900);
    const end = count.kills < kills ? await killAfter(child, lifeMs) : await finish(child);
    if (end === 'killed') count.kills += 1;
    if (end === 'killed' && lifeMs < 400) count.early += 1;
    const failure = await noticed(join(directory, 'out'), seen);
    if (failure) return { ...count, failure: `seed ${seed}, kill ${count.kills}: ${failure}` };
    if (end === 'killed') continue;
    if (end !== 'finished') return { ...count, failure: `seed ${seed}, after ${count.kills} kills: ${end}` };
    return { ...count, failure: await wrongAtTheEnd(join(directory, 'out'), expected, seed) };
  }
}

type Child = { readonly exit: Promise<{ code: number | null; output: string }>; kill(): void };

function start(args: readonly string[]): Child {
  const child = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      output += text;
    });
  const exit = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, output }));
  });
  return { exit, kill: () => child.kill('SIGKILL') };
}

async function killAfter(child: Child, lifeMs: number): Promise<string> {
  const timer = setTimeout(() => child.kill(), lifeMs);
  const { code, output } = await child.exit;
  clearTimeout(timer);
  return code === null ? 'killed' : code === 0 ? output.trim() : `exit code ${code}: ${output}`;
}

async function finish(child: Child): Promise<string> {
  const { code, output } = await child.exit;
  return code === 0 ? output.trim() : `exit code ${code}: ${output}`;
}

/** Visible files by path; those in progress begin with a dot. */
async function committedFiles(out: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const sink of SINKS) {
    const names = await readdir(join(out, sink)).catch(() => [] as string[]);
    for (const name of names.filter((name) => !name.startsWith('.'))) {
      const path = join(out, sink, name);
      files.set(path, await readFile(path, 'utf8'));
    }
  }
  return files;
}

/** Whether something that was committed has changed or gone. */
async function noticed(out: string, seen: Map<string, string>): Promise<string | undefined> {
  const files = await committedFiles(out);
  for (const [path, content] of seen) if (files.get(path) !== content) return `${path} is not as it was`;
  for (const [path, content] of files) {
    if (!content.endsWith('\n')) return `${path} ends within a row`;
    seen.set(path, content);
  }
  return undefined;
}

function rowsOf(files: ReadonlyMap<string, string>): Rows {
  const of = (sink: string): string[] =>
    [...files]
      .filter(([path]) => path.includes(`/${sink}/`))
      .flatMap(([, content]) => content.trimEnd().split('\n'))
      .sort();
  return { hourly: of('hourly'), 'knock-on': of('knock-on'), weather: of('weather') };
}

async function wrongAtTheEnd(out: string, expected: Rows, seed: number): Promise<string | undefined> {
  const rows = rowsOf(await committedFiles(out));
  for (const sink of SINKS) {
    const [wanted, got] = [expected[sink], rows[sink]];
    const at = wanted.findIndex((row, index) => row !== got[index]);
    if (at >= 0 || wanted.length !== got.length) {
      return `seed ${seed}: ${sink} has ${got.length} rows, expected ${wanted.length}; at ${at}: ${got[at]}, not ${wanted[at]}`;
    }
    const stray = (await readdir(join(out, sink))).find((name) => name.startsWith('.'));
    if (stray) return `seed ${seed}: ${sink} has a stray ${stray}`;
  }
  return undefined;
}
