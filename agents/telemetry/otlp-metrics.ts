/**
 * A job's metrics as OpenTelemetry's protocol has them.
 */
import type { JobMetrics, OperatorMetrics } from '../../api/job-handle.js';
import type { Meter } from '../../core/meter.js';
import { GEN_AI } from './gen-ai.js';
import { attributesOf, nanosOf, type OtlpAttribute, type OtlpResource, SCOPE } from './otlp.js';

/** What metrics are of. */
export interface OtlpMetricsOptions {
  /** `service.name`; default `'millrace'`. */
  readonly service?: string;
  /** When the job was started, epoch ms: counters count from then. */
  readonly startedAt: number;
  /** When the metrics were read, epoch ms. */
  readonly now: number;
}

interface OtlpPoint {
  readonly attributes: readonly OtlpAttribute[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly asDouble?: number;
  readonly count?: string;
  readonly sum?: number;
  readonly bucketCounts?: readonly string[];
  readonly explicitBounds?: readonly number[];
}

interface OtlpMetric {
  readonly name: string;
  readonly unit: string;
  readonly sum?: { readonly aggregationTemporality: 2; readonly isMonotonic: true; readonly dataPoints: OtlpPoint[] };
  readonly gauge?: { readonly dataPoints: OtlpPoint[] };
  readonly histogram?: { readonly aggregationTemporality: 2; readonly dataPoints: OtlpPoint[] };
}

/** A request to `/v1/metrics`, as JSON. */
export interface OtlpMetrics {
  readonly resourceMetrics: readonly {
    readonly resource: OtlpResource;
    readonly scopeMetrics: readonly { readonly scope: { readonly name: string }; readonly metrics: OtlpMetric[] }[];
  }[];
}

const CUMULATIVE = 2;

/**
 * What `handle.metrics()` gives as a request to an OpenTelemetry collector: records in and out of each operator, and what
 * operators measure of themselves. Counters begin again at 0 when a job restarts, as OpenTelemetry expects of a restart.
 *
 * @example
 * const body = JSON.stringify(otlpMetrics(await handle.metrics(), { startedAt, now: Date.now() }))
 * await fetch('http://localhost:4318/v1/metrics', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
 */
export function otlpMetrics({ operators }: Pick<JobMetrics, 'operators'>, options: OtlpMetricsOptions): OtlpMetrics {
  const { service = 'millrace', startedAt, now } = options;
  const times = { startTimeUnixNano: nanosOf(startedAt), timeUnixNano: nanosOf(now) };
  const metrics = new Map<string, OtlpMetric>();
  for (const operator of operators)
    for (const meter of metersOf(operator)) {
      const metric = metrics.get(meter.name) ?? metricOf(meter);
      metrics.set(meter.name, metric);
      (metric.sum ?? metric.gauge ?? metric.histogram)?.dataPoints.push({ ...pointOf(operator, meter), ...times });
    }
  const resource = { attributes: attributesOf({ 'service.name': service }) };
  return { resourceMetrics: [{ resource, scopeMetrics: [{ scope: SCOPE, metrics: [...metrics.values()] }] }] };
}

function metersOf({ recordsIn, recordsOut, keys, meters }: OperatorMetrics): readonly Meter[] {
  const own = { unit: '{record}', attributes: {} };
  return [
    { ...own, name: 'millrace.records.in', kind: 'counter', value: recordsIn },
    { ...own, name: 'millrace.records.out', kind: 'counter', value: recordsOut },
    { ...own, name: 'millrace.keys', kind: 'gauge', unit: '{key}', value: keys },
    ...meters,
  ];
}

function metricOf({ name, unit, kind }: Meter): OtlpMetric {
  if (kind === 'gauge') return { name, unit, gauge: { dataPoints: [] } };
  if (kind === 'counter')
    return { name, unit, sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints: [] } };
  return { name, unit, histogram: { aggregationTemporality: CUMULATIVE, dataPoints: [] } };
}

function pointOf({ name, type }: OperatorMetrics, { attributes, value, buckets, bounds }: Meter) {
  const place = { 'millrace.operator': name, ...(type === 'agent' && { [GEN_AI.agent]: name }) };
  const of = { attributes: attributesOf({ ...place, ...attributes }) };
  if (!buckets || !bounds) return { ...of, asDouble: value };
  const count = String(buckets.reduce((sum, each) => sum + each, 0));
  return { ...of, count, sum: value, bucketCounts: buckets.map(String), explicitBounds: bounds };
}
