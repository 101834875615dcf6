/**
 * A file of rows that is open for reading: its index has been checked, and each section is when it is read.
 *
 * Invariant: a section's bytes are as they were written, or reading it throws `MILL_CHECKPOINT_DAMAGED` and names the file.
 */
import { ByteReader } from '../core/byte-sink.js';
import { unpackPlain } from '../core/codec.js';
import { MillraceError } from '../core/errors.js';
import type { ReadableFile } from '../core/host.js';
import { damagedFile, readAt } from './durable-files.js';
import {
  ROWS_HEADER_BYTES,
  ROWS_MAGIC,
  ROWS_VERSION,
  type RowsFacts,
  type Section,
  sha256,
  type TableEntry,
} from './rows-file.js';

const LENGTH_BYTES = 4;
const DIGEST_BYTES = 32;

/** A section that has not been read. */
export interface SectionRef extends Omit<Section, 'bytes'> {
  readonly at: number;
  readonly sizeBytes: number;
}

export class OpenRows {
  readonly path: string;
  readonly tables: readonly TableEntry[];
  readonly sections: readonly SectionRef[];
  readonly #file: ReadableFile;

  private constructor(path: string, file: ReadableFile, { tables, sections }: Index) {
    this.path = path;
    this.#file = file;
    this.tables = tables;
    this.sections = sections;
  }

  /** `path`: for errors. The file is closed with what is returned, or when this throws. */
  static async of(file: ReadableFile, facts: RowsFacts, path: string): Promise<OpenRows> {
    try {
      return new OpenRows(path, file, await readIndex(file, facts, path));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async read({ at, sizeBytes, digest }: SectionRef): Promise<Uint8Array> {
    const bytes = await readAt(this.#file, at, sizeBytes, this.path);
    if (!sha256(bytes).equals(digest)) throw damagedFile(this.path);
    return bytes;
  }

  /** Every section, read one after another: what another file can be written from. */
  async *readAll(): AsyncGenerator<Section> {
    for (const section of this.sections) yield { ...section, bytes: await this.read(section) };
  }

  /** Reads every section, and throws for the first that is not as it was written. */
  async verify(): Promise<void> {
    for (const section of this.sections) await this.read(section);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

interface Index {
  readonly tables: readonly TableEntry[];
  readonly sections: readonly SectionRef[];
}

async function readIndex(file: ReadableFile, { sizeBytes, digest }: RowsFacts, path: string): Promise<Index> {
  const end = sizeBytes - LENGTH_BYTES;
  if (end < ROWS_HEADER_BYTES || (await file.read(new Uint8Array(1), sizeBytes)) > 0) throw damagedFile(path);
  const length = new ByteReader(await readAt(file, end, LENGTH_BYTES, path)).u32();
  const at = end - length;
  if (at < ROWS_HEADER_BYTES) throw damagedFile(path);
  const header = await readAt(file, 0, ROWS_HEADER_BYTES, path);
  const index = await readAt(file, at, length, path);
  if (sha256(header, index).toString('hex') !== digest) throw damagedFile(path);
  checkVersion(header, path);
  return parseIndex(index);
}

function checkVersion(header: Uint8Array, path: string): void {
  const version = new ByteReader(header, ROWS_MAGIC.length).u16();
  if (ROWS_MAGIC.equals(header.subarray(0, ROWS_MAGIC.length)) && version === ROWS_VERSION) return;
  const text = `${path} has version ${version}, this millrace reads ${ROWS_VERSION}`;
  throw new MillraceError('MILL_CHECKPOINT_UNREADABLE', text, { position: path });
}

function parseIndex(bytes: Uint8Array): Index {
  const reader = new ByteReader(bytes);
  const [tables, numbers] = unpackPlain(reader.take(reader.u32())) as [TableEntry[], number[]];
  const sections: SectionRef[] = [];
  let at = ROWS_HEADER_BYTES;
  for (let n = 0; n < numbers.length; n += 4) {
    const [first, end, rows, sizeBytes] = numbers.slice(n, n + 4) as [number, number, number, number];
    sections.push({ first, end, rows, at, sizeBytes, digest: reader.take(DIGEST_BYTES) });
    at += sizeBytes;
  }
  return { tables, sections };
}
