/**
 * What coordinator and workers say to each other: plain data, in order, both ways. Records never go this way, except
 * collected results.
 */
import type { ErrorData } from '../../core/errors.js';
import type { Pressure } from '../../state/level/state-cache.js';
import type { AssignedSplit } from './active-split.js';
import type { SubtaskMetrics } from './metrics.js';
import type { WorkerPart } from './worker-checkpoints.js';

/** Splits for one source on one worker. */
export interface SplitAssignment {
  readonly uid: string;
  readonly splits: readonly AssignedSplit[];
  /** No more will come. */
  readonly final: boolean;
}

export type ToWorker =
  | { readonly kind: 'assign'; readonly assignments: readonly SplitAssignment[] }
  /** Assignments that come with a trigger are part of the checkpoint it begins. */
  | {
      readonly kind: 'trigger';
      readonly checkpoint: number;
      /** The job stops at this one. */
      readonly last: boolean;
      readonly assignments: readonly SplitAssignment[];
    }
  | { readonly kind: 'complete'; readonly checkpoint: number; readonly id: string }
  | { readonly kind: 'abort'; readonly checkpoint: number }
  | { readonly kind: 'stop'; readonly drain: boolean }
  /** Sources are to read nothing, or to go on. Barriers go out all the same. */
  | { readonly kind: 'hold'; readonly held: boolean }
  /** So far have the slowest splits of an alignment group come. */
  | { readonly kind: 'align'; readonly group: string; readonly watermark: number }
  /** The program has read a batch of results of this sink. */
  | { readonly kind: 'credit'; readonly uid: string }
  | { readonly kind: 'report' }
  | { readonly kind: 'close' };

export type ToCoordinator =
  | { readonly kind: 'opened'; readonly fingerprint: string }
  | { readonly kind: 'acknowledged'; readonly part: WorkerPart }
  /** What the worker wants done about rows that can't leave its memory has changed. */
  | { readonly kind: 'pressure'; readonly pressure: Pressure }
  /** Something waits for the next checkpoint. */
  | { readonly kind: 'wants-checkpoint' }
  /** How far the slowest split of a source has come, whose splits are aligned. */
  | { readonly kind: 'progress'; readonly uid: string; readonly watermark: number }
  | { readonly kind: 'ended'; readonly chain: number; readonly handles: ReadonlyMap<string, readonly unknown[]> }
  | { readonly kind: 'metrics'; readonly subtasks: readonly SubtaskMetrics[] }
  | { readonly kind: 'results'; readonly uid: string; readonly records: readonly unknown[] }
  | { readonly kind: 'failed'; readonly error: ErrorData }
  | { readonly kind: 'closed' };
