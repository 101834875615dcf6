/**
 * Running aggregates of the table that a changelog describes, as a changelog themselves: what a change adds is added, what it
 * removes is taken back (Flink SQL's group aggregation over retractions).
 */
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
  if (tested === null || tested === undefined) return [];
  return aggregate.kind === 'min' || aggregate.kind === 'max' ? [[value, value]] : [value];
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
  const before = resultOf(parts, accumulators, key);
  for (const [at, part] of parts.entries()) {
    const value = values[at] as readonly unknown[];
    if (value.length > 0) part.kind[does](accumulators[at], value[0]);
  }
  const left = records + (does === 'add' ? 1 : -1);
  if (left === 0) {
    kept.clear();
    return [{ kind: 'delete', record: before }];
  }
  kept.set({ records: left, accumulators });
  const after = resultOf(parts, accumulators, key);
  if (records === 0) return [{ kind: 'insert', record: after }];
  if (sameValue(before, after)) return [];
  return [
    { kind: 'update-before', record: before },
    { kind: 'update-after', record: after },
  ];
}

function resultOf(parts: readonly Part[], accumulators: readonly unknown[], key: unknown): unknown {
  return { key, ...Object.fromEntries(parts.map(({ name, kind }, at) => [name, kind.result(accumulators[at])])) };
}
