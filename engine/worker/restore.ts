/**
 * What a checkpoint holds for one worker, and how its rows come back into state.
 */
import type { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import type { FileRef } from '../../checkpoint/manifest.js';
import { readRows, type StoredRow } from '../../checkpoint/rows-file.js';

/** Plain data: it crosses threads. */
export interface WorkerRestore {
  /** State of operators that is not keyed, and sink handles, dealt to this worker; by uid. */
  readonly states: ReadonlyMap<string, readonly unknown[]>;
  /** Watermarks that had passed, by the uid of a chain's head. */
  readonly watermarks: ReadonlyMap<string, number>;
  /** States of random generators, likewise. */
  readonly randoms: ReadonlyMap<string, readonly number[]>;
  /** Files with rows of the worker's key groups, oldest first. */
  readonly files: readonly FileRef[];
  /** The key groups [first, end) that the worker owns. */
  readonly keyGroups: { readonly first: number; readonly end: number };
}

/** Hands every row that is there to `restore`, once, as the newest file has it. */
export async function restoreRows(
  store: CheckpointStore,
  { files, keyGroups }: WorkerRestore,
  restore: (row: StoredRow) => void,
): Promise<void> {
  const wanted = (keyGroup: number): boolean => keyGroup >= keyGroups.first && keyGroup < keyGroups.end;
  const seen = new Set<string>();
  for (const file of [...files].reverse()) {
    for (const row of newestFirst(readRows(await store.readRows(file), wanted))) {
      if (seen.has(row.id)) continue;
      seen.add(row.id);
      if (!row.removed) restore(row);
    }
  }
}

/** Within a file too, a later row replaces an earlier one. */
function newestFirst(rows: Iterable<StoredRow>): StoredRow[] {
  return [...rows].reverse();
}
