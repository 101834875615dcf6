/**
 * What readers and writers of LevelDB's files agree on: its doc/log_format.md, doc/table_format.md and db/version_edit.cc.
 * All numbers are little endian.
 */
import { crc32c } from './crc32c.js';

/** Logs, of which the manifest is one, are made of blocks; a record's parts don't cross their ends. */
export const LOG_BLOCK_BYTES = 32 << 10;
/** Sum u32, of what follows · length u16 · type u8. */
export const LOG_HEADER_BYTES = 7;
export const LOG_PART = { full: 1, first: 2, middle: 3, last: 4 } as const;

/** Fields of a manifest's records. */
export const EDIT = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLogNumber: 9,
} as const;

/** Compression u8 · sum u32, of the block and that byte. */
export const BLOCK_TRAILER_BYTES = 5;
/** Places of two blocks, padded · magic. */
export const FOOTER_BYTES = 48;
export const TABLE_MAGIC: Uint8Array = Buffer.from('57fb808b247547db', 'hex');

export function manifestName(number: number): string {
  return `MANIFEST-${digits(number)}`;
}

export function tableName(number: number): string {
  return `${digits(number)}.ldb`;
}

function digits(number: number): string {
  return String(number).padStart(6, '0');
}

/** The sum of bytes [from, end) as LevelDB stores it: rotated and moved, lest sums of sums be taken. */
export function storedSum(bytes: DataView, from: number, end: number): number {
  const sum = crc32c(bytes, from, end);
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
}
