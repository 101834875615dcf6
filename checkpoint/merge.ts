/**
 * Makes one run file of a range's run file and deltas, so that neither their number nor their size grows without end.
 */
import type { CheckpointStore } from './checkpoint-store.js';
import type { FileRef } from './manifest.js';
import { type KeyGroupRange, newestRows } from './newest-rows.js';
import { RowsFileWriter } from './rows-file.js';

/** Plain data: it goes to a pool thread. */
export interface MergeTask {
  /** Name of the new file. */
  readonly name: string;
  /** Oldest first. */
  readonly files: readonly FileRef[];
  readonly range: KeyGroupRange;
}

export async function mergeRows(store: CheckpointStore, { name, files, range }: MergeTask): Promise<FileRef> {
  const writer = new RowsFileWriter();
  for await (const { operator, table, kind, keyGroup, key, subkey, value } of newestRows(store, files, range)) {
    writer.of(operator).put(table, kind, keyGroup, key, subkey, value);
  }
  const merged = await store.writeRows(name, writer.finish());
  return { ...merged, ...lastEpoch(files), merged: true };
}

/** Nothing where one of the files does not say. */
function lastEpoch(files: readonly FileRef[]): { epoch?: number } {
  const epochs = files.flatMap(({ epoch }) => (epoch === undefined ? [] : [epoch]));
  return epochs.length === files.length ? { epoch: Math.max(...epochs) } : {};
}

/** Deltas weigh this much against what they would be merged with before it is worth it. */
const DELTA_SHARE_MAX = 0.5;
/** Below this the number of files counts, not their weight. */
const SMALL_BYTES = 1 << 20;

/** Whether a range's files, oldest first, should become one. `filesMax`: more are too many in any case. */
export function worthMerging(files: readonly FileRef[], filesMax: number): boolean {
  if (files.length > filesMax) return true;
  const [run = 0, ...deltas] = files.map(({ sizeBytes }) => sizeBytes);
  const weight = deltas.reduce((sum, bytes) => sum + bytes, 0);
  return weight > SMALL_BYTES && weight > run * DELTA_SHARE_MAX;
}
