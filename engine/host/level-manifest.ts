/**
 * The manifest of a LevelDB store in which nothing has happened yet but that its tables were put there: one record of a log.
 */
import { LevelBytes } from './level-bytes.js';
import { EDIT, LOG_BLOCK_BYTES, LOG_HEADER_BYTES, LOG_PART, storedSum } from './level-format.js';

export interface TableEntry {
  readonly number: number;
  readonly sizeBytes: number;
  /** With sequence number and type. */
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
}

export interface NewStore {
  readonly level: number;
  readonly tables: readonly TableEntry[];
  readonly lastSequence: number;
  /** No file has this number or a higher one. */
  readonly nextFile: number;
}

export function manifestOf({ level, tables, lastSequence, nextFile }: NewStore): Uint8Array {
  const record = new LevelBytes(4 << 10);
  record.varint(EDIT.comparator);
  putSized(record, Buffer.from('leveldb.BytewiseComparator'));
  putField(record, EDIT.logNumber, 0);
  putField(record, EDIT.nextFile, nextFile);
  putField(record, EDIT.lastSequence, lastSequence);
  for (const { number, sizeBytes, smallest, largest } of tables) {
    putField(record, EDIT.newFile, level);
    putField(record, number, sizeBytes);
    putSized(record, smallest);
    putSized(record, largest);
  }
  return logOf(record.written);
}

function putField(record: LevelBytes, field: number, value: number): void {
  record.varint(field);
  record.varint(value);
}

function putSized(record: LevelBytes, bytes: Uint8Array): void {
  record.varint(bytes.length);
  record.put(bytes);
}

/** A log of this one record, in as many parts as there are blocks. */
function logOf(record: Uint8Array): Uint8Array {
  const log = new LevelBytes(record.length + LOG_BLOCK_BYTES);
  const most = LOG_BLOCK_BYTES - LOG_HEADER_BYTES;
  for (let at = 0; at < record.length; at += most) {
    const part = record.subarray(at, at + most);
    putPart(log, part, partType(at === 0, at + most >= record.length));
  }
  return log.written;
}

function partType(isFirst: boolean, isLast: boolean): number {
  if (isFirst) return isLast ? LOG_PART.full : LOG_PART.first;
  return isLast ? LOG_PART.last : LOG_PART.middle;
}

function putPart(log: LevelBytes, part: Uint8Array, type: number): void {
  const header = log.size;
  log.u32(0);
  log.u8(part.length);
  log.u8(part.length >>> 8);
  log.u8(type);
  log.put(part);
  log.view.setUint32(header, storedSum(log.view, header + LOG_HEADER_BYTES - 1, log.size), true);
}
