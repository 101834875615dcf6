/**
 * Every bound of the engine, with its unit and its reason. Relations between them are asserted below.
 */
import { assert } from './errors.js';

export const LIMITS = {
  /** Records a batch: its columns stay in the cache, and one dispatch serves a thousand records. */
  batchRecords: 1_024,
  /** Bytes of one cross-worker channel: a few full batches of small records. */
  ringBytes: 1 << 18,
  /** A partial batch waits at most this long for more records before it crosses an exchange. */
  flushMs: 5,
  /** A worker gives its event loop a turn after this much work. */
  sliceMs: 2,
  /** Watermarks leave a busy source at most this often; an idle one sends them at once. */
  watermarkMs: 20,
  /** Timers fired in one step, so that barriers and other chains get their turn. */
  timersPerStep: 1_000,
  /** Bytes of one record on its way to another worker, or in a source's text. */
  recordBytesMax: 64 << 20,
  /** Key groups: the finest grain of rescaling, fixed for the life of a job's state. */
  maxParallelism: 128,
  workersMax: 128,
  /** Batches of collected results that wait for the program to read them. */
  resultBatches: 4,
  /** Results kept when a program awaits a job instead of iterating over it. */
  resultsMax: 1_000_000,
  /** A checkpoint that takes longer is given up, so that the next one may do better. */
  checkpointTimeoutMs: 600_000,
  /** Files of rows a range of key groups; more are merged, so that recovery opens few. */
  stateFilesMax: 16,
  /** Bytes of keyed state that each worker holds in memory, about, where the rest is on disk. */
  stateBytes: 256 << 20,
  /** Checkpoints that wait to be written to a base together: at one a second, hot rows are written every 8 s. */
  baseLagMax: 8,
  /** Checkpoints that a manifest names as those it grew from: a base further behind is made anew. */
  ancestorsMax: 64,
  nameChars: 128,
} as const;

assert(LIMITS.workersMax <= LIMITS.maxParallelism, 'each worker needs a key group');
assert(LIMITS.baseLagMax < LIMITS.stateFilesMax, 'files to be merged are in the base');
assert(LIMITS.flushMs > LIMITS.sliceMs, 'a batch is given a whole slice to fill');
