/**
 * Running aggregates of the table that a changelog describes, as a changelog themselves: what a change adds is added, what it
 * removes is taken back (Flink SQL's group aggregation over retractions).
 *
 * Invariant: a change on which a function of the user's throws leaves its key as it was.
 */
import { packPlain, unpackPlain } from '../../core/codec.js';
import { MillraceError } from '../../core/errors.js';
import type { Duration } from '../../core/time.js';
import { state } from '../../state/descriptors.js';
import type { ValueHandle } from '../../state/handles.js';
import { adds, type Change, changeOf } from '../changelog.js';
import type { ProcessSpec } from '../process.js';
import { sameValue } from '../same-value.js';
import type { AggregateParts } from './aggregates.js';
import { type CheckedPart, checkedParts } from './compose-aggregates.js';
import { type RetractingKind, retractingKind } from './retracting-kinds.js';

/** What a key has: how many records its table has, and an accumulator for each aggregate. Plain data. */
interface Kept {
  readonly records: number;
  readonly accumulators: unknown[];
}

interface Context {
  readonly key: unknown;
  readonly state: { readonly kept: ValueHandle<Kept> };
}

interface Part {
  readonly name: string;
  /** In an array; empty: there is none. */
  valueOf(record: unknown): readonly [] | readonly [unknown];
  readonly kind: RetractingKind<unknown>;
}

/** Throws `MILL_OPTION_INVALID` as `composeAggregates` does, and for an aggregate that takes nothing back. */
export function aggregateChangesSpec(parts: AggregateParts<never>, ttl: Duration | undefined): ProcessSpec {
  const aggregates = checkedParts(parts).map((checked) => partOf(checked));
  return {
    state: { kept: state.value<Kept>(ttl === undefined ? {} : { ttl }) },
    sides: [],
    onRecord: [
      (taken: unknown, { key, state: { kept } }: Context) => changesOf(changeOf(taken), aggregates, key, kept),
    ],
    onEventTimer: undefined,
    onProcessingTimer: undefined,
  };
}

function partOf(checked: CheckedPart): Part {
  const { name, aggregate } = checked;
  const kind = retractingKind(aggregate) as RetractingKind<unknown> | undefined;
  if (kind) return { name, valueOf: (record) => valueOf(checked, record), kind };
  const text = `${aggregate.kind} of '${name}' cannot take back what a changelog removes`;
  throw new MillraceError('MILL_OPTION_INVALID', text, {
    hint: 'Use an exact aggregate; an aggregator of your own needs a function retract.',
  });
}

function valueOf({ aggregate, takes, valueOf }: CheckedPart, record: unknown): readonly [] | readonly [unknown] {
  const value = valueOf(record);
  if (aggregate.kind === 'count' || aggregate.kind === 'custom') return [value];
  const tested = takes === 'ranked' ? (value as readonly unknown[])[0] : value;
  return tested === null || tested === undefined ? [] : [value];
}

function changesOf(
  { kind, record }: Change<unknown>,
  parts: readonly Part[],
  key: unknown,
  kept: ValueHandle<Kept>,
): readonly Change<unknown>[] {
  const values = parts.map(({ valueOf }) => valueOf(record));
  const { records, accumulators } = kept.get() ?? { records: 0, accumulators: parts.map((part) => part.kind.create()) };
  const does = adds(kind) ? 'add' : 'retract';
  // Of a key that has nothing, nothing can be removed.
  if (records === 0 && does === 'retract') return [];
  const before = recordOf(parts, resultsOf(parts, accumulators), key);
  if (records === 1 && does === 'retract') {
    kept.clear();
    return [{ kind: 'delete', record: before }];
  }
  const changed = change(parts, accumulators, values, does);
  kept.set({ records: records + (does === 'add' ? 1 : -1), accumulators: changed.accumulators });
  const after = recordOf(parts, changed.results, key);
  if (records === 0) return [{ kind: 'insert', record: after }];
  if (sameValue(before, after)) return [];
  return [
    { kind: 'update-before', record: before },
    { kind: 'update-after', record: after },
  ];
}

/** The user's own come first, on copies: if one throws, in `result` too, nothing has changed. */
function change(
  parts: readonly Part[],
  before: readonly unknown[],
  values: readonly (readonly unknown[])[],
  does: 'add' | 'retract',
): { accumulators: unknown[]; results: unknown[] } {
  const accumulators = before.slice();
  const results: unknown[] = [];
  const changeThose = (mayThrow: boolean): void => {
    for (const [at, { kind }] of parts.entries()) {
      if ((kind.mayThrow ?? false) !== mayThrow) continue;
      if (mayThrow) accumulators[at] = unpackPlain(packPlain(accumulators[at], 'accumulator'));
      const value = values[at] as readonly unknown[];
      if (value.length > 0) kind[does](accumulators[at], value[0]);
      results[at] = kind.result(accumulators[at]);
    }
  };
  changeThose(true);
  changeThose(false);
  return { accumulators, results };
}

function resultsOf(parts: readonly Part[], accumulators: readonly unknown[]): unknown[] {
  return parts.map(({ kind }, at) => kind.result(accumulators[at]));
}

function recordOf(parts: readonly Part[], results: readonly unknown[], key: unknown): unknown {
  return { key, ...Object.fromEntries(parts.map(({ name }, at) => [name, results[at]])) };
}
