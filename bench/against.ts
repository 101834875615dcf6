/**
 * `npm run bench -- --compare BASE [cases …]`: checks BASE out into a temporary worktree, gives it the benchmarks of this one, so
 * that only the engine differs, and runs both in turns A B B A. Says what got slower, or faster, beyond noise.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { aboutThis, textOf } from './about.js';
import { CASES, DIST, type HowLong, QUERY_NAMES, type Sample, sampled } from './cases.js';
import { inTurns } from './in-turns.js';
import { middleOf, type Spread, spreadOf, type Verdict, verdictOf } from './statistics.js';

const ROOT = join(DIST, '..');

export interface Difference {
  readonly name: string;
  /** Rate here divided by the rate of the base. */
  readonly warm: Spread;
  readonly cold: Spread;
  readonly verdict: Verdict;
}

/** Whether nothing got slower. */
export async function compareCommits(
  base: string,
  wanted: readonly string[],
  pairs: number,
  howLong: HowLong,
): Promise<boolean> {
  const names = wanted.length > 0 ? wanted : [...Object.keys(CASES), ...QUERY_NAMES];
  const about = aboutThis();
  const commit = git('rev-parse', `${base}^{commit}`);
  console.log(`${textOf(about)}\nagainst ${commit.slice(0, 7)}, ${pairs} pairs A B B A\n`);
  const other = await built(commit);
  const differences: Difference[] = [];
  try {
    console.log(`${'benchmark'.padEnd(18)}${'warm: of the base'.padStart(26)}${'cold'.padStart(26)}  verdict`);
    for (const name of names) {
      const difference = await compared(name, pairs, howLong, other);
      differences.push(difference);
      console.log(lineOf(difference));
    }
  } finally {
    git('worktree', 'remove', '--force', other);
    await rm(dirname(other), { recursive: true, force: true });
  }
  await mkdir('bench/results', { recursive: true });
  const file = 'bench/results/compare.json';
  await writeFile(file, `${JSON.stringify({ about, base: commit, pairs, howLong, differences }, undefined, 2)}\n`);
  const of = (verdict: Verdict) => differences.filter((one) => one.verdict === verdict).map(({ name }) => name);
  console.log(`\nslower: ${of('slower').join(', ') || 'nothing'}; faster: ${of('faster').join(', ') || 'nothing'}`);
  console.log(`Written to ${file}`);
  return of('slower').length === 0;
}

async function compared(name: string, pairs: number, howLong: HowLong, other: string): Promise<Difference> {
  const samples = { here: [] as Sample[], base: [] as Sample[] };
  await inTurns<'here' | 'base'>(pairs, ['base', 'here'], async (side) => {
    samples[side].push(await sampled(name, howLong, side === 'here' ? DIST : join(other, 'dist')));
  });
  const ratios = (part: 'warm' | 'cold'): number[] =>
    samples.here.map((here, at) => rateOf(here[part]) / rateOf((samples.base[at] as Sample)[part]));
  const warm = ratios('warm');
  return {
    name,
    warm: { ...spreadOf(warm), median: middleOf(warm) },
    cold: spreadOf(ratios('cold')),
    verdict: verdictOf(warm),
  };
}

const rateOf = ({ events, cpuSeconds }: Sample['warm']): number => events / cpuSeconds;

function lineOf({ name, warm, cold, verdict }: Difference): string {
  const shown = ({ median, least, most }: Spread): string =>
    `${median.toFixed(3)} (${least.toFixed(3)}–${most.toFixed(3)})`.padStart(26);
  return `${name.padEnd(18)}${shown(warm)}${shown(cold)}  ${verdict}`;
}

/** A worktree of that commit with its dist/ made, where the benchmarks are ours. */
async function built(commit: string): Promise<string> {
  const directory = join(await mkdtemp(join(tmpdir(), 'millrace-base-')), 'base');
  git('worktree', 'add', '--detach', '--force', directory, commit);
  try {
    await rm(join(directory, 'bench'), { recursive: true, force: true });
    await cp(join(ROOT, 'bench'), join(directory, 'bench'), {
      recursive: true,
      filter: (path) => !/bench\/(results|peers\/target)/.test(path),
    });
    // The dependencies of this checkout, for both: another version of one would be no difference of the engine.
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    console.log('Building the base …');
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    // Benchmarks that the base has no API for do not compile; whatever does is emitted all the same.
    const shell = '"$@" > tsc.log 2>&1 || true';
    execFileSync('sh', ['-c', shell, 'sh', process.execPath, tsc, '-p', '.', '--noEmitOnError', 'false'], {
      cwd: directory,
    });
    if (!existsSync(join(directory, 'dist/bench/case-run.js')))
      throw new Error(`the base does not build: ${directory}/tsc.log`);
    return directory;
  } catch (error) {
    git('worktree', 'remove', '--force', directory);
    throw error;
  }
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
}
