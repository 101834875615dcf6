/**
 * Makes one file of rows of several, so that neither their number nor their size grows without end.
 */
import type { FileRef, KeyGroupRange } from './manifest.js';
import { pieces, type RowsReader } from './newest-rows.js';
import { type RowsContent, RowsFileWriter, type Section, TableBook, type TableEntry } from './rows-file.js';

/** Plain data: it goes to a pool thread. */
export interface MergeTask {
  /** Name of the new file. */
  readonly name: string;
  /** Oldest first. */
  readonly files: readonly FileRef[];
  readonly range: KeyGroupRange;
  /** There are older files: what was removed must still say so. */
  readonly keepsRemoved?: boolean;
  /** Directory of a savepoint that the new file goes to; left out: the state directory itself. */
  readonly into?: string;
  /** Operators whose rows get another name, or, with null, are left out. */
  readonly names?: OperatorNames;
}

/** The new name of an operator by its old one; null: it is no more. */
export type OperatorNames = Readonly<Record<string, string | null>>;

export interface RowsWriter {
  writeRows(name: string, content: RowsContent): Promise<FileRef>;
}

export async function mergeRows(from: RowsReader, task: MergeTask, into: RowsWriter): Promise<FileRef> {
  const { name, files, keepsRemoved = false } = task;
  const book = new TableBook();
  const merged = await into.writeRows(name, { sections: mergedSections(from, task, book), tables: book.entries });
  return { ...merged, ...lastEpoch(files), ...(keepsRemoved ? {} : { merged: true }) };
}

async function* mergedSections(
  from: RowsReader,
  { files, range, keepsRemoved = false, names = {} }: MergeTask,
  book: TableBook,
): AsyncGenerator<Section> {
  const old = new TableBook();
  for await (const piece of pieces(from, files, range, old)) {
    const writer = new RowsFileWriter(book);
    const tables = old.entries.map((entry) => numberOf(entry, names, book));
    piece.copyNewest(writer, tables, keepsRemoved);
    yield* writer.finish().sections;
  }
}

/** -1 for rows that are left out. */
function numberOf([operator, table, kind]: TableEntry, names: OperatorNames, book: TableBook): number {
  const uid = Object.hasOwn(names, operator) ? names[operator] : operator;
  return typeof uid === 'string' ? book.numberOf(uid, table, kind) : -1;
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

export interface MergeLimits {
  /** More files than this are too many. */
  readonly filesMax: number;
  /** A base holds all checkpoints up to this one, and is to find out what later ones removed. */
  readonly applied: number;
}

/**
 * Which of a range's files, oldest first, should become one; undefined: none. The first of them, up to `applied`, once
 * the deltas there have much to replace. Before that, where there are too many, the last few: those none of which
 * outweighs what came after it, so that a row is written again for each doubling of what lies behind it, and not with
 * every merge.
 */
export function worthMerging(files: readonly FileRef[], limits: MergeLimits): readonly FileRef[] | undefined {
  const late = files.findIndex(({ epoch = 0 }) => epoch > limits.applied);
  const early = late < 0 ? files : files.slice(0, late);
  const [run = 0, ...deltas] = early.map(({ sizeBytes }) => sizeBytes);
  const weight = deltas.reduce((sum, bytes) => sum + bytes, 0);
  if (weight > SMALL_BYTES && weight > run * DELTA_SHARE_MAX) return early;
  if (files.length <= limits.filesMax) return undefined;
  const sizes = files.map(({ sizeBytes }) => sizeBytes);
  let first = files.length - 2;
  for (let at = first, after = sizes.at(-1) as number; at > 0; after += sizes[at] as number, at -= 1)
    if ((sizes[at] as number) <= after) first = at;
  return files.slice(first);
}
