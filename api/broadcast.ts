/**
 * Streams that go to every subtask, and what is connected with them.
 */
import { MillraceError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { type BroadcastSpec, broadcastFactory } from '../operators/broadcast/broadcast-process.js';
import type { Results } from '../operators/lazy-output.js';
import type { DequeHandle } from '../state/deque-handle.js';
import type {
  AggregatingDescriptor,
  DequeDescriptor,
  ListDescriptor,
  MapDescriptor,
  ReducingDescriptor,
  StateDescriptors,
  ValueDescriptor,
} from '../state/descriptors.js';
import { state } from '../state/descriptors.js';
import type { Handles, ListHandle, MapHandle, ValueHandle } from '../state/handles.js';
import { declaredAt } from './declared-at.js';
import type { GraphBuilder, Input, Origin } from './graph-builder.js';
import type { OnError } from './on-error.js';
import { type ProcessContext, processSpec, type SideDescriptor, type SideDescriptors } from './process.js';
import { type ProcessedStream, sideStreams } from './processed-stream.js';
import { Stream } from './stream.js';

/** A stream each of whose records goes to every subtask of what it is connected with. */
export class BroadcastStream<T> {
  readonly kind = 'broadcast';
  /** @internal */
  readonly input: Input;
  /** Phantom: the type of its records. */
  declare readonly record?: T;

  /** @internal */
  constructor(origins: readonly Origin[]) {
    this.input = { origins, partition: { kind: 'broadcast' } };
  }
}

/** Of a handle what reads. */
type Readable<D> =
  D extends ValueDescriptor<infer T, infer Read>
    ? Pick<ValueHandle<T, Read>, 'get'>
    : D extends ListDescriptor<infer T>
      ? Pick<ListHandle<T>, 'get'>
      : D extends MapDescriptor<infer K, infer V>
        ? Pick<MapHandle<K, V>, 'get' | 'has' | 'entries' | 'keys' | 'values' | 'size'>
        : D extends ReducingDescriptor<infer T>
          ? { get(): T | undefined }
          : D extends AggregatingDescriptor<infer _In, infer _Acc, infer Out>
            ? { get(): Out | undefined }
            : D extends DequeDescriptor<infer T>
              ? Pick<DequeHandle<T>, 'get' | 'size' | 'first' | 'last'>
              : never;

/** Broadcast state, to be read. */
export type ReadableHandles<B extends StateDescriptors> = { readonly [N in keyof B]: Readable<B[N]> };

type RecordOf<D> = D extends SideDescriptor<infer T> ? T : never;

/** What functions of records without a key may use. */
interface PlainContext<S extends SideDescriptors> {
  /** Event time of the record, epoch ms; undefined if it has none. Outputs get it too. */
  readonly timestamp: number | undefined;
  /** No record with a timestamp up to this one is expected any more, from either stream; -Infinity before the first. */
  readonly watermark: number;
  /** Puts a record out on a side output. */
  readonly side: { readonly [N in keyof S]: (record: RecordOf<S[N]>) => void };
  /** Processing time, epoch ms. */
  now(): number;
  /** Random number in [0, 1), of the subtask: not for what changes broadcast state. */
  random(): number;
}

/** What `onBroadcast` may use: it alone changes broadcast state. */
export interface BroadcastContext<B extends StateDescriptors, S extends SideDescriptors> extends PlainContext<S> {
  readonly broadcast: Handles<B>;
}

/** What `onRecord` of a stream without keys may use. */
export interface BroadcastRecordContext<B extends StateDescriptors, S extends SideDescriptors> extends PlainContext<S> {
  readonly broadcast: ReadableHandles<B>;
}

/** What `onRecord` and timers of a keyed stream may use. */
export interface KeyedBroadcastContext<
  K,
  D extends StateDescriptors,
  B extends StateDescriptors,
  S extends SideDescriptors,
> extends ProcessContext<K, D, S> {
  readonly broadcast: ReadableHandles<B>;
}

interface Common<T, R, B extends StateDescriptors, S extends SideDescriptors, OB> {
  /** What broadcast records leave for the others; without a time to live. Write it first. */
  readonly broadcast: B;
  readonly sides?: S;
  readonly onError?: OnError<T | R>;
  /** The name that it has in older checkpoints, so that its state is found again. */
  readonly renamedFrom?: string;
  /**
   * Called for each broadcast record in every subtask. It must change broadcast state alike everywhere: by the record and what
   * that state holds alone. What it returns comes out once for each subtask.
   */
  onBroadcast(record: R, ctx: BroadcastContext<B, S>): Results<OB>;
}

/** The functions of a stream that is connected with a broadcast one. */
export interface BroadcastFunctions<T, R, B extends StateDescriptors, S extends SideDescriptors, O, OB>
  extends Common<T, R, B, S, OB> {
  /** Called for each record of the stream. */
  onRecord(record: T, ctx: BroadcastRecordContext<B, S>): Results<O>;
}

/** The functions of a keyed stream that is connected with a broadcast one. */
export interface KeyedBroadcastFunctions<
  K,
  T,
  R,
  B extends StateDescriptors,
  D extends StateDescriptors,
  S extends SideDescriptors,
  O,
  OB,
  OT,
  OP,
> extends Common<T, R, B, S, OB> {
  /** What it keeps per key. */
  readonly state?: D;
  /** Called for each record of the keyed stream, in order of arrival within its key. */
  onRecord(record: T, ctx: KeyedBroadcastContext<K, D, B, S>): Results<O>;
  /** An event-time timer. */
  onTimer?(time: number, ctx: KeyedBroadcastContext<K, D, B, S>): Results<OT>;
  /** A processing-time timer. */
  onProcessingTimer?(time: number, ctx: KeyedBroadcastContext<K, D, B, S>): Results<OP>;
}

/** A keyed stream, and one that is broadcast. */
export class KeyedBroadcastStreams<K extends Key, T, R> {
  readonly #graph: GraphBuilder;
  readonly #inputs: readonly [Input, Input];
  /** Phantom: the types of key and records. */
  declare readonly types?: readonly [K, T, R];

  /** @internal */
  constructor(graph: GraphBuilder, inputs: readonly [Input, Input]) {
    this.#graph = graph;
    this.#inputs = inputs;
  }

  /**
   * A keyed operator of your own that reads what broadcast records have left: rules, thresholds, a small table. Keyed and
   * broadcast records come in no particular order; event time is the lesser of both streams'.
   *
   * @example
   * payments.keyBy((p) => p.card).connect(rules.broadcast()).process('alerts', {
   *   broadcast: { rules: state.map<string, Rule>() },
   *   onBroadcast: (rule, ctx) => ctx.broadcast.rules.set(rule.id, rule),
   *   onRecord: (payment, ctx) => [...ctx.broadcast.rules.values()].filter((rule) => payment.cents > rule.limit),
   * })
   */
  process<
    B extends StateDescriptors,
    D extends StateDescriptors = Record<never, never>,
    S extends SideDescriptors = Record<never, never>,
    O = never,
    OB = never,
    OT = never,
    OP = never,
  >(
    name: string,
    functions: KeyedBroadcastFunctions<K, T, R, B, D, S, O, OB, OT, OP>,
  ): ProcessedStream<O | OB | OT | OP, S> {
    return addBroadcast(this.#graph, name, this.#inputs, functions, true);
  }
}

/** A stream without keys, and one that is broadcast. */
export class BroadcastConnectedStreams<T, R> {
  readonly #graph: GraphBuilder;
  readonly #inputs: readonly [Input, Input];
  /** Phantom: the types of records. */
  declare readonly types?: readonly [T, R];

  /** @internal */
  constructor(graph: GraphBuilder, inputs: readonly [Input, Input]) {
    this.#graph = graph;
    this.#inputs = inputs;
  }

  /** An operator of your own that reads what broadcast records have left, for records wherever they are. */
  process<B extends StateDescriptors, S extends SideDescriptors = Record<never, never>, O = never, OB = never>(
    name: string,
    functions: BroadcastFunctions<T, R, B, S, O, OB>,
  ): ProcessedStream<O | OB, S> {
    return addBroadcast(this.#graph, name, this.#inputs, functions, false);
  }
}

interface AnyFunctions {
  readonly broadcast: StateDescriptors;
  readonly onError?: unknown;
  readonly renamedFrom?: string;
  onRecord(record: never, ctx: never): Results<unknown>;
  onBroadcast(record: never, ctx: never): Results<unknown>;
}

function addBroadcast<O, S extends SideDescriptors>(
  graph: GraphBuilder,
  name: string,
  inputs: readonly Input[],
  given: object,
  keyed: boolean,
): ProcessedStream<O, S> {
  const functions = given as AnyFunctions;
  const { broadcast } = functions;
  for (const [name, { ttl }] of Object.entries(broadcast)) if (ttl) throw expires(name);
  const records = processSpec(functions, [(record, ctx) => functions.onRecord(record, ctx)]);
  const onBroadcast: BroadcastSpec['onBroadcast'] = (record, ctx) => functions.onBroadcast(record, ctx);
  const node = graph.operator({
    type: 'broadcast-process',
    name,
    renamedFrom: functions.renamedFrom,
    inputs,
    sides: records.sides,
    keyed,
    replicated: true,
    onError: functions.onError as OnError<never> | undefined,
    factory: broadcastFactory({ broadcast, records, keyed, onBroadcast }),
  });
  return Object.assign(new Stream<O>(graph, [{ node, side: undefined }]), {
    side: sideStreams<S>(graph, node, records.sides),
  });
}

function expires(state: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', `broadcast state ${state} has a time to live`, {
    hint: 'Remove what is over in onBroadcast: the clocks of subtasks differ.',
    declaredAt: declaredAt(),
  });
}

/** How a broadcast join finds the row of a record. */
export interface BroadcastJoin<T, K extends Key, R, J extends 'inner' | 'left' = 'inner'> {
  /** Null and undefined have no row. */
  readonly key: (record: T) => K | null | undefined;
  /** A row takes the place of the one with the same key. */
  readonly rowKey: (row: R) => K;
  /** Whether a row says that its key has none any more. */
  readonly isDelete?: (row: R) => unknown;
  /** `'left'`: records without a row come out, too. Default: `'inner'`. */
  readonly type?: J;
}

/** Options of `broadcastJoin`. */
export interface BroadcastJoinOptions<T, R> {
  readonly onError?: OnError<T | R>;
  /** The name that it has in older checkpoints, so that its table is found again. */
  readonly renamedFrom?: string;
}

type Table<K extends Key, R> = { readonly rows: MapDescriptor<K, R> };

/** The functions of a broadcast join. */
export function broadcastJoin<T, K extends Key, R, O>(
  { key, rowKey, isDelete, type }: BroadcastJoin<T, K, R, 'inner' | 'left'>,
  combine: (record: T, row: R | undefined) => O,
  options: BroadcastJoinOptions<T, R>,
): BroadcastFunctions<T, R, Table<K, R>, Record<never, never>, O, never> {
  return {
    ...options,
    broadcast: { rows: state.map<K, R>() },
    onBroadcast(row, { broadcast: { rows } }) {
      if (isDelete?.(row)) rows.delete(rowKey(row));
      else rows.set(rowKey(row), row);
    },
    onRecord(record, { broadcast: { rows } }) {
      const of = key(record);
      const row = of === null || of === undefined ? undefined : rows.get(of);
      return row === undefined && type !== 'left' ? [] : [combine(record, row)];
    },
  };
}
