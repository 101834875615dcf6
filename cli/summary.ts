/** What came of a job: how it ended, how much it read, and what each sink got. */
import type { JobMetrics } from '../api/job-handle.js';
import type { LogicalPlan } from '../engine/graph/nodes.js';
import { count } from './progress-text.js';

export interface Summary {
  readonly status: string;
  readonly seconds: number;
  readonly metrics: JobMetrics;
  readonly plan: LogicalPlan;
}

/**
 *   word-count finished: 336,776 events in 2.1 s, 160,369/s
 *     counts   19,486 records
 */
export function summaryText({ status, seconds, metrics, plan }: Summary): string {
  const restarts = metrics.restarts > 0 ? `, ${metrics.restarts} restarts` : '';
  const rate = count(metrics.events / seconds);
  const title = `${plan.job} ${status}: ${count(metrics.events)} events in ${seconds.toFixed(1)} s, ${rate}/s${restarts}`;
  const sinks = sinkCounts(metrics, plan).map(([name, records]) => [name, count(records)] as const);
  const [nameWidth, countWidth] = [widest(sinks.map(([name]) => name)), widest(sinks.map(([, text]) => text))];
  return [
    title,
    ...sinks.map(([name, text]) => `  ${name.padEnd(nameWidth)}  ${text.padStart(countWidth)} records`),
  ].join('\n');
}

/** The same as one line of JSON. */
export function summaryJson({ status, seconds, metrics, plan }: Summary): string {
  const { events, restarts } = metrics;
  return JSON.stringify({
    type: 'summary',
    job: plan.job,
    status,
    seconds,
    events,
    restarts,
    sinks: Object.fromEntries(sinkCounts(metrics, plan)),
  });
}

function sinkCounts(metrics: JobMetrics, plan: LogicalPlan): (readonly [name: string, records: number])[] {
  const sinks = new Set(plan.nodes.filter(({ kind }) => kind === 'sink').map(({ uid }) => uid));
  return metrics.operators
    .filter(({ name }) => sinks.has(name))
    .map(({ name, recordsIn }) => [name, recordsIn] as const);
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}
