/**
 * Files of a job's call journal:
 *
 *   header    8 bytes, "MILLCALL", and a version, u16
 *   entries   u32 length · u32 checksum · packed [operator, key group, value]
 *
 * A file that a crash has cut off, or whose end was not synced, is read up to the first entry that is not whole: nothing
 * that had been acknowledged comes after it.
 */

import { ByteReader, ByteSink } from '../core/byte-sink.js';
import { checksumOf } from '../core/checksum.js';
import { packPlain, unpackPlain } from '../core/codec.js';
import { MillraceError } from '../core/errors.js';
import type { Storage } from '../core/host.js';
import { readWhole } from './durable-files.js';
import { epochDigits } from './epoch-digits.js';
import type { KeyGroupRange } from './manifest.js';

export interface JournalEntry {
  readonly operator: string;
  readonly keyGroup: number;
  readonly value: unknown;
}

const MAGIC = Buffer.from('MILLCALL', 'latin1');
const VERSION = 1;
const NOTHING = new Uint8Array(0);
const NAME = /^(\d{12})-[a-z0-9_]+-\d+\.calls$/;

export const JOURNAL_HEADER = header();

/** Within the state directory. `checkpoint`: the last one before its entries. */
export function journalPath(checkpoint: number, runId: string, worker: number): string {
  return `journal/${epochDigits(checkpoint)}-${runId}-${worker}.calls`;
}

/** The checkpoint before its entries; undefined: it is no such file. */
export function journalEpoch(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function encodeEntry({ operator, keyGroup, value }: JournalEntry): Uint8Array {
  const packed = packPlain([operator, keyGroup, value]);
  const sink = new ByteSink(packed.length + 8);
  sink.u32(packed.length);
  sink.u32(checksumOf(packed, NOTHING));
  sink.put(packed);
  return sink.bytes;
}

/** Everything noted since a checkpoint about some key groups. */
export async function readJournals(
  storage: Storage,
  directory: string,
  since: number,
  { first, end }: KeyGroupRange,
): Promise<JournalEntry[]> {
  const folder = `${directory}/journal`;
  if (!(await storage.stat(folder))) return [];
  const entries: JournalEntry[] = [];
  for (const { name } of await storage.list(folder)) {
    const epoch = journalEpoch(name);
    if (epoch === undefined || epoch < since) continue;
    for (const entry of entriesOf(await readWhole(storage, `${folder}/${name}`), `${folder}/${name}`))
      if (entry.keyGroup >= first && entry.keyGroup < end) entries.push(entry);
  }
  return entries;
}

function* entriesOf(bytes: Uint8Array, path: string): Generator<JournalEntry> {
  // Nothing was acknowledged of a file whose beginning is not there.
  if (bytes.length < JOURNAL_HEADER.length) return;
  if (Buffer.compare(bytes.subarray(0, MAGIC.length), MAGIC) !== 0) return;
  const reader = new ByteReader(bytes, MAGIC.length);
  const version = reader.u16();
  if (version !== VERSION)
    throw new MillraceError('MILL_CHECKPOINT_UNREADABLE', `${path} has version ${version}`, { position: path });
  while (bytes.length - reader.at >= 8) {
    const length = reader.u32();
    const checksum = reader.u32();
    if (bytes.length - reader.at < length) return;
    const packed = reader.take(length);
    if (checksumOf(packed, NOTHING) !== checksum) return;
    const [operator, keyGroup, value] = unpackPlain(packed) as [string, number, unknown];
    yield { operator, keyGroup, value };
  }
}

function header(): Uint8Array {
  const sink = new ByteSink(MAGIC.length + 2);
  sink.put(MAGIC);
  sink.u16(VERSION);
  return sink.take();
}
