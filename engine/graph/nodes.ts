/**
 * The logical plan: frozen, plain nodes in order of declaration, which is a topological order. The API builds it,
 * every worker builds it again from the same module, and a fingerprint of its structure shows that they agree.
 * All meaning is here; builders only hold types.
 */
import type { OperatorFactory } from '../../operators/operator.js';
import type { Sink } from '../../operators/sink.js';
import type { Source } from '../../operators/source.js';

/** How records of an edge find the consumer's subtask. */
export type Partition =
  | { readonly kind: 'forward' }
  | { readonly kind: 'hash'; readonly selector: (record: never) => unknown }
  /** In turns, a batch at a time; to the first so many subtasks, if it says how many. */
  | { readonly kind: 'rebalance'; readonly subtasks?: number | undefined }
  /** Any subtask, drawn for each record. */
  | { readonly kind: 'shuffle' }
  /** The first one. */
  | { readonly kind: 'global' }
  /** The one that a function of the user says. */
  | { readonly kind: 'custom'; readonly choose: (record: never, subtasks: number) => unknown }
  | { readonly kind: 'broadcast' };

export interface Edge {
  readonly from: number;
  /** The producer's side output, or undefined for its main one. */
  readonly side: string | undefined;
  /** The consumer's input: 0, or 1 of a two-input operator. */
  readonly port: number;
  readonly partition: Partition;
}

/** What happens to a record on which user code throws, or that can't be read. */
export type ErrorPolicy = 'fail' | 'skip' | 'dead-letter';

/** The side output on which dead letters leave an operator. */
export const DEAD_LETTERS = 'dead-letters';

interface NodeBase {
  readonly id: number;
  /** Identity of its state: the user's name, or for what holds none a generated one such as `map-3`. */
  readonly uid: string;
  /** The name that its state has in older checkpoints. */
  readonly renamedFrom?: string | undefined;
  /** What it is, for plans: `map`, `window`, `files` … */
  readonly type: string;
  /** What it does, for plans: one line, or ''. */
  readonly description: string;
  readonly inputs: readonly Edge[];
  readonly sides: readonly string[];
  readonly onError: ErrorPolicy;
  /** It begins a chain of its own, though it could go on with its producer's. */
  readonly unchained?: boolean | undefined;
  /** The user's line that declared it. */
  readonly declaredAt: string | undefined;
}

export interface EventTime {
  readonly timestamp: (record: never) => number;
  readonly outOfOrderMs: number;
  /** Makes what says how far time has come, one a split or subtask. Timestamps then make no watermarks. */
  readonly generator: (() => WatermarkGenerator<never>) | undefined;
  /** A split that gives nothing for this long stops holding the watermark back. */
  readonly idleAfterMs: number | undefined;
  /** `each`: a watermark after every record that advances it; costs a batch per record. */
  readonly emit: 'interval' | 'each';
  /** Splits ahead of the slowest of a group of sources wait for it. */
  readonly align: Alignment | undefined;
}

/**
 * Makes the watermarks of one split, or of one subtask where event time is not followed per split. Each function says how far
 * time has come: no record at or below that is expected any more. Undefined, or less than before: nothing new.
 */
export interface WatermarkGenerator<T> {
  /** Called for each record, in order. */
  onRecord(record: T, timestamp: number): number | undefined;
  /** Every few milliseconds; `now`: processing time, epoch milliseconds. */
  onPeriodic?(now: number): number | undefined;
}

export interface Alignment {
  readonly group: string;
  /** How far ahead of the slowest a split may be. */
  readonly maxDriftMs: number;
}

export interface SourceNode extends NodeBase {
  readonly kind: 'source';
  readonly source: Source<unknown>;
}

export interface OperatorNode extends NodeBase {
  readonly kind: 'operator';
  readonly factory: OperatorFactory;
  /** Its state is per key; each input is a hash edge, or a broadcast one, whose records have no key. */
  readonly keyed: boolean;
  /** The state that its snapshots give beside that is the same in every subtask: each gets one after a restore. */
  readonly replicated: boolean;
  /** Whether the user's function of one record can run on a pool thread, and that function. */
  readonly offloaded: ((record: never) => unknown) | undefined;
}

/** Assigns timestamps and watermarks. Directly after a source it works per split. */
export interface EventTimeNode extends NodeBase {
  readonly kind: 'event-time';
  readonly eventTime: EventTime;
}

export interface SinkNode extends NodeBase {
  readonly kind: 'sink';
  readonly sink: Sink<unknown>;
}

export type LogicalNode = SourceNode | OperatorNode | EventTimeNode | SinkNode;

/** Operators whose own state is the same in every subtask, by uid. */
export function replicatedOf(nodes: readonly LogicalNode[]): ReadonlySet<string> {
  return new Set(nodes.flatMap((node) => (node.kind === 'operator' && node.replicated ? [node.uid] : [])));
}

export interface LogicalPlan {
  readonly job: string;
  readonly nodes: readonly LogicalNode[];
  readonly maxParallelism: number;
  /** The `collect()` sink whose records the definition returned. */
  readonly results: string | undefined;
  readonly fingerprint: string;
}
