/**
 * Whether LevelDB's files are as they were written. It checks their checksums itself only where it likes to: one flipped
 * bit, and it returns another value, or none, or ends the process by an assertion. So a store is read whole before it is
 * opened; formats as in LevelDB's own doc/log_format.md, doc/table_format.md and version_edit.cc.
 *
 * Invariant: what passes holds every table that the manifest lists, with each block intact, and a log that is intact up to
 * where it ends, which may be in the middle of a record: a write that did not get through.
 */
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { ByteReader } from '../../core/byte-sink.js';
import { crc32c } from './crc32c.js';

const LOG_BLOCK_BYTES = 32 << 10;
const LOG_HEADER_BYTES = 7;
const [FULL, FIRST, LAST] = [1, 2, 4];

const BLOCK_TRAILER_BYTES = 5;
const FOOTER_BYTES = 48;
const TABLE_MAGIC = Buffer.from('57fb808b247547db', 'hex');

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
  for (const [number, sizeBytes] of live.tables) await checkTable(tablePath(path, number, names), sizeBytes);
  for (const name of names) {
    const number = Number(/^(\d+)\.log$/.exec(name)?.[1] ?? -1);
    if (number >= live.logNumber) readLog(await fs.readFile(join(path, name)), name);
  }
}

function damage(path: string, what: string): Error {
  return new Error(`${path}: ${what} is not as it was written`);
}

function tablePath(path: string, number: number, names: readonly string[]): string {
  const name = String(number).padStart(6, '0');
  return join(path, names.includes(`${name}.sst`) ? `${name}.sst` : `${name}.ldb`);
}

/** LevelDB stores a rotated sum, lest sums of sums be taken. */
function isSum(stored: number, bytes: Uint8Array, from: number, end: number): boolean {
  const rotated = (stored - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0 === crc32c(bytes, from, end);
}

// Logs, of which the manifest is one

/** All whole records, and where they end: before the end of the file where the last one is cut off. */
function readLog(bytes: Buffer, name: string): { readonly records: Buffer[]; readonly end: number } {
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
    if (end - at > left || !isSum(bytes.readUInt32LE(at), bytes, at + 6, end)) throw damage(name, `byte ${at}`);
    const type = bytes[at + 6] as number;
    if (type === FULL || type === FIRST) parts = [];
    parts.push(bytes.subarray(at + LOG_HEADER_BYTES, end));
    if (type === FULL || type === LAST) records.push(Buffer.concat(parts));
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
      case 1:
        skipText(reader);
        return;
      case 2:
        this.logNumber = reader.varint();
        return;
      case 3:
      case 4:
      case 9:
        reader.varint();
        return;
      case 5:
        reader.varint();
        skipText(reader);
        return;
      case 6:
        reader.varint();
        this.tables.delete(reader.varint());
        return;
      case 7:
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

// Tables

interface Handle {
  readonly at: number;
  readonly sizeBytes: number;
}

/** Every block, and that there is nothing between them. */
async function checkTable(path: string, sizeBytes: number): Promise<void> {
  const bytes = await fs.readFile(path);
  const footer = bytes.length - FOOTER_BYTES;
  if (bytes.length !== sizeBytes || footer < 0 || !bytes.subarray(-8).equals(TABLE_MAGIC))
    throw damage(path, 'its end');
  const reader = new ByteReader(bytes, footer);
  const [meta, index] = [readHandle(reader), readHandle(reader)];
  const handles = [
    meta,
    index,
    ...handlesIn(checkedBlock(bytes, meta, path)),
    ...handlesIn(checkedBlock(bytes, index, path)),
  ];
  let covered = 0;
  for (const handle of handles) {
    checkedBlock(bytes, handle, path);
    covered += handle.sizeBytes + BLOCK_TRAILER_BYTES;
  }
  if (covered !== footer) throw damage(path, 'its index');
}

function readHandle(reader: ByteReader): Handle {
  const at = reader.varint();
  return { at, sizeBytes: reader.varint() };
}

function checkedBlock(bytes: Buffer, { at, sizeBytes }: Handle, path: string): Uint8Array {
  const end = at + sizeBytes;
  if (end + BLOCK_TRAILER_BYTES > bytes.length || !isSum(bytes.readUInt32LE(end + 1), bytes, at, end + 1))
    throw damage(path, `block ${at}`);
  if (bytes[end] !== 0) throw damage(path, 'its compression');
  return bytes.subarray(at, end);
}

/** The values of a block of handles; its last bytes say how many places for binary search stand before them. */
function handlesIn(block: Uint8Array): Handle[] {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const end = block.length - 4 - 4 * view.getUint32(block.length - 4, true);
  const reader = new ByteReader(block);
  const handles: Handle[] = [];
  while (reader.at < end) {
    reader.varint();
    const keyBytes = reader.varint();
    const valueBytes = reader.varint();
    reader.take(keyBytes);
    handles.push(readHandle(new ByteReader(reader.take(valueBytes))));
  }
  return handles;
}
