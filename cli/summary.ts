/** What came of a job: how it ended, how much it read, and what each sink got. */
import type { JobMetrics } from '../api/job-handle.js';
import type { LogicalPlan } from '../engine/graph/nodes.js';
import { count, timeText } from './progress-text.js';

export interface Summary {
  readonly status: string;
  readonly resumed: boolean;
  readonly alreadyFinished: boolean;
  readonly seconds: number;
  readonly metrics: JobMetrics;
  /** Where its checkpoints are; false: nowhere. */
  readonly state: string | false;
  readonly plan: LogicalPlan;
}

/**
 *   word-count finished: 336,776 events in 2.1 s, 160,369/s
 *     counts   19,486 records
 */
export function summaryText(summary: Summary): string {
  return summary.alreadyFinished ? nothingToDo(summary) : whatCame(summary);
}

function nothingToDo({ metrics: { checkpoint }, plan, state }: Summary): string {
  const when = checkpoint ? `, at ${timeText(checkpoint.completedAt)}` : '';
  return `${plan.job} has finished already${when} (${state}): nothing to do; --fresh starts over`;
}

function whatCame({ status, resumed, seconds, metrics, plan, state }: Summary): string {
  const restarts = metrics.restarts > 0 ? `, ${metrics.restarts} restarts` : '';
  const rate = count(metrics.events / seconds);
  const before = resumed ? ', on from a checkpoint' : '';
  const title = `${plan.job} ${status}: ${count(metrics.events)} events in ${seconds.toFixed(1)} s, ${rate}/s${restarts}${before}`;
  const sinks = sinkCounts(metrics, plan).map(([name, records]) => [name, count(records)] as const);
  const [nameWidth, countWidth] = [widest(sinks.map(([name]) => name)), widest(sinks.map(([, text]) => text))];
  return [
    title,
    ...sinks.map(([name, text]) => `  ${name.padEnd(nameWidth)}  ${text.padStart(countWidth)} records`),
    ...(status === 'stopped' && state !== false ? [`the next run goes on from here (${state})`] : []),
  ].join('\n');
}

/** The same as one line of JSON. */
export function summaryJson({ status, resumed, alreadyFinished, seconds, metrics, plan }: Summary): string {
  const { events, restarts } = metrics;
  return JSON.stringify({
    type: 'summary',
    job: plan.job,
    status,
    resumed,
    alreadyFinished,
    seconds,
    events,
    restarts,
    checkpoint: metrics.checkpoint?.epoch ?? null,
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
