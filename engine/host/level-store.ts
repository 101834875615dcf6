/**
 * The real ordered store: LevelDB, by classic-level.
 *
 * Invariants: writes go out one after another, in order of the calls. LevelDB syncs neither its log nor anything else
 * for them; `flush` has it turn the log into a table, which it does sync.
 */
import { ClassicLevel } from 'classic-level';
import type { OrderedStore, StoreChange, StoreRow } from '../../core/host.js';
import { checkLevelFiles } from './level-files.js';
import { loadLevelFiles } from './level-loader.js';

/** Rows of one page of a range. */
const PAGE_ROWS = 1_000;

const OPTIONS = {
  keyEncoding: 'view',
  valueEncoding: 'view',
  // Measured in docs/design/level.md: fewer, larger tables, and no time spent on compressing small packed rows.
  compression: false,
  writeBufferSize: 4 << 20,
  maxFileSize: 8 << 20,
  cacheSize: 16 << 20,
  blockSize: 4 << 10,
} as const;

/** Behind every key. */
const LAST = new Uint8Array(64).fill(0xff);

type Database = ClassicLevel<Uint8Array, Uint8Array>;

export class LevelStore implements OrderedStore {
  readonly #database: Database;
  #written: Promise<void> = Promise.resolve();

  static async open(path: string): Promise<LevelStore> {
    await checkLevelFiles(path);
    return LevelStore.#open(path);
  }

  /** Not checked: its files have been written this moment. */
  static async fill(path: string, rows: AsyncIterable<readonly StoreRow[]>): Promise<LevelStore> {
    await loadLevelFiles(path, rows, { tableBytes: OPTIONS.maxFileSize, blockBytes: OPTIONS.blockSize });
    return LevelStore.#open(path);
  }

  static async #open(path: string): Promise<LevelStore> {
    const database: Database = new ClassicLevel(path, OPTIONS);
    await database.open().catch(fail);
    return new LevelStore(database);
  }

  private constructor(database: Database) {
    this.#database = database;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#database.getSync(key);
  }

  getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#database.getMany(keys as Uint8Array[]);
  }

  async *range(from: Uint8Array, end: Uint8Array): AsyncGenerator<readonly StoreRow[]> {
    const iterator = this.#database.iterator({ gte: from, lt: end, highWaterMarkBytes: 1 << 20 });
    try {
      for (;;) {
        const rows = await iterator.nextv(PAGE_ROWS);
        if (rows.length === 0) return;
        yield rows;
      }
    } finally {
      await iterator.close();
    }
  }

  write(changes: readonly StoreChange[]): Promise<void> {
    const batch = this.#database.batch();
    for (const [key, value] of changes) {
      if (value === undefined) batch.del(key);
      else batch.put(key, value);
    }
    // LevelDB would take them in any order.
    this.#written = this.#written.then(() => batch.write().catch(fail));
    return this.#written;
  }

  /** Compacting a range that holds nothing writes the log's rows to a table all the same, and moves nothing else. */
  async flush(): Promise<void> {
    await this.#database.compactRange(LAST, LAST).catch(fail);
  }

  sizeBytes(): Promise<number> {
    return this.#database.approximateSize(new Uint8Array(1), LAST);
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}

function fail(error: unknown): never {
  throw systemError(error);
}

/** With the system's code for a full disk, of which LevelDB has only the words. */
export function systemError(error: unknown): unknown {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (!/no space left on device|disk quota exceeded|not enough space/i.test(at.message)) continue;
    return Object.assign(new Error(at.message, { cause: error }), { code: 'ENOSPC' });
  }
  return error;
}
