/**
 * `npm run bench -- curves [part of a name]`: what a record costs over the number of keys, the size of state on disk, the ratio of
 * windows, workers, the size of records; and each operator by itself, over pattern length, join width and more, with bytes of
 * state a key. Cost has to stay flat: a knee is a finding. Plots and figures go to bench/results.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type About, aboutThis, textOf } from './about.js';
import { type Case, DIST } from './cases.js';
import { KEYS_MAX, OPERATOR_HEAD, type OperatorCost, operatorCosts, operatorLine } from './operators.js';
import { type Cost, finished } from './process-cost.js';
import { type Spread, spreadOf } from './statistics.js';
import { type Line, lineChart } from './svg.js';

export interface Point {
  readonly at: number;
  /** Records a CPU-second, and a second. */
  readonly perCpuSecond: Spread;
  readonly perSecond: Spread;
}

export interface Curve {
  readonly name: string;
  readonly x: string;
  readonly points: readonly Point[];
  /** How many times the cost of the cheapest the dearest point is. */
  readonly dearest: number;
}

export interface Curves {
  readonly about: About;
  readonly curves: readonly Curve[];
  readonly operators: readonly OperatorCost[];
  /** Plots, by the names of their files. */
  readonly plots: readonly string[];
}

export interface CurveOptions {
  readonly part: string;
  readonly rounds: number;
  readonly ms: number;
  readonly keysMax: number;
  /** Largest state on disk, MB. */
  readonly stateMb: number;
}

interface Axis {
  readonly x: string;
  readonly values: (options: CurveOptions) => readonly number[];
  readonly case: (at: number) => Case;
  /** Records that come before anything is measured. */
  readonly fill?: (at: number) => number;
}

const shape = (member: string, params: object): Case => ({
  what: '',
  job: 'shapes',
  export: member,
  workers: 1,
  params,
});
const powers = (from: number, to: number): number[] => (from > to ? [] : [from, ...powers(from * 10, to)]);

/** Beside which the state is large. */
const CACHE_MB = 64;
const ROW_BYTES = 1_000;
const keysOf = (mb: number): number => Math.round((mb * 1e6) / (ROW_BYTES + 40));
const inLevel = { backend: 'level', checkpointEvery: '1s', memoryMb: CACHE_MB } as const;

const AXES: Readonly<Record<string, Axis>> = {
  keys: {
    x: 'keys in memory',
    values: ({ keysMax }) => powers(1_000, keysMax),
    case: (keys) => shape('sums', { keys }),
    fill: (keys) => 2 * keys,
  },
  'state size': {
    x: `MB of state in LevelDB, cache ${CACHE_MB} MiB`,
    values: ({ stateMb }) => powers(10, stateMb),
    case: (mb) => ({
      what: '',
      job: 'large-state',
      workers: 1,
      state: inLevel,
      params: { keys: keysOf(mb), textBytes: ROW_BYTES },
    }),
    fill: keysOf,
  },
  'window ratio': {
    x: 'slides a window',
    values: () => [1, 10, 60, 600],
    case: (ratio) => ({ ...shape('slides', { ratio }), warmUp: 2 }),
    // A window is full when as many slides have passed.
    fill: (ratio) => ratio * 10_000,
  },
  workers: {
    x: 'workers, source in two splits',
    values: () => [1, 2],
    case: (workers) => ({ ...shape('sums', { splits: 2 }), workers }),
  },
  'record size': {
    x: 'bytes of text a record, from one worker to two',
    values: () => [20, 200, 2_000, 10_000],
    case: (textBytes) => ({ ...shape('sized', { textBytes }), workers: 2 }),
  },
};

export async function curvesCommand(args: readonly string[]): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '3' },
      ms: { type: 'string', default: '2000' },
      keys: { type: 'string', default: String(KEYS_MAX) },
      'state-mb': { type: 'string', default: '100' },
    },
  });
  await drawCurves({
    part: positionals.join(' '),
    rounds: Number(values.rounds),
    ms: Number(values.ms),
    keysMax: Number(values.keys),
    stateMb: Number(values['state-mb']),
  });
  return true;
}

