/**
 * Counters of a running job as plain data: workers send them, the coordinator adds them up.
 */
import type { Meter } from '../../core/meter.js';

export interface StageMetrics {
  readonly uid: string;
  readonly recordsIn: number;
  /** Main output only. */
  readonly recordsOut: number;
  /** Epoch ms; TIME_MIN before the first one. */
  readonly watermark: number;
  /** Of a source: it has nothing to read now, or gives no times, so that others need not wait for it. */
  readonly idle: boolean;
  /** Keys that have state in this subtask. */
  readonly keys: number;
  /** What the operator measures of itself. */
  readonly meters: readonly Meter[];
}

export interface SubtaskMetrics {
  readonly chain: number;
  readonly subtask: number;
  readonly stages: readonly StageMetrics[];
}
