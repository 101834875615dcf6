/**
 * What tunes the engine without changing any answer. Tests draw them at random.
 */
import { LIMITS } from '../../core/limits.js';

export interface EngineSettings {
  readonly batchRecords: number;
  readonly ringBytes: number;
  readonly flushMs: number;
  readonly sliceMs: number;
  readonly watermarkMs: number;
  /** What holds keyed state. `level` needs checkpoints; a job without them keeps its state on the heap. */
  readonly backend: 'memory' | 'level';
  /** Bytes of rows that each worker holds in memory, about, with the `level` backend. */
  readonly stateBytes: number;
  /** Completed checkpoints that wait to be written to the base of the `level` backend together. */
  readonly baseLagMax: number;
}

export const DEFAULT_SETTINGS: EngineSettings = Object.freeze({
  batchRecords: LIMITS.batchRecords,
  ringBytes: LIMITS.ringBytes,
  flushMs: LIMITS.flushMs,
  sliceMs: LIMITS.sliceMs,
  watermarkMs: LIMITS.watermarkMs,
  backend: 'memory',
  stateBytes: LIMITS.stateBytes,
  baseLagMax: LIMITS.baseLagMax,
});
