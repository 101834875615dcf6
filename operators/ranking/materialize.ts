/**
 * Makes of a changelog what a table with one row a key is written by: upserts and deletions (Flink's
 * SinkUpsertMaterializer). Changes of a key may come in an order in which it has several rows for a while, or first loses
 * one that comes later: the row that came last counts.
 */

import type { Duration } from '../../core/time.js';
import { state } from '../../state/descriptors.js';
import type { ValueHandle } from '../../state/handles.js';
import { adds, changeOf } from '../changelog.js';
import type { ProcessSpec } from '../process.js';
import { sameValue } from '../same-value.js';

/** What is to be done to a table with one row a key. */
export type Upsert<K, T> =
  | { readonly kind: 'upsert'; readonly key: K; readonly record: T }
  | { readonly kind: 'delete'; readonly key: K };

interface Context {
  readonly key: unknown;
  readonly state: { readonly rows: ValueHandle<readonly unknown[]> };
}

export function materializeSpec(ttl: Duration | undefined): ProcessSpec {
  return {
    state: { rows: state.value<readonly unknown[]>(ttl === undefined ? {} : { ttl }) },
    sides: [],
    onRecord: [
      (taken: unknown, { key, state: { rows } }: Context): readonly Upsert<unknown, unknown>[] => {
        const { kind, record } = changeOf(taken);
        const before = rows.get() ?? [];
        if (adds(kind)) {
          rows.set([...before, record]);
          return [{ kind: 'upsert', key, record }];
        }
        return without(before, record, key, rows);
      },
    ],
    onEventTimer: undefined,
    onProcessingTimer: undefined,
  };
}

function without(
  before: readonly unknown[],
  record: unknown,
  key: unknown,
  rows: ValueHandle<readonly unknown[]>,
): readonly Upsert<unknown, unknown>[] {
  const at = before.findLastIndex((row) => sameValue(row, record));
  if (at < 0) return [];
  const after = before.toSpliced(at, 1);
  if (after.length === 0) {
    rows.clear();
    return [{ kind: 'delete', key }];
  }
  rows.set(after);
  return at === after.length ? [{ kind: 'upsert', key, record: after[at - 1] }] : [];
}
