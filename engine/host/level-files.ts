/**
 * Whether LevelDB's files are as they were written. It checks their checksums itself only where it likes to: one flipped
 * bit, and it returns another value, or none, or ends the process by an assertion. So a store is read whole before it is
 * opened (formats: level-format.ts).
 *
 * Invariant: what passes holds every table that the manifest lists, with each block intact, and a log that is intact up to
 * where it ends, which may be in the middle of a record: a write that did not get through.
 */
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { ByteReader } from '../../core/byte-sink.js';
import { EDIT, LOG_BLOCK_BYTES, LOG_HEADER_BYTES, LOG_PART, storedSum, tableName } from './level-format.js';
import { TableChecker } from './level-table-checker.js';

/** Checkers at work: while one's table is read, another one's is summed up. */
const CHECKERS = 2;

/** Throws unless all is well; nothing there is well, too. */
export async function checkLevelFiles(path: string): Promise<void> {
  const names = await fs.readdir(path).catch((): string[] => []);
  if (!names.includes('CURRENT')) {
    if (names.some((name) => /^MANIFEST|\.ldb$/.test(name))) throw damage(path, 'CURRENT is missing');
    return;
  }
  const current = (await fs.readFile(join(path, 'CURRENT'), 'latin1')).trimEnd();
  if (!/^MANIFEST-\d+$/.test(current)) throw damage(path, 'CURRENT');
  const manifest = await fs.readFile(join(path, current));
  const { records, end } = readLog(manifest, current);
  if (end !== manifest.length) throw damage(path, current);
  const live = new LiveFiles();
  for (const record of records) live.edit(record);
  await checkTables(path, live.tables, names);
  for (const name of names) {
    const number = Number(/^(\d+)\.log$/.exec(name)?.[1] ?? -1);
    if (number >= live.logNumber) readLog(await fs.readFile(join(path, name)), name);
  }
}

function damage(path: string, what: string): Error {
  return new Error(`${path}: ${what} is not as it was written`);
}

async function checkTables(path: string, tables: ReadonlyMap<number, number>, names: readonly string[]): Promise<void> {
  const left = each(tables);
  const checkSome = async (): Promise<void> => {
    const checker = new TableChecker();
    for (const [number, sizeBytes] of left) {
      const name = tableName(number);
      const found = names.includes(name) ? name : name.replace('.ldb', '.sst');
      await checker.check(join(path, found), sizeBytes, (what) => damage(path, `${found}: ${what}`));
    }
  };
  await Promise.all(Array.from({ length: CHECKERS }, checkSome));
}

/** For all of its callers together; leaving one's loop by an error ends it for the others. */
function* each<T>(all: Iterable<T>): Generator<T> {
  yield* all;
}

// Logs, of which the manifest is one

/** All whole records, and where they end: before the end of the file where the last one is cut off. */
function readLog(bytes: Buffer, name: string): { readonly records: Buffer[]; readonly end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const records: Buffer[] = [];
  let parts: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const left = LOG_BLOCK_BYTES - (at % LOG_BLOCK_BYTES);
    if (left < LOG_HEADER_BYTES) {
      at += left;
      continue;
    }
    if (at + LOG_HEADER_BYTES > bytes.length) return { records, end: at };
    const end = at + LOG_HEADER_BYTES + bytes.readUInt16LE(at + 4);
    if (end > bytes.length) return { records, end: at };
    if (end - at > left || view.getUint32(at, true) !== storedSum(view, at + 6, end)) throw damage(name, `byte ${at}`);
    const type = bytes[at + 6] as number;
    if (type === LOG_PART.full || type === LOG_PART.first) parts = [];
    parts.push(bytes.subarray(at + LOG_HEADER_BYTES, end));
    if (type === LOG_PART.full || type === LOG_PART.last) records.push(Buffer.concat(parts));
    at = end;
  }
  return { records, end: Math.min(at, bytes.length) };
}

/** What the manifest's edits, one after another, amount to. */
class LiveFiles {
  /** Sizes by number. */
  readonly tables = new Map<number, number>();
  logNumber = 0;

  edit(record: Buffer): void {
    const reader = new ByteReader(record);
    while (!reader.drained) this.field(reader.varint(), reader);
  }

  private field(tag: number, reader: ByteReader): void {
    switch (tag) {
      case EDIT.comparator:
        skipText(reader);
        return;
      case EDIT.logNumber:
        this.logNumber = reader.varint();
        return;
      case EDIT.nextFile:
      case EDIT.lastSequence:
      case EDIT.previousLogNumber:
        reader.varint();
        return;
      case EDIT.compactPointer:
        reader.varint();
        skipText(reader);
        return;
      case EDIT.deletedFile:
        reader.varint();
        this.tables.delete(reader.varint());
        return;
      case EDIT.newFile:
        reader.varint();
        this.tables.set(reader.varint(), reader.varint());
        skipText(reader);
        skipText(reader);
        return;
      default:
        throw new RangeError(`a manifest's edit has a field ${tag}`);
    }
  }
}

function skipText(reader: ByteReader): void {
  reader.take(reader.varint());
}
