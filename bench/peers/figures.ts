/** What is made of the runs of two contestants: rates, and ratios of neighbouring runs. */

import type { Cost } from '../process-cost.js';
import { median } from '../statistics.js';

/** One run. */
export interface Sample {
  /** From a third of the events to the end. */
  readonly warm: Cost;
  /** From the start of the process to its end. */
  readonly cold: Cost;
}

/** How many times ours the peer's CPU time is: median of the pairs, and their extremes. */
export interface Ratio {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface Comparison {
  readonly peer: string;
  readonly query: string;
  readonly events: number;
  /** Events a CPU-second, medians. */
  readonly warm: { readonly ours: number; readonly peer: number };
  readonly cold: { readonly ours: number; readonly peer: number };
  readonly generator: { readonly ours: number; readonly peer: number };
  readonly ratio: { readonly warm: Ratio; readonly warmNet: Ratio; readonly cold: Ratio };
  readonly samples: { readonly ours: readonly Sample[]; readonly peer: readonly Sample[] };
}

/** CPU-seconds an event. */
const costOf = ({ events, cpuSeconds }: Cost): number => cpuSeconds / events;
const rateOf = (costs: readonly Cost[]): number => 1 / median(costs.map(costOf));

export interface Side {
  readonly samples: readonly Sample[];
  /** Runs that only made the events. */
  readonly generator: readonly Cost[];
}

export function compare(peer: string, query: string, ours: Side, theirs: Side): Comparison {
  const of = (side: Side, part: 'warm' | 'cold'): Cost[] => side.samples.map((sample) => sample[part]);
  const rates = (part: 'warm' | 'cold') => ({ ours: rateOf(of(ours, part)), peer: rateOf(of(theirs, part)) });
  const generator = { ours: rateOf(ours.generator), peer: rateOf(theirs.generator) };
  const net = (cost: number, made: number): number => Math.max(cost - 1 / made, 0);
  return {
    peer,
    query,
    events: ours.samples[0]?.cold.events ?? 0,
    warm: rates('warm'),
    cold: rates('cold'),
    generator,
    ratio: {
      warm: ratioOf(of(theirs, 'warm').map(costOf), of(ours, 'warm').map(costOf)),
      warmNet: ratioOf(
        of(theirs, 'warm').map((cost) => net(costOf(cost), generator.peer)),
        of(ours, 'warm').map((cost) => net(costOf(cost), generator.ours)),
      ),
      cold: ratioOf(of(theirs, 'cold').map(costOf), of(ours, 'cold').map(costOf)),
    },
    samples: { ours: ours.samples, peer: theirs.samples },
  };
}

/**
 * Of the n-th run of one and the n-th of the other, which were neighbours. Where net nothing is left of one's cost, its ratio
 * is 0 or infinite, and of both, unknown: such a query says nothing of the engine.
 */
function ratioOf(theirs: readonly number[], ours: readonly number[]): Ratio {
  const ratios = theirs.map((cost, at) => cost / (ours[at] as number));
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) };
}

const millions = (rate: number): string => (rate / 1e6).toFixed(2).padStart(7);
const times = ({ median, least, most }: Ratio): string =>
  `${median.toFixed(1)}× (${least.toFixed(1)}–${most.toFixed(1)})`.padStart(20);

export const HEAD = [
  `${'million events a CPU-second'.padStart(47)}${'times the CPU of ours: median (spread)'.padStart(47)}`,
  `${'query'.padEnd(14)}${'peer'.padEnd(17)}${'warm: peer, ours'.padStart(16)}${'cold: peer, ours'.padStart(18)}${'warm, gross'.padStart(20)}${'warm, net'.padStart(20)}${'cold'.padStart(20)}`,
].join('\n');

export function lineOf({ query, peer, warm, cold, ratio }: Comparison): string {
  const rates = `${millions(warm.peer)} ${millions(warm.ours)}  ${millions(cold.peer)} ${millions(cold.ours)}  `;
  return `${query.padEnd(14)}${peer.padEnd(17)}${rates}${times(ratio.warm)}${times(ratio.warmNet)}${times(ratio.cold)}`;
}

/** Geometric means and worst queries of a peer's comparisons. */
export function summaryOf(comparisons: readonly Comparison[]): string {
  const part = (name: keyof Comparison['ratio']): string => {
    const ratios = comparisons
      .map(({ query, ratio }) => ({ query, times: ratio[name].median }))
      .filter(({ times }) => times > 0 && Number.isFinite(times));
    if (ratios.length === 0) return '–';
    const mean = Math.exp(ratios.reduce((sum, { times }) => sum + Math.log(times), 0) / ratios.length);
    const worst = ratios.reduce((least, one) => (one.times < least.times ? one : least));
    return `${mean.toFixed(1)}×, worst ${worst.times.toFixed(1)}× (${worst.query})`;
  };
  return `geometric means: warm, gross ${part('warm')}; warm, net ${part('warmNet')}; cold ${part('cold')}`;
}
