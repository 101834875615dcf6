/**
 * `npm run bench`: measures what fits into two minutes and writes a report. `npm run bench -- report`: measures all of it, which
 * takes hours with peers. `npm run bench -- keyed-sum q5`: some cases alone.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { aboutThis, textOf } from '../about.js';
import { CASES, DIST, type HowLong, QUERY_NAMES, type Sample, sampled } from '../cases.js';
import { type CurveOptions, type Curves, drawCurves } from '../curves.js';
import { inTurns } from '../in-turns.js';
import type { Comparison } from '../peers/figures.js';
import { type Cost, finished } from '../process-cost.js';
import { median, spreadOf } from '../statistics.js';
import { markdownOf, type Pair, type PeersRun, plotsOf, type Rate, type Report, targetsTable } from './report.js';
import { millions, percent } from './targets.js';

const DIRECTORY = 'bench/results';

const BASIC = ['stateless', 'keyed-sum', 'exchange', 'flights-engine', 'sliding-10'];
const PAIRS = [
  ['sliding-600', 'sliding-10'],
  ['sums-2-workers', 'sums-1-worker'],
  ['sums-20k-level', 'sums-20k'],
] as const;
const MORE_PAIRS = [...PAIRS, ['sums-200k-level', 'sums-200k']] as const;

/** Nothing new is begun after it, so that the whole of it takes two minutes. */
const SHORT_MS = 105_000;
const SHORT: HowLong = { ms: 1_000, events: 500_000 };
const LONG: HowLong = { ms: 4_000, events: 4_000_000 };

export async function shortReport(): Promise<void> {
  const until = performance.now() + SHORT_MS;
  const run = new Run('npm run bench', SHORT, () => performance.now() < until);
  console.log(`${textOf(run.about)}\n`);
  await run.start();
  await run.rates(BASIC, 1);
  for (const [name, of] of PAIRS) await run.pair(name, of, 2);
  await run.rates(QUERY_NAMES, 1);
  // What time is left goes into a second round.
  await run.rates([...BASIC, ...QUERY_NAMES], 1);
  await run.write();
}

export async function longReport(args: readonly string[]): Promise<void> {
  const quick = args.includes('--small');
  const howLong = quick ? { ms: 300, events: 50_000 } : LONG;
  const run = new Run('npm run bench -- report', howLong, () => true);
  console.log(`${textOf(run.about)}\n`);
  const rounds = quick ? 1 : 5;
  await run.start();
  await run.rates([...BASIC, ...QUERY_NAMES], rounds);
  for (const [name, of] of MORE_PAIRS) await run.pair(name, of, rounds);
  await run.write();
  const wide: CurveOptions = { part: '', rounds: 3, ms: 3_000, keysMax: 10_000_000, stateMb: 1_000 };
  const narrow: CurveOptions = { part: '', rounds: 1, ms: 200, keysMax: 1_000, stateMb: 10 };
  await run.curves(quick ? narrow : wide);
  for (const command of quick ? ['latency --rate 1000 --seconds 2'] : COMMANDS) await run.say(command);
  for (const [name, rest] of PEER_RUNS) await run.peers(name, quick ? `${rest} --events 20000 --pairs 1 q0 q5` : rest);
  await run.write();
}

const COMMANDS = [
  'latency',
  'checkpoints',
  'level recovery',
  'level larger',
  'level hits',
  'memory',
  'soak',
  'joins',
  'agents',
  'micro',
];

const PEER_RUNS = [
  ['sql-heap', '--peers flink-sql'],
  ['sql-rocksdb', '--peers flink-sql --state level'],
  ['sql-start', '--peers flink-sql --events 1000000'],
  ['hand-heap', '--peers flink-datastream'],
  ['hand-rocksdb', '--peers flink-datastream --state level'],
  ['others', '--peers node-streams,rxjs'],
] as const satisfies readonly (readonly [PeersRun['name'], string])[];

/** Some cases, printed. */
export async function measureCases(names: readonly string[]): Promise<void> {
  const run = new Run(`npm run bench -- ${names.join(' ')}`, { ms: 3_000, events: 2_000_000 }, () => true);
  console.log(`${textOf(run.about)}\n`);
  await run.rates(names, 3);
}

class Run {
  readonly about = aboutThis();
  private readonly startedAt = performance.now();
  private readonly samples = new Map<string, Sample[]>();
  private readonly found: { pairs: Pair[]; peers: PeersRun[]; said: { command: string; text: string }[] } = {
    pairs: [],
    peers: [],
    said: [],
  };
  private begun: Report['start'];
  private drawn: Curves | undefined;

  constructor(
    private readonly command: string,
    private readonly howLong: HowLong,
    private readonly goesOn: () => boolean,
  ) {}

