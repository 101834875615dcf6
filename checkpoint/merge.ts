/**
 * Makes one run file of a range's run file and deltas, so that neither their number nor their size grows without end.
 */
import type { FileRef } from './manifest.js';
import { type KeyGroupRange, newestRows, type RowsReader } from './newest-rows.js';
import { type RowsFile, RowsFileWriter } from './rows-file.js';

/** Plain data: it goes to a pool thread. */
export interface MergeTask {
  /** Name of the new file. */
  readonly name: string;
  /** Oldest first. */
  readonly files: readonly FileRef[];
  readonly range: KeyGroupRange;
  /** Directory of a savepoint that the new file goes to; left out: the state directory itself. */
  readonly into?: string;
  /** Operators whose rows get another name, or, with null, are left out. */
  readonly names?: OperatorNames;
}

/** The new name of an operator by its old one; null: it is no more. */
export type OperatorNames = Readonly<Record<string, string | null>>;

export interface RowsWriter {
  writeRows(name: string, file: RowsFile): Promise<FileRef>;
}

export async function mergeRows(
  from: RowsReader,
  { name, files, range, names = {} }: MergeTask,
  into: RowsWriter,
): Promise<FileRef> {
  const writer = new RowsFileWriter();
  for await (const { operator, table, kind, keyGroup, key, subkey, value } of newestRows(from, files, range)) {
    const uid = Object.hasOwn(names, operator) ? names[operator] : operator;
    if (typeof uid === 'string') writer.of(uid).put(table, kind, keyGroup, key, subkey, value);
  }
  const merged = await into.writeRows(name, writer.finish());
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
