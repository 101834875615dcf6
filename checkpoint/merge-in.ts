/**
 * Merges in a state directory, wherever the result is to go: what a pool thread does, and a simulation.
 */
import type { Storage } from '../core/host.js';
import { CheckpointStore } from './checkpoint-store.js';
import type { FileRef } from './manifest.js';
import { type MergeTask, mergeRows } from './merge.js';
import { Savepoint } from './savepoint.js';

export function mergeIn(storage: Storage, stateDirectory: string, task: MergeTask): Promise<FileRef> {
  const store = new CheckpointStore(storage, stateDirectory);
  return mergeRows(store, task, task.into === undefined ? store : new Savepoint(storage, task.into));
}
