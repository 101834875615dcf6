/**
 * Changelogs: streams that say how a table changes. Applying all changes so far gives the table's rows, as a multiset.
 */

/**
 * What a change does: `insert` and `update-after` add its record to the table, `update-before` and `delete` remove it.
 * An update is its two halves, one after the other.
 */
export type ChangeKind = 'insert' | 'update-before' | 'update-after' | 'delete';

/** One change of a table. */
export interface Change<T> {
  readonly kind: ChangeKind;
  readonly record: T;
}

/** What a stream's records are about: those of a changelog, or the records themselves, which are all inserted. */
export type RecordOf<T> = T extends Change<infer R> ? R : T;

/** A record that is no change is one that is inserted. */
export function changeOf(record: unknown): Change<unknown> {
  return isChange(record) ? record : { kind: 'insert', record };
}

/** As its type says: it has a change's fields. */
function isChange(record: unknown): record is Change<unknown> {
  if (typeof record !== 'object' || record === null || !('record' in record)) return false;
  return 'kind' in record && (adds(record.kind as ChangeKind) || removes(record.kind as ChangeKind));
}

export function adds(kind: ChangeKind): boolean {
  return kind === 'insert' || kind === 'update-after';
}

function removes(kind: ChangeKind): boolean {
  return kind === 'update-before' || kind === 'delete';
}
