/**
 * Makes the nodes of changelogs: what turns records into changes, and joins them. The methods that users call are in
 * keyed-stream.ts.
 */
import type { Duration } from '../core/time.js';
import { aggregateChangesSpec } from '../operators/aggregate/aggregate-changes.js';
import type { AggregateParts } from '../operators/aggregate/aggregates.js';
import type { Change } from '../operators/changelog.js';
import { changelogJoinSpec } from '../operators/join/changelog-join.js';
import { type ProcessSpec, processFactory } from '../operators/process.js';
import { sameValue } from '../operators/same-value.js';
import { state } from '../state/descriptors.js';
import type { ValueHandle } from '../state/handles.js';
import type { Input } from './graph-builder.js';
import type { ChangelogJoin, ChangesOptions } from './join-types.js';
import type { JoinCall } from './joins.js';
import type { OnError } from './on-error.js';
import { Stream } from './stream.js';

type ChangesCall = Omit<JoinCall, 'inputs' | 'combine'> & { readonly inputs: readonly [Input] };

export function changelogJoin<O>(call: JoinCall, { type = 'inner', ttl }: ChangelogJoin): Stream<Change<O>> {
  const spec = changelogJoinSpec({ type, ttl, combine: call.combine as () => unknown });
  return addNode(call, { type: 'changelog-join', description: type, spec });
}

export function changes<T>(call: ChangesCall, { isDelete, ttl }: ChangesOptions<T>): Stream<Change<T>> {
  const spec: ProcessSpec = {
    state: { last: state.value<T>(ttl === undefined ? {} : { ttl }) },
    sides: [],
    onRecord: [(record: T, ctx: { state: { last: ValueHandle<T> } }) => changesOf(record, ctx.state.last, isDelete)],
    onEventTimer: undefined,
    onProcessingTimer: undefined,
  };
  return addNode(call, { type: 'changes', description: '', spec });
}

function changesOf<T>(record: T, last: ValueHandle<T>, isDelete: ChangesOptions<T>['isDelete']): readonly Change<T>[] {
  const gone = isDelete?.(record);
  const before = last.get();
  if (gone) {
    last.clear();
    return before === undefined ? [] : [{ kind: 'delete', record: before }];
  }
  last.set(record);
  if (before === undefined) return [{ kind: 'insert', record }];
  if (sameValue(before, record)) return [];
  return [
    { kind: 'update-before', record: before },
    { kind: 'update-after', record },
  ];
}

type AggregatesCall = ChangesCall & { readonly parts: AggregateParts<never>; readonly ttl: Duration | undefined };

export function aggregateChanges<O>({ parts, ttl, ...call }: AggregatesCall): Stream<Change<O>> {
  return addNode(call, { type: 'aggregate-changes', description: '', spec: aggregateChangesSpec(parts, ttl) });
}

interface ChangelogNode {
  readonly type: string;
  readonly description: string;
  readonly spec: ProcessSpec;
}

function addNode<O>(
  { graph, name, inputs, options }: ChangesCall | JoinCall,
  { type, description, spec }: ChangelogNode,
): Stream<Change<O>> {
  const { onError, renamedFrom } = options;
  const node = graph.operator({
    type,
    name,
    description,
    inputs,
    renamedFrom,
    onError: onError as OnError<never> | undefined,
    keyed: true,
    factory: processFactory(spec),
  });
  return new Stream<Change<O>>(graph, [{ node, side: undefined }]);
}
