/**
 * The rows of one key in order, and which of them are in a ranking from one rank to another: what SQL's ROW_NUMBER, RANK and
 * DENSE_RANK mean. Pure functions over arrays that are never changed.
 *
 * Invariant: rows are in order of their sort keys; of equal ones those that came first stand first.
 */
import { compareKeys, type Key } from '../../core/key.js';

/** Plain data, kept in state. */
export type Row = readonly [sort: Key, record: unknown, id?: Key | undefined];

/** A row in the ranking. */
export interface RankedRow {
  readonly rank: number;
  readonly record: unknown;
}

export type Ties = 'row-number' | 'rank' | 'dense-rank';

export type Order = 'asc' | 'desc';

export interface RankingSpec {
  readonly n: number;
  /** Ranks that are left out at the top. */
  readonly offset: number;
  readonly ties: Ties;
  /** Of the sort key, or of each element of one that is an array. */
  readonly order: Order | readonly Order[];
}

export class Ranking {
  readonly #spec: RankingSpec;

  constructor(spec: RankingSpec) {
    this.#spec = spec;
  }

  /** Negative if `a` comes first. */
  compare(a: Key, b: Key): number {
    const { order } = this.#spec;
    if (typeof order === 'string') return order === 'asc' ? compareKeys(a, b) : compareKeys(b, a);
    for (const [at, each] of order.entries()) {
      const [x, y] = [(a as readonly Key[])[at], (b as readonly Key[])[at]];
      const compared = each === 'asc' ? compareKeys(x, y) : compareKeys(y, x);
      if (compared !== 0) return compared;
    }
    return 0;
  }

  with(rows: readonly Row[], row: Row): Row[] {
    return rows.toSpliced(this.placeAfter(rows, row[0]), 0, row);
  }

  /** Where a new row with that sort key stands. */
  placeAfter(rows: readonly Row[], sort: Key): number {
    return firstIndex(rows, (row) => this.compare(row[0], sort) > 0);
  }

  /** Index of a row with that sort key which `isIt`; -1: there is none. */
  find(rows: readonly Row[], sort: Key, isIt: (row: Row) => boolean): number {
    for (let at = this.#placeBefore(rows, sort); at < rows.length; at += 1) {
      const row = rows[at] as Row;
      if (this.compare(row[0], sort) !== 0) return -1;
      if (isIt(row)) return at;
    }
    return -1;
  }

  /** Whether a row with that sort key would be beyond the last rank: `rows` are all up to it. */
  isBeyond(rows: readonly Row[], sort: Key): boolean {
    const last = rows.at(-1);
    if (!last || this.compare(sort, last[0]) < 0) return false;
    const { ties, offset, n } = this.#spec;
    if (ties === 'row-number') return rows.length >= offset + n;
    const isTied = this.compare(sort, last[0]) === 0;
    return !isTied && this.#ranksOf(rows).last >= offset + n;
  }

  /** Rows up to the last rank. */
  upToLast(rows: readonly Row[]): readonly Row[] {
    const most = this.#spec.offset + this.#spec.n;
    if (this.#spec.ties === 'row-number') return rows.length > most ? rows.slice(0, most) : rows;
    const { ranks } = this.#ranksOf(rows);
    const end = ranks.findIndex((rank) => rank > most);
    return end < 0 ? rows : rows.slice(0, end);
  }

  /** The rows that are in the ranking, in order. */
  ranked(rows: readonly Row[]): RankedRow[] {
    const { offset, n, ties } = this.#spec;
    if (ties === 'row-number')
      return rows.slice(offset, offset + n).map((row, at) => ({ rank: offset + at + 1, record: row[1] }));
    const ranked: RankedRow[] = [];
    const { ranks } = this.#ranksOf(rows);
    for (const [at, rank] of ranks.entries()) {
      if (rank > offset + n) break;
      if (rank > offset) ranked.push({ rank, record: (rows[at] as Row)[1] });
    }
    return ranked;
  }

  /** The rank of each row; one beyond the last that counts for all that come after. `last`: that of the next but ties. */
  #ranksOf(rows: readonly Row[]): { readonly ranks: readonly number[]; readonly last: number } {
    const { ties, n, offset } = this.#spec;
    const ranks: number[] = [];
    for (let at = 0; at < rows.length; at += 1) {
      const before = ranks[at - 1] ?? 0;
      if (before > n + offset) break;
      const isTied =
        ties !== 'row-number' && at > 0 && this.compare((rows[at - 1] as Row)[0], (rows[at] as Row)[0]) === 0;
      ranks.push(isTied ? before : ties === 'dense-rank' ? before + 1 : at + 1);
    }
    return { ranks, last: ties === 'dense-rank' ? (ranks.at(-1) ?? 0) : rows.length };
  }

  #placeBefore(rows: readonly Row[], sort: Key): number {
    return firstIndex(rows, (row) => this.compare(row[0], sort) >= 0);
  }
}

/** Of the first row for which `isSo`, which then holds for all after it. */
function firstIndex(rows: readonly Row[], isSo: (row: Row) => boolean): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isSo(rows[middle] as Row)) high = middle;
    else low = middle + 1;
  }
  return low;
}
