/** A report: what one run has measured, as data, and as Markdown with plots. */
import type { About } from '../about.js';
import { textOf } from '../about.js';
import type { Curves } from '../curves.js';
import type { Comparison } from '../peers/figures.js';
import { deviation, type Spread } from '../statistics.js';
import { barChart } from '../svg.js';
import { millions, percent, TARGETS } from './targets.js';

/** Records a CPU-second unless said otherwise. */
export interface Rate {
  readonly name: string;
  readonly what: string;
  /** In the middle of a run. */
  readonly warm: Spread;
  /** From start to end of the process tree. */
  readonly cold: Spread;
  /** By the clock, warm. */
  readonly clock: Spread;
  /** Warm, without what making the events costs alone: of Nexmark's queries. */
  readonly net: number | undefined;
}

/** Two cases in turns A B B A: the rate of `name` divided by that of `of`, of neighbouring runs. */
export interface Pair {
  readonly name: string;
  readonly of: string;
  readonly pairs: number;
  readonly perCpuSecond: Spread;
  readonly perSecond: Spread;
}

export interface PeersRun {
  readonly name: 'sql-heap' | 'sql-rocksdb' | 'sql-start' | 'hand-heap' | 'hand-rocksdb' | 'others';
  readonly command: string;
  readonly comparisons: readonly Comparison[];
}

export interface Report {
  readonly about: About;
  readonly command: string;
  readonly seconds: number;
  readonly rates: readonly Rate[];
  readonly pairs: readonly Pair[];
  readonly start: { readonly importMs: number; readonly startMs: number; readonly rssMb: number } | undefined;
  readonly curves: Curves | undefined;
  readonly peers: readonly PeersRun[];
  /** Commands that speak for themselves, and what they printed. */
  readonly said: readonly { readonly command: string; readonly text: string }[];
}

export const isQuery = (name: string): boolean => /^q\d+$/.test(name);

/** Plots of a report, by the names of their files; curves have made their own. */
export function plotsOf({ rates, peers }: Report): ReadonlyMap<string, string> {
  const plots = new Map<string, string>();
  const queries = rates.filter(({ name }) => isQuery(name));
  if (queries.length > 0) {
    const bars = queries.map(({ name, warm }) => ({ name, value: warm.median }));
    plots.set(
      'nexmark.svg',
      barChart({ title: 'Nexmark, warm', unit: 'events a CPU-second, generator included', bars }),
    );
  }
  for (const { name, command, comparisons } of peers) {
    const bars = comparisons.map(({ query, ratio }) => ({ name: query, value: ratio.warm.median }));
    if (bars.length > 0)
      plots.set(`peers-${name}.svg`, barChart({ title: command, unit: 'times our CPU, warm, gross', bars, mark: 1 }));
  }
  return plots;
}

export function markdownOf(report: Report): string {
  const { about, command, seconds, said } = report;
  return [
    '# Benchmarks',
    `\`${command}\`, ${Math.round(seconds)} s. ${textOf(about)}`,
    'Rates are records a CPU-second of the whole process tree unless they say otherwise: warm in the middle of a run, cold from start to end; the spread is of runs in processes of their own.',
    '## Targets',
    targetsTable(report),
    '## Rates',
    ratesTable(report.rates),
    ...(report.pairs.length > 0 ? ['## Pairs', pairsTable(report.pairs)] : []),
    ...[...plotsOf(report).keys()].map((file) => `![${file}](${file})`),
    ...(report.curves ? ['## Curves', curvesOf(report.curves)] : []),
    ...report.peers.flatMap(peersOf),
    ...said.flatMap((one) => [`## ${one.command}`, `\`\`\`text\n${one.text.trimEnd()}\n\`\`\``]),
    '',
  ].join('\n\n');
}

export function targetsTable(report: Report): string {
  const rows = TARGETS.map(({ area, must, aim, command, lacking, measured }) => {
    const found = measured(report);
    const without = command === undefined ? `not measured: ${lacking}` : `not measured in this run: \`${command}\``;
    const mark = found?.met === undefined ? '' : found.met ? ' ✓' : ' ✗';
    return [area, must, aim, found ? `${found.text}${mark}` : without];
  });
  return table(['area', 'must', 'aim', 'measured'], rows);
}

function ratesTable(rates: readonly Rate[]): string {
  const rows = rates.map(({ name, what, warm, cold, clock, net }) => [
    name,
    millions(warm.median),
    `±${percent(deviation(warm))}`,
    net === undefined ? '' : millions(net),
    millions(cold.median),
    millions(clock.median),
    what,
  ]);
  return table(['', 'warm', 'spread', 'net of generator', 'cold', 'by the clock, warm', ''], rows);
}

function pairsTable(pairs: readonly Pair[]): string {
  const ratio = ({ median, least, most }: Spread): string =>
    `${median.toFixed(3)} (${least.toFixed(3)}–${most.toFixed(3)})`;
  const rows = pairs.map(({ name, of, pairs: count, perCpuSecond, perSecond }) => [
    `${name} / ${of}`,
    `${count}`,
    ratio(perCpuSecond),
    ratio(perSecond),
  ]);
  return table(['rates, A B B A', 'pairs', 'a CPU-second', 'a second'], rows);
}

function curvesOf({ curves, operators, plots }: Curves): string {
  const points = curves.flatMap(({ name, points, dearest }) =>
    points.map(({ at, perCpuSecond, perSecond }, index) => [
      name,
      at.toLocaleString('en'),
      millions(perCpuSecond.median),
      `±${percent(deviation(perCpuSecond))}`,
      millions(perSecond.median),
      index === 0 ? `${dearest.toFixed(2)}×` : '',
    ]),
  );
  const costs = operators.map(({ operator, axis, rates, ofFirst, bytesPerKey }) => [
    operator,
    axis,
    millions([...rates].sort((a, b) => a - b)[rates.length >> 1] as number),
    ofFirst.toFixed(2),
    Math.round(bytesPerKey).toLocaleString('en'),
  ]);
  return [
    table(['curve', 'at', 'a CPU-second', 'spread', 'a second', 'dearest / cheapest'], points),
    table(['operator', 'of', 'a CPU-second', 'of the first', 'bytes a key'], costs),
    ...plots.map((file) => `![${file}](${file})`),
  ].join('\n\n');
}

function peersOf({ command, comparisons }: PeersRun): string[] {
  const times = ({ median, least, most }: Spread): string =>
    `${median.toFixed(1)}× (${least.toFixed(1)}–${most.toFixed(1)})`;
  const rows = comparisons.map(({ peer, query, warm, ratio }) => [
    query,
    peer,
    millions(warm.peer),
    millions(warm.ours),
    times(ratio.warm),
    times(ratio.warmNet),
    times(ratio.cold),
  ]);
  return [
    `## ${command}`,
    table(['query', 'peer', 'peer, warm', 'ours, warm', 'warm, gross', 'warm, net', 'cold'], rows),
  ];
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
