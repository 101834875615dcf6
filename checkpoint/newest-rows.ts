/**
 * The rows that files amount to: each once, as the newest file has it. Cold restore, merging, savepoints and dumps all
 * read state this way, some key groups after others, so that no more than those are in memory at once.
 */
import type { RawRow } from '../state/level/base-codec.js';
import type { FileRef, KeyGroupRange } from './manifest.js';
import type { OpenRows, SectionRef } from './open-rows.js';
import { Piece, PieceMemory } from './piece.js';
import {
  namesOf,
  type RowsFile,
  type Section,
  type StoredRow,
  storedRow,
  TableBook,
  type TableEntry,
} from './rows-file.js';

/** Where the files of a checkpoint are to be had. */
export interface RowsReader {
  /** To be closed. Throws `MILL_CHECKPOINT_DAMAGED` unless its index is as it was written. */
  openRows(file: FileRef): Promise<OpenRows>;
}

/** Bytes of files whose rows are in memory at once, unless a key group has more. */
const PIECE_BYTES = 16 << 20;

/** Rows that are there, decoded. `files`: oldest first. */
export async function* newestRows(
  store: RowsReader,
  files: readonly FileRef[],
  range: KeyGroupRange,
): AsyncIterable<StoredRow> {
  for await (const piece of pieces(store, files, range))
    for (const row of piece.newest()) if (row.value !== undefined) yield storedRow(row);
}

/**
 * All rows of some key groups at a time, ascending by key groups; in each piece rows come as the files have them, oldest
 * file first. `book`: numbers the tables of all files; complete before the first piece.
 */
export async function* pieces(
  store: RowsReader,
  files: readonly FileRef[],
  range: KeyGroupRange,
  book = new TableBook(),
): AsyncGenerator<Piece> {
  const readers: FilePieces[] = [];
  try {
    for (const file of files) readers.push(new FilePieces(await store.openRows(file), file.keyGroups, book));
    const names = namesOf(book.entries);
    for (let { first } = range; first < range.end; ) {
      const end = pieceEnd(readers, first, range.end);
      const piece = new Piece(names);
      for (const reader of readers) await reader.addTo(piece, { first, end });
      if (piece.count > 0) yield piece;
      first = end;
    }
  } finally {
    for (const { file } of readers) await file.close();
  }
}

/** As many key groups as have no more than a piece's bytes, but at least one. */
function pieceEnd(readers: readonly FilePieces[], first: number, rangeEnd: number): number {
  for (let end = first + 1; end < rangeEnd; end += 1) {
    const bytes = readers.reduce((sum, reader) => sum + reader.bytesUntil(end + 1), 0);
    if (bytes > PIECE_BYTES) return end;
  }
  return rangeEnd;
}

function numbersIn(book: TableBook, tables: readonly TableEntry[]): number[] {
  return tables.map((entry) => book.numberOf(...entry));
}

/** Goes through one file, section by section; one that is wider than a piece is kept for the next. */
class FilePieces {
  readonly file: OpenRows;
  /** Only these count. */
  readonly #keyGroups: KeyGroupRange | undefined;
  readonly #tables: readonly number[];
  #next = 0;
  #loaded: { readonly section: SectionRef; readonly bytes: Uint8Array }[] = [];

  constructor(file: OpenRows, keyGroups: KeyGroupRange | undefined, book: TableBook) {
    this.file = file;
    this.#keyGroups = keyGroups;
    this.#tables = numbersIn(book, file.tables);
  }

  /** Bytes of what is to be read for the key groups before `end`. */
  bytesUntil(end: number): number {
    const { sections } = this.file;
    let bytes = 0;
    for (let at = this.#next; at < sections.length && (sections[at] as SectionRef).first < end; at += 1)
      bytes += (sections[at] as SectionRef).sizeBytes;
    return bytes;
  }

  async addTo(piece: Piece, wanted: KeyGroupRange): Promise<void> {
    const { sections } = this.file;
    const range = this.#keyGroups ? common(wanted, this.#keyGroups) : wanted;
    this.#loaded = this.#loaded.filter(({ section }) => section.end > range.first);
    for (; this.#next < sections.length && (sections[this.#next] as SectionRef).first < range.end; this.#next += 1) {
      const section = sections[this.#next] as SectionRef;
      if (section.end > range.first) this.#loaded.push({ section, bytes: await this.file.read(section) });
    }
    for (const { bytes } of this.#loaded) piece.add(bytes, this.#tables, range);
  }
}

/** Empty where they have nothing in common. */
function common(a: KeyGroupRange, b: KeyGroupRange): KeyGroupRange {
  return { first: Math.max(a.first, b.first), end: Math.min(a.end, b.end) };
}

interface SectionOf {
  readonly section: Section;
  readonly tables: readonly number[];
}

/**
 * The newest rows of files in memory, ascending by key groups; removed ones too. Undefined after each piece of work that
 * has given no row: whoever has others waiting may go on later.
 */
export function* newestOfFiles(files: readonly RowsFile[], memory = new PieceMemory()): Generator<RawRow | undefined> {
  const book = new TableBook();
  const all = files.flatMap(({ sections, tables: entries }): SectionOf[] => {
    const tables = numbersIn(book, entries);
    return sections.map((section) => ({ section, tables }));
  });
  const names = namesOf(book.entries);
  for (const together of overlapping(all)) {
    const piece = new Piece(names, memory);
    piece.reserve(together.reduce((sum, { section }) => sum + section.rows, 0));
    for (const { section, tables } of together) {
      yield* piece.addInSteps(section.bytes, tables, section);
      yield undefined;
    }
    yield* piece.newestInSteps();
    yield undefined;
  }
}

/** Sections that share key groups, one with the next, in the order of their files. */
function* overlapping(all: readonly SectionOf[]): Generator<readonly SectionOf[]> {
  const ascending = [...all.keys()].sort((a, b) => firstOf(all, a) - firstOf(all, b) || a - b);
  for (let at = 0; at < ascending.length; ) {
    const together: number[] = [];
    for (let end = Number.POSITIVE_INFINITY; at < ascending.length; at += 1) {
      const next = ascending[at] as number;
      if (together.length > 0 && firstOf(all, next) >= end) break;
      end = Math.max(together.length > 0 ? end : 0, (all[next] as SectionOf).section.end);
      together.push(next);
    }
    yield together.sort((a, b) => a - b).map((each) => all[each] as SectionOf);
  }
}

function firstOf(all: readonly SectionOf[], at: number): number {
  return (all[at] as SectionOf).section.first;
}
