/**
 * The rows that files amount to: each once, as the newest file has it. Cold restore, merging, savepoints and dumps all
 * read state this way, some key groups after others, so that no more than those are in memory at once.
 */
import type { RawRow } from '../state/level/base-codec.js';
import type { FileRef } from './manifest.js';
import type { OpenRows, SectionRef } from './open-rows.js';
import { namesOf, type RowsFile, rawRowsOf, type Section, type StoredRow, storedRow } from './rows-file.js';

export interface KeyGroupRange {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

/** Where the files of a checkpoint are to be had. */
export interface RowsReader {
  /** To be closed. Throws `MILL_CHECKPOINT_DAMAGED` unless its index is as it was written. */
  openRows(file: FileRef): Promise<OpenRows>;
}

/** Bytes of files whose rows are in memory at once, unless a key group has more. */
const PIECE_BYTES = 32 << 20;

/** Rows that are there, decoded. `files`: oldest first. */
export async function* newestRows(
  store: RowsReader,
  files: readonly FileRef[],
  range: KeyGroupRange,
): AsyncIterable<StoredRow> {
  for await (const rows of pieces(store, files, range))
    for (const row of newestOf(rows)) if (row.value !== undefined) yield storedRow(row);
}

/**
 * All rows of some key groups at a time, ascending by key groups; in each piece rows come as the files have them, oldest
 * file first. A piece is to be done with before the next one is asked for.
 */
export async function* pieces(
  store: RowsReader,
  files: readonly FileRef[],
  range: KeyGroupRange,
): AsyncGenerator<Iterable<RawRow>> {
  const readers: FilePieces[] = [];
  try {
    for (const file of files) readers.push(new FilePieces(await store.openRows(file)));
    for (let { first } = range; first < range.end; ) {
      const end = pieceEnd(readers, first, range.end);
      for (const reader of readers) await reader.advance(first, end);
      yield rowsIn(readers, { first, end });
      first = end;
    }
  } finally {
    for (const { file } of readers) await file.close();
  }
}

function* rowsIn(readers: readonly FilePieces[], range: KeyGroupRange): Generator<RawRow> {
  for (const reader of readers) yield* reader.rows(range);
}

/** As many key groups as have no more than a piece's bytes, but at least one. */
function pieceEnd(readers: readonly FilePieces[], first: number, rangeEnd: number): number {
  for (let end = first + 1; end < rangeEnd; end += 1) {
    const bytes = readers.reduce((sum, reader) => sum + reader.bytesUntil(end + 1), 0);
    if (bytes > PIECE_BYTES) return end;
  }
  return rangeEnd;
}

/** Goes through one file, section by section; one that is wider than a piece is kept for the next. */
class FilePieces {
  readonly file: OpenRows;
  #next = 0;
  #loaded: { readonly section: SectionRef; readonly bytes: Uint8Array }[] = [];

  constructor(file: OpenRows) {
    this.file = file;
  }

  /** Bytes of what is to be read for the key groups before `end`. */
  bytesUntil(end: number): number {
    const { sections } = this.file;
    let bytes = 0;
    for (let at = this.#next; at < sections.length && (sections[at] as SectionRef).first < end; at += 1)
      bytes += (sections[at] as SectionRef).sizeBytes;
    return bytes;
  }

  async advance(first: number, end: number): Promise<void> {
    const { sections } = this.file;
    this.#loaded = this.#loaded.filter(({ section }) => section.end > first);
    for (; this.#next < sections.length && (sections[this.#next] as SectionRef).first < end; this.#next += 1) {
      const section = sections[this.#next] as SectionRef;
      if (section.end > first) this.#loaded.push({ section, bytes: await this.file.read(section) });
    }
  }

  *rows(range: KeyGroupRange): Generator<RawRow> {
    for (const { bytes } of this.#loaded) yield* rawRowsOf(bytes, this.file.names, range);
  }
}

/** Likewise, each once and ascending by key groups, for files in memory; removed ones too. */
export function* newestOfFiles(files: readonly RowsFile[]): Generator<RawRow> {
  const all = files.flatMap(({ sections, tables }) => {
    const names = namesOf(tables);
    return sections.map((section) => ({ section, names }));
  });
  const order = [...all].sort((a, b) => a.section.first - b.section.first);
  for (let at = 0; at < order.length; ) {
    // Sections that share key groups, one with the next.
    const from = at;
    for (let end = 0; at < order.length && (at === from || (order[at] as SectionOf).section.first < end); at += 1)
      end = Math.max(end, (order[at] as SectionOf).section.end);
    const together = new Set(order.slice(from, at));
    yield* newestOf(rowsOfSections(all.filter((each) => together.has(each))));
  }
}

interface SectionOf {
  readonly section: Section;
  readonly names: readonly RawRow['name'][];
}

function* rowsOfSections(sections: readonly SectionOf[]): Generator<RawRow> {
  for (const { section, names } of sections) yield* rawRowsOf(section.bytes, names, section);
}

/** Each row once, as the last of `rows` has it, removed ones too. Order is lost. */
export function newestOf(rows: Iterable<RawRow>): RawRow[] {
  const prefixes = new Map<RawRow['name'], string>();
  const newest = new Map<string, RawRow>();
  for (const row of rows) newest.set(prefixOf(row.name, prefixes) + textOf(row.key), row);
  return [...newest.values()];
}

function prefixOf(name: RawRow['name'], prefixes: Map<RawRow['name'], string>): string {
  const known = prefixes.get(name);
  if (known !== undefined) return known;
  const prefix = `${name.operator}/${name.kind}/${name.table}/`;
  prefixes.set(name, prefix);
  return prefix;
}

/** One character a byte. */
function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}
