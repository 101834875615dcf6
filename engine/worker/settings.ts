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
}

export const DEFAULT_SETTINGS: EngineSettings = Object.freeze({
  batchRecords: LIMITS.batchRecords,
  ringBytes: LIMITS.ringBytes,
  flushMs: LIMITS.flushMs,
  sliceMs: LIMITS.sliceMs,
  watermarkMs: LIMITS.watermarkMs,
});
