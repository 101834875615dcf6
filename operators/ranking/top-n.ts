/**
 * The first rows of each key, kept up to date: each record gives the changes that it makes to the ranking (Flink SQL's
 * Top-N: AppendOnlyTopN, UpdatableTopN and RetractableTopN).
 *
 * Of records that only ever come, as many are kept as are in the ranking, and before it. Where they may be replaced or
 * removed again, all of a key are kept, as any may move up.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import { type Key, sameKey } from '../../core/key.js';
import type { Duration } from '../../core/time.js';
import { state } from '../../state/descriptors.js';
import type { MapHandle, ValueHandle } from '../../state/handles.js';
import { keyText } from '../../state/tables/key-text.js';
import { adds, type Change, changeOf } from '../changelog.js';
import type { ProcessSpec } from '../process.js';
import { sameValue } from '../same-value.js';
import { type RankedRow, Ranking, type RankingSpec, type Row } from './ranking.js';

export interface TopNSpec extends RankingSpec {
  readonly by: (record: never) => Key;
  /** Records with equal ids replace one another. */
  readonly id: ((record: never) => Key) | undefined;
  /** Records are changes of a table. */
  readonly ofChanges: boolean;
  /** Results are ranked rows, not only records. */
  readonly withRank: boolean;
  readonly ttl: Duration | undefined;
}

interface Kept {
  readonly rows: ValueHandle<readonly Row[]>;
  /** The sort key of each id; not with a time to live, as that of rows is another. */
  readonly sorts: MapHandle<Key, Key>;
}

export function topNSpec(spec: TopNSpec): ProcessSpec {
  const topN = new TopN(spec);
  const ttl = spec.ttl === undefined ? {} : { ttl: spec.ttl };
  return {
    state: { rows: state.value<readonly Row[]>(ttl), sorts: state.map<Key, Key>() },
    sides: [],
    onRecord: [(record: unknown, context: { readonly state: Kept }) => topN.take(record, context.state)],
    onEventTimer: undefined,
    onProcessingTimer: undefined,
  };
}

type Results = readonly Change<unknown>[];

const NOTHING: Results = [];

class TopN {
  readonly #spec: TopNSpec;
  readonly #ranking: Ranking;
  readonly #by: (record: unknown) => Key;
  readonly #id: ((record: unknown) => Key) | undefined;

  constructor(spec: TopNSpec) {
    this.#spec = spec;
    this.#ranking = new Ranking(spec);
    this.#by = spec.by as (record: unknown) => Key;
    this.#id = spec.id as ((record: unknown) => Key) | undefined;
  }