  async rates(names: readonly string[], rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round += 1)
      for (const name of names.some((each) => QUERY_NAMES.includes(each)) ? ['generator', ...names] : names) {
        if (!this.goesOn()) return;
        await this.sample(name);
        if (round === rounds - 1 && name !== 'generator') console.log(lineOf(this.rateOf(name)));
      }
  }

  private async sample(name: string): Promise<Sample> {
    const sample = await sampled(name, this.howLong);
    this.samples.set(name, [...(this.samples.get(name) ?? []), sample]);
    return sample;
  }

  async pair(name: string, of: string, count: number): Promise<void> {
    const samples = new Map<string, Sample[]>([
      [name, []],
      [of, []],
    ]);
    await inTurns(count, [of, name], async (side) => void samples.get(side)?.push(await sampled(side, this.howLong)));
    const ratios = (rate: (cost: Cost) => number): number[] =>
      (samples.get(name) as Sample[]).map(
        ({ warm }, at) => rate(warm) / rate((samples.get(of) as Sample[])[at]?.warm as Cost),
      );
    const perCpuSecond = spreadOf(ratios(rateOf));
    this.found.pairs.push({ name, of, pairs: count, perCpuSecond, perSecond: spreadOf(ratios(clockOf)) });
    console.log(`${name} / ${of}: ${perCpuSecond.median.toFixed(3)} a CPU-second, ${count} pairs`);
  }

  async start(): Promise<void> {
    const runs: { importMs: number; startMs: number; rssMb: number }[] = [];
    for (let round = 0; round < 3; round += 1) {
      const { lines } = await finished([process.execPath, join(DIST, 'bench/startup.js')]);
      runs.push(lines[0] as (typeof runs)[number]);
    }
    const of = (what: keyof (typeof runs)[number]): number => median(runs.map((run) => run[what]));
    this.begun = { importMs: of('importMs'), startMs: of('startMs'), rssMb: of('rssMb') };
    console.log(`an empty job: ${Math.round(this.begun.startMs)} ms, ${Math.round(this.begun.rssMb)} MiB`);
  }

  async curves(options: CurveOptions): Promise<void> {
    this.drawn = await drawCurves(options, DIRECTORY);
  }

  /** A command of the benchmarks' own, whose words go into the report; a target that it misses does not end the run. */
  async say(command: string): Promise<void> {
    const script = `"$@" 2>&1 | tee "${DIRECTORY}/said.txt"; true`;
    await mkdir(DIRECTORY, { recursive: true });
    await finished(['sh', '-c', script, 'sh', process.execPath, join(DIST, 'bench/main.js'), ...command.split(' ')]);
    const text = await readFile(`${DIRECTORY}/said.txt`, 'utf8');
    await rm(`${DIRECTORY}/said.txt`);
    console.log(`\n${command}\n${text}`);
    this.found.said.push({ command: command.split(' --')[0] as string, text });
    await this.write();
  }

  async peers(name: PeersRun['name'], rest: string): Promise<void> {
    const file = join(DIRECTORY, `peers-${name}.json`);
    await rm(file, { force: true });
    await this.say(`nexmark ${rest} --json ${file}`);
    const text = await readFile(file, 'utf8').catch(() => undefined);
    const comparisons = text === undefined ? [] : (JSON.parse(text) as { comparisons: Comparison[] }).comparisons;
    this.found.peers.push({ name, command: `npm run bench -- nexmark ${rest}`, comparisons });
  }

  private rateOf(name: string): Rate {
    const samples = this.samples.get(name) as Sample[];
    const warm = spreadOf(samples.map((sample) => rateOf(sample.warm)));
    const made = QUERY_NAMES.includes(name) ? this.samples.get('generator') : undefined;
    const generator = made && spreadOf(made.map((sample) => rateOf(sample.warm))).median;
    const left = generator === undefined ? 0 : 1 / warm.median - 1 / generator;
    return {
      name,
      what: CASES[name]?.what ?? 'Nexmark, 1 worker, state on the heap',
      warm,
      cold: spreadOf(samples.map((sample) => rateOf(sample.cold))),
      clock: spreadOf(samples.map((sample) => clockOf(sample.warm))),
      net: left > 0 ? 1 / left : undefined,
    };
  }

  private report(): Report {
    return {
      about: this.about,
      command: this.command,
      seconds: (performance.now() - this.startedAt) / 1_000,
      rates: [...this.samples.keys()].filter((name) => name !== 'generator').map((name) => this.rateOf(name)),
      start: this.begun,
      curves: this.drawn,
      ...this.found,
    };
  }

  async write(): Promise<void> {
    const report = this.report();
    await mkdir(DIRECTORY, { recursive: true });
    await writeFile(join(DIRECTORY, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
    for (const [file, svg] of plotsOf(report)) await writeFile(join(DIRECTORY, file), svg);
    await writeFile(join(DIRECTORY, 'report.md'), markdownOf(report));
    console.log(`\n${targetsTable(report)}\n\nWritten to ${DIRECTORY}: report.md, report.json, plots`);
  }
}

const rateOf = ({ events, cpuSeconds }: Cost): number => events / cpuSeconds;
const clockOf = ({ events, wallSeconds }: Cost): number => events / (wallSeconds as number);

function lineOf({ name, what, warm, cold, clock }: Rate): string {
  const spread = `±${percent((warm.most - warm.least) / 2 / warm.median)}`.padStart(9);
  return `${name.padEnd(16)}${millions(warm.median).padStart(9)} a CPU-s${spread}${millions(cold.median).padStart(9)} cold${millions(clock.median).padStart(9)}/s  ${what}`;
}
