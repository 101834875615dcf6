/**
 * Makes the files of a LevelDB store from rows in ascending order: tables, the manifest that lists them, CURRENT. Written by
 * LevelDB itself each row would go to a log, a skip list, a table, and then from table to table: several times the cost.
 *
 * Invariants:
 * - All tables are at one level, the lowest that they don't fill; so LevelDB has nothing to compact, and room for more.
 * - CURRENT comes last and by a rename: a process that dies before leaves a directory that is refused (level-files.ts).
 * - Nothing is synced. After a power cut any part may be missing, which is found when all files are read before the store
 *   is opened the next time; LevelDB will not have synced these tables then, whatever was flushed since.
 * - Memory: one table, whatever the number of rows.
 */
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import type { StoreRow } from '../../core/host.js';
import { manifestName, tableName } from './level-format.js';
import { manifestOf, type TableEntry } from './level-manifest.js';
import { LevelTableWriter, SEQUENCE, type TableSizes } from './level-table-writer.js';

const MANIFEST_NUMBER = 1;

/** LevelDB compacts a level once it is larger than this, ten times as much at each one further down; the last one never. */
const LEVEL_1_BYTES = 10 << 20;
const LEVEL_LAST = 6;
/** What of it the tables may take. */
const LEVEL_SHARE = 0.8;

/** Nothing may be at `path`. */
export async function loadLevelFiles(
  path: string,
  rows: AsyncIterable<readonly StoreRow[]>,
  sizes: TableSizes,
): Promise<void> {
  await fs.mkdir(path, { recursive: true });
  const tables = new Tables(path, sizes);
  for await (const page of rows) await tables.add(page);
  await writeManifest(path, await tables.finish());
}

class Tables {
  readonly #path: string;
  readonly #writer: LevelTableWriter;
  readonly #written: TableEntry[] = [];

  constructor(path: string, sizes: TableSizes) {
    this.#path = path;
    this.#writer = new LevelTableWriter(sizes);
  }

  async add(rows: readonly StoreRow[]): Promise<void> {
    const writer = this.#writer;
    for (const [key, value] of rows) {
      writer.add(key, value);
      if (writer.isFull) await this.#write();
    }
  }

  async finish(): Promise<readonly TableEntry[]> {
    if (!this.#writer.isEmpty) await this.#write();
    return this.#written;
  }

  async #write(): Promise<void> {
    const { bytes, smallest, largest } = this.#writer.finish();
    const number = MANIFEST_NUMBER + 1 + this.#written.length;
    await writeNew(join(this.#path, tableName(number)), bytes);
    this.#written.push({ number, sizeBytes: bytes.length, smallest, largest });
  }
}

async function writeManifest(path: string, tables: readonly TableEntry[]): Promise<void> {
  const name = manifestName(MANIFEST_NUMBER);
  const store = {
    level: levelFor(tables),
    tables,
    lastSequence: SEQUENCE,
    nextFile: MANIFEST_NUMBER + 1 + tables.length,
  };
  await writeNew(join(path, name), manifestOf(store));
  const temporary = join(path, `${name}.dbtmp`);
  await writeNew(temporary, Buffer.from(`${name}\n`));
  await fs.rename(temporary, join(path, 'CURRENT'));
}

/** Fails if there is such a file: something else is, or was, at work there. */
async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  await fs.writeFile(path, bytes, { flag: 'wx' });
}

function levelFor(tables: readonly TableEntry[]): number {
  const bytes = tables.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let level = 1;
  for (let most = LEVEL_1_BYTES; level < LEVEL_LAST && bytes > most * LEVEL_SHARE; most *= 10) level += 1;
  return level;
}
