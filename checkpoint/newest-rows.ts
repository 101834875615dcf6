/**
 * The rows that files amount to: each once, as the newest file has it, removed ones left out. Cold restore, merging,
 * savepoints and dumps all read state this way.
 */
import type { FileRef } from './manifest.js';
import { readRows, type StoredRow } from './rows-file.js';

export interface KeyGroupRange {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

/** Where the files of a checkpoint are to be had. */
export interface RowsReader {
  /** The content, checked against the digest. */
  readRows(file: FileRef): Promise<Uint8Array>;
}

/** `files`: oldest first. Memory: one file, and a name for each row. */
export async function* newestRows(
  store: RowsReader,
  files: readonly FileRef[],
  { first, end }: KeyGroupRange,
): AsyncIterable<StoredRow> {
  const wanted = (keyGroup: number): boolean => keyGroup >= first && keyGroup < end;
  const seen = new Set<string>();
  for (const file of [...files].reverse()) {
    // Within a file too, a later row replaces an earlier one.
    const rows = [...readRows(await store.readRows(file), wanted)].reverse();
    for (const row of rows) {
      if (seen.has(row.id)) continue;
      seen.add(row.id);
      if (!row.removed) yield row;
    }
  }
}