  take(taken: unknown, kept: Kept): Results {
    const change: Change<unknown> = this.#spec.ofChanges ? changeOf(taken) : { kind: 'insert', record: taken };
    const sort = checkedKey(this.#by(change.record), 'by');
    if (this.#isSimple) return this.#takeSimple([sort, change.record], kept);
    const id = this.#id && checkedKey(this.#id(change.record), 'id');
    const before = kept.rows.get() ?? [];
    const after = adds(change.kind)
      ? this.#with(before, [sort, change.record, id], kept)
      : this.#without(before, sort, change.record, id, kept);
    if (after === before) return NOTHING;
    const results = this.#changes(this.#ranking.ranked(before), this.#ranking.ranked(after));
    if (after.length === 0) kept.rows.clear();
    else kept.rows.set(after);
    return results;
  }

  /** Each record pushes one out at most, and moves those behind it by one: what changes is plain to see. */
  get #isSimple(): boolean {
    const { ties, ofChanges, id } = this.#spec;
    return ties === 'row-number' && !ofChanges && id === undefined;
  }

  #takeSimple(row: Row, kept: Kept): Results {
    const { n, offset, withRank } = this.#spec;
    const before = kept.rows.get() ?? [];
    if (this.#ranking.isBeyond(before, row[0])) return NOTHING;
    const place = this.#ranking.placeAfter(before, row[0]);
    const after = before.toSpliced(place, 0, row);
    const leaving = after.length > n + offset ? after.pop() : undefined;
    kept.rows.set(after);
    // If it is placed before the ranking, the last one there moves into it.
    const first = Math.max(offset, place);
    if (withRank) return this.#moved(before, after, first);
    const entering = after[first];
    const results: Change<unknown>[] = [];
    if (leaving) results.push({ kind: 'delete', record: leaving[1] });
    if (entering) results.push({ kind: 'insert', record: entering[1] });
    return results;
  }

  /** All rows from one place on have another rank now. */
  #moved(before: readonly Row[], after: readonly Row[], from: number): Results {
    const results: Change<unknown>[] = [];
    for (let at = from; at < after.length; at += 1) {
      const [old, now] = [before[at], after[at] as Row];
      // Equal records have equal sort keys, which cost less to compare.
      if (old && this.#ranking.compare(old[0], now[0]) === 0 && sameValue(old[1], now[1])) continue;
      const rank = at + 1;
      pushChange(results, old && { rank, record: old[1] }, { rank, record: now[1] });
    }
    return results;
  }

  #with(rows: readonly Row[], row: Row, kept: Kept): readonly Row[] {
    const [sort, record, id] = row;
    if (id === undefined) {
      if (this.#spec.ofChanges) return this.#ranking.with(rows, [sort, record]);
      if (this.#ranking.isBeyond(rows, sort)) return rows;
      return this.#ranking.upToLast(this.#ranking.with(rows, [sort, record]));
    }
    const at = this.#placeOf(rows, id, kept);
    if (this.#spec.ttl === undefined) kept.sorts.set(id, sort);
    if (at < 0) return this.#ranking.with(rows, row);
    // With an equal sort key it stays where it is.
    const old = rows[at] as Row;
    if (this.#ranking.compare(old[0], sort) === 0) return sameValue(old[1], row[1]) ? rows : rows.with(at, row);
    return this.#ranking.with(rows.toSpliced(at, 1), row);
  }

  #without(rows: readonly Row[], sort: Key, record: unknown, id: Key | undefined, kept: Kept): readonly Row[] {
    const at = id === undefined ? this.#equal(rows, sort, record) : this.#placeOf(rows, id, kept);
    if (id !== undefined && this.#spec.ttl === undefined) kept.sorts.delete(id);
    return at < 0 ? rows : rows.toSpliced(at, 1);
  }

  #placeOf(rows: readonly Row[], id: Key, kept: Kept): number {
    if (this.#spec.ttl !== undefined) return rows.findIndex((row) => sameKey(row[2], id));
    const sort = kept.sorts.get(id);
    return sort === undefined ? -1 : this.#ranking.find(rows, sort, (row) => sameKey(row[2], id));
  }

  #equal(rows: readonly Row[], sort: Key, record: unknown): number {
    return this.#ranking.find(rows, sort, (row) => sameValue(row[1], record));
  }

  #changes(before: readonly RankedRow[], after: readonly RankedRow[]): Results {
    if (!this.#spec.withRank) return changesOfRecords(before, after);
    return this.#spec.ties === 'row-number' ? changesByRank(before, after) : changesOfTied(before, after);
  }
}

function checkedKey(key: Key, option: string): Key {
  try {
    keyText(key);
    return key;
  } catch {
    const text = `${option} of topN returned ${describeValue(key)} (${typeof key}), which is not a key`;
    throw new MillraceError('MILL_KEY_INVALID', text);
  }
}

/** Each rank has one row. */
function changesByRank(before: readonly RankedRow[], after: readonly RankedRow[]): Results {
  const results: Change<unknown>[] = [];
  for (let at = 0; at < Math.max(before.length, after.length); at += 1) {
    const [old, now] = [before[at], after[at]];
    if (!old || !now || !sameValue(old.record, now.record)) pushChange(results, old, now);
  }
  return results;
}

/** Rows may share a rank. */
function changesOfTied(before: readonly RankedRow[], after: readonly RankedRow[]): Results {
  const results: Change<unknown>[] = [];
  const left = new Map<unknown, RankedRow[]>();
  for (const row of before) left.set(row.record, [...(left.get(row.record) ?? []), row]);
  const come: RankedRow[] = [];
  const moved: (readonly [RankedRow, RankedRow])[] = [];
  for (const row of after) {
    const old = left.get(row.record)?.shift();
    if (!old) come.push(row);
    else if (old.rank !== row.rank) moved.push([old, row]);
  }
  for (const rows of left.values()) for (const row of rows) pushChange(results, row, undefined);
  for (const [old, row] of moved) pushChange(results, old, row);
  for (const row of come) pushChange(results, undefined, row);
  return results;
}

/** What goes and what comes, whatever the ranks. */
function changesOfRecords(before: readonly RankedRow[], after: readonly RankedRow[]): Results {
  // Equal primitive records may be several.
  const left = new Map<unknown, number>();
  for (const { record } of before) left.set(record, (left.get(record) ?? 0) + 1);
  const come: Change<unknown>[] = [];
  for (const { record } of after) {
    const known = left.get(record) ?? 0;
    if (known === 0) come.push({ kind: 'insert', record });
    else if (known === 1) left.delete(record);
    else left.set(record, known - 1);
  }
  const gone: Change<unknown>[] = [];
  for (const [record, count] of left) for (let n = 0; n < count; n += 1) gone.push({ kind: 'delete', record });
  return [...gone, ...come];
}

function pushChange(results: Change<unknown>[], old: RankedRow | undefined, now: RankedRow | undefined): void {
  if (old && now) results.push({ kind: 'update-before', record: old }, { kind: 'update-after', record: now });
  else if (old) results.push({ kind: 'delete', record: old });
  else if (now) results.push({ kind: 'insert', record: now });
}
