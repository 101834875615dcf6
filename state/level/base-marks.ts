/**
 * What a base says about itself, and how it is known that nothing of it is missing.
 *
 *   3 · 0              identity: whose key groups
 *   3 · 1              floor: number of the first mark that is kept
 *   3 · 2 · number u32 names of an operator and of a table, in the order of their first use
 *   3 · 3 · u16 · u32  mark: one in every write, numbered without a gap
 *
 * An ordered store may lose writes, and not only the last ones (`OrderedStore`); LevelDB does not notice. But each write
 * is whole and holds a mark, so a lost one leaves a gap among the marks, or was the last; then the mark before it says
 * truly how far the base has come. Marks are dropped from the front once they have been flushed.
 *
 * Invariants: marks [floor, last] are all there; names never change.
 */
import { ByteReader, ByteSink } from '../../core/byte-sink.js';
import type { StoreChange, StoreRow } from '../../core/host.js';
import { AREA_MARKS, BaseDamage, openedPlain, sealedPlain, type TableName } from './base-codec.js';

const VERSION = 2;
const IDENTITY = Uint8Array.of(AREA_MARKS, 0);
const FLOOR = Uint8Array.of(AREA_MARKS, 1);
const NAME = 2;
const MARK = 3;

/** Whose state it is. */
export interface BaseIdentity {
  readonly maxParallelism: number;
  readonly first: number;
  readonly end: number;
}

/** A completed checkpoint, by its id; its number only says which files came later. */
export interface AppliedCheckpoint {
  readonly id: string;
  readonly epoch: number;
}

export interface Mark {
  /** All rows up to it are there. */
  readonly applied: AppliedCheckpoint | undefined;
  /** Some of its rows may be there too. */
  readonly begun: AppliedCheckpoint | undefined;
}

export interface MarksRead {
  readonly mark: Mark;
  readonly floor: number;
  readonly next: number;
  readonly names: readonly TableName[];
}

const sink = new ByteSink();

function numbered(what: number, number: number): Uint8Array {
  sink.clear();
  sink.u8(AREA_MARKS);
  sink.u8(what);
  sink.u16(Math.floor(number / 2 ** 32));
  sink.u32(number % 2 ** 32);
  return sink.bytes.slice();
}

function plain(key: Uint8Array, value: unknown): StoreRow {
  return [key, sealedPlain(key, value)];
}

export const identityChange = (identity: BaseIdentity): StoreRow => plain(IDENTITY, { version: VERSION, ...identity });
export const floorChange = (floor: number): StoreRow => plain(FLOOR, floor);
export const markChange = (number: number, mark: Mark): StoreRow => plain(numbered(MARK, number), mark);
export const noMark = (number: number): StoreChange => [numbered(MARK, number), undefined];
export const nameChange = (number: number, name: TableName): StoreRow => plain(numbered(NAME, number), name);

/** All rows of the area, in order; throws `BaseDamage` unless they fit together and are of this identity. */
export function readMarks(rows: readonly StoreRow[], identity: BaseIdentity): MarksRead {
  const names: TableName[] = [];
  const marks: { number: number; mark: Mark }[] = [];
  let [own, floor]: [unknown, number | undefined] = [undefined, undefined];
  for (const [key, sealed] of rows) {
    const value = openedPlain(key, sealed);
    if (key[1] === IDENTITY[1]) own = value;
    else if (key[1] === FLOOR[1]) floor = value as number;
    else if (key[1] === NAME) names[numberOf(key)] = value as TableName;
    else marks.push({ number: numberOf(key), mark: value as Mark });
  }
  const last = marks.at(-1);
  if (!isSameIdentity(own, identity) || floor === undefined || last === undefined)
    throw new BaseDamage('the base is another one');
  if (marks.some(({ number }, at) => number !== (floor as number) + at)) throw new BaseDamage('writes are missing');
  if (names.length !== Object.keys(names).length) throw new BaseDamage('names are missing');
  return { mark: last.mark, floor, next: last.number + 1, names };
}

function numberOf(key: Uint8Array): number {
  const reader = new ByteReader(key, 2);
  return reader.u16() * 2 ** 32 + reader.u32();
}

function isSameIdentity(own: unknown, { maxParallelism, first, end }: BaseIdentity): boolean {
  const found = (own ?? {}) as Partial<BaseIdentity & { version: number }>;
  return (
    found.version === VERSION && found.maxParallelism === maxParallelism && found.first === first && found.end === end
  );
}