export async function drawCurves(options: CurveOptions, directory = 'bench/results'): Promise<Curves> {
  const about = aboutThis();
  console.log(`${textOf(about)}\n`);
  const curves: Curve[] = [];
  for (const name of Object.keys(AXES).filter((each) => each.includes(options.part)))
    curves.push(await measured(name, AXES[name] as Axis, options));
  const operators: OperatorCost[] = [];
  console.log(`\n${OPERATOR_HEAD}`);
  for (const cost of operatorCosts(options.part, options.rounds, options.keysMax)) {
    operators.push(cost);
    console.log(operatorLine(cost));
  }
  await mkdir(directory, { recursive: true });
  const plots: string[] = [];
  for (const { file, svg } of [...curves.map(plotOf), ...operatorPlots(operators)]) {
    await writeFile(join(directory, file), svg);
    plots.push(file);
  }
  const all = { about, curves, operators, plots };
  await writeFile(join(directory, 'curves.json'), `${JSON.stringify({ ...all, options }, undefined, 2)}\n`);
  console.log(`\nWritten to ${directory}: curves.json, ${plots.join(', ')}`);
  return all;
}

/** All points in turn, and again. */
async function measured(name: string, axis: Axis, options: CurveOptions): Promise<Curve> {
  const values = axis.values(options);
  const costs = values.map((): Cost[] => []);
  for (let round = 0; round < options.rounds; round += 1)
    for (const [at, value] of round % 2 === 0 ? [...values.entries()] : [...values.entries()].reverse()) {
      const args = [
        '--case',
        JSON.stringify(axis.case(value)),
        '--ms',
        `${options.ms}`,
        '--fill',
        `${axis.fill?.(value) ?? 0}`,
      ];
      const { lines } = await finished([process.execPath, join(DIST, 'bench/case-run.js'), ...args]);
      costs[at]?.push((lines[0] as { readonly warm: Cost }).warm);
    }
  const points = values.map((value, at) => pointOf(value, costs[at] as Cost[]));
  console.log(`${name}, records a CPU-second by ${axis.x}:`);
  for (const { at, perCpuSecond, perSecond } of points)
    console.log(
      `  ${String(at).padEnd(10)}${millions(perCpuSecond.median)}  by the clock ${millions(perSecond.median)}`,
    );
  const rates = points.map(({ perCpuSecond }) => perCpuSecond.median);
  const dearest = Math.max(...rates) / Math.min(...rates);
  console.log(`  the dearest costs ${dearest.toFixed(2)}× the cheapest`);
  return { name, x: axis.x, points, dearest };
}

const millions = (rate: number): string => `${(rate / 1e6).toFixed(3)} M`;

function pointOf(at: number, costs: readonly Cost[]): Point {
  return {
    at,
    perCpuSecond: spreadOf(costs.map(({ events, cpuSeconds }) => events / cpuSeconds)),
    perSecond: spreadOf(costs.map(({ events, wallSeconds }) => events / (wallSeconds as number))),
  };
}

const nanoseconds = (rate: number): number => 1e9 / rate;

function plotOf({ name, x, points }: Curve): { file: string; svg: string } {
  const line = (name: string, of: 'least' | 'median' | 'most'): Line => ({
    name,
    points: points.map(({ at, perCpuSecond }) => [at, nanoseconds(perCpuSecond[of])]),
  });
  const lines = [line('median', 'median'), line('best run', 'most'), line('worst run', 'least')];
  const svg = lineChart({ title: `Cost over ${name}`, x, y: 'ns of CPU a record', log: name !== 'workers', lines });
  return { file: `curve-${name.replaceAll(' ', '-')}.svg`, svg };
}

/** `100 K keys`: 100000 of `keys`. */
export function axisOf(text: string): { readonly at: number; readonly of: string } {
  const found = /(\d+)( [KM])?/.exec(text) as RegExpExecArray;
  const unit = found[2] === ' M' ? 1e6 : found[2] === ' K' ? 1e3 : 1;
  const of = text.replace(found[0], '').replace(':1', 'slides a window').trim();
  return { at: Number(found[1]) * unit, of };
}

/** One plot for the operators over the same thing. */
function operatorPlots(costs: readonly OperatorCost[]): { file: string; svg: string }[] {
  const kinds = [...new Set(costs.map(({ axis }) => axisOf(axis).of))];
  return kinds.map((kind) => {
    const those = costs.filter(({ axis }) => axisOf(axis).of === kind);
    const names = [...new Set(those.map(({ operator }) => operator))];
    const lines = names.map((name): Line => {
      const own = those.filter(({ operator }) => operator === name);
      return { name, points: own.map(({ axis, rates }) => [axisOf(axis).at, nanoseconds(spreadOf(rates).median)]) };
    });
    const svg = lineChart({ title: `Operators over ${kind}`, x: kind, y: 'ns of CPU a record', log: true, lines });
    return { file: `operators-${kind.replaceAll(' ', '-')}.svg`, svg };
  });
}
