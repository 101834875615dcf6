/**
 * What a checkpoint holds for one worker, and how its rows come back into state.
 */
import type { FileRef, KeyGroupRange } from '../../checkpoint/manifest.js';
import { newestRows, type RowsReader } from '../../checkpoint/newest-rows.js';
import type { StoredRow } from '../../checkpoint/rows-file.js';

/** Plain data: it crosses threads. */
export interface WorkerRestore {
  /** State of operators that is not keyed, and sink handles, dealt to this worker; by uid. */
  readonly states: ReadonlyMap<string, readonly unknown[]>;
  /** Watermarks that had passed, by the uid of a chain's head. */
  readonly watermarks: ReadonlyMap<string, number>;
  /** States of random generators, likewise. */
  readonly randoms: ReadonlyMap<string, readonly number[]>;
  /** The checkpoint, and ids of those it grew from, nearest first. */
  readonly checkpoint: { readonly id: string; readonly epoch: number };
  readonly ancestors: readonly string[];
  /** Files with rows of the worker's key groups, oldest first. */
  readonly files: readonly FileRef[];
  /** The key groups [first, end) that the worker owns. */
  readonly keyGroups: KeyGroupRange;
}

/** Hands every row that is there to `restore`, once. */
export async function restoreRows(
  store: RowsReader,
  { files, keyGroups }: WorkerRestore,
  restore: (row: StoredRow) => void,
): Promise<void> {
  for await (const row of newestRows(store, files, keyGroups)) restore(row);
}
