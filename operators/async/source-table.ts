/**
 * All records of a bounded source as a table, by key: how a reference file is loaded for lookups. A malformed record fails the
 * load; of several records with one key the last counts.
 */
import { Batch } from '../../core/batch.js';
import { MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import type { Source, Split, SplitReader } from '../source.js';

/** Loads a table; called with the host of the subtask. */
export type TableLoader<K, R> = (host: Host) => Promise<readonly (readonly [K, R])[]>;

const BATCH_RECORDS = 1_024;

/** Throws `MILL_OPTION_INVALID` for a source that never ends. */
export function sourceTable<K, R>(source: Source<R>, keyOf: (row: R) => K): TableLoader<K, R> {
  if (!source.bounded)
    throw new MillraceError('MILL_OPTION_INVALID', `a table of ${source.kind} would never be complete`, {
      hint: 'Read files without follow, or another source that ends.',
    });
  return async (host) => {
    const rows: (readonly [K, R])[] = [];
    for (const split of await source.enumerator({ host, parallelism: 1 }).discover())
      await readSplit(source as Source<unknown>, split, host, (row) => rows.push([keyOf(row as R), row as R]));
    return rows;
  };
}

async function readSplit(
  source: Source<unknown>,
  split: Split,
  host: Host,
  take: (row: unknown) => void,
): Promise<void> {
  const waiting = new Waiting();
  const reader = source.reader(split, undefined, {
    host,
    subtask: 0,
    wake: () => waiting.wake(),
    fail: (error) => waiting.fail(error),
    malformed: ({ error }) => {
      throw error;
    },
  });
  try {
    await drain(reader, waiting, take);
  } finally {
    await reader.close();
  }
}

async function drain(reader: SplitReader, waiting: Waiting, take: (row: unknown) => void): Promise<void> {
  for (;;) {
    const batch = new Batch(BATCH_RECORDS);
    const status = reader.poll(batch);
    for (let at = 0; at < batch.count; at += 1) take(batch.records[at]);
    if (status === 'end') return;
    if (status === 'wait') await waiting.next();
  }
}

/** A reader says when it has more, perhaps before anybody asks. */
class Waiting {
  #isAwake = false;
  #failure: { readonly error: unknown } | undefined;
  #resolve: (() => void) | undefined;

  wake(): void {
    this.#isAwake = true;
    this.#resolve?.();
  }

  fail(error: unknown): void {
    this.#failure = { error };
    this.wake();
  }

  async next(): Promise<void> {
    if (!this.#isAwake)
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
    this.#isAwake = false;
    if (this.#failure) throw this.#failure.error;
  }
}
