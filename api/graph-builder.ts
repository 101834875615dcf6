/**
 * Collects the nodes of a job while its definition runs. Streams hold a builder and where they come from, nothing
 * else.
 */
import { DEAD_LETTERS, type Edge, type LogicalNode, type Partition } from '../engine/graph/nodes.js';
import type { OperatorFactory } from '../operators/operator.js';
import type { Sink } from '../operators/sink.js';
import { declaredAt } from './declared-at.js';
import { type OnError, policyOf } from './on-error.js';

/** One output of a node. */
export interface Origin {
  readonly node: number;
  readonly side: string | undefined;
}

/** Where a stream comes from, and how it is to be dealt to the next operator's subtasks. */
export interface Input {
  readonly origins: readonly Origin[];
  readonly partition: Partition;
}

export const FORWARD: Partition = Object.freeze({ kind: 'forward' });

export interface OperatorSpec {
  readonly type: string;
  /** Its uid; without one a number is given out. */
  readonly name?: string | undefined;
  /** What it was called in older checkpoints. */
  readonly renamedFrom?: string | undefined;
  readonly description?: string | undefined;
  readonly inputs: readonly Input[];
  readonly sides?: readonly string[];
  readonly keyed?: boolean;
  readonly replicated?: boolean;
  readonly unchained?: boolean | undefined;
  readonly onError?: OnError<never> | undefined;
  readonly offloaded?: ((record: never) => unknown) | undefined;
  readonly factory: OperatorFactory;
}

type NodeDraft = LogicalNode extends infer N
  ? N extends LogicalNode
    ? Omit<N, 'id' | 'uid' | 'declaredAt'>
    : never
  : never;

export class GraphBuilder {
  readonly nodes: LogicalNode[] = [];
  readonly #counts = new Map<string, number>();

  operator(spec: OperatorSpec): number {
    const { policy, sides } = policyOf(spec.onError);
    const id = this.add(spec.name, {
      kind: 'operator',
      type: spec.type,
      renamedFrom: spec.renamedFrom,
      description: spec.description ?? '',
      inputs: spec.inputs.flatMap(edgesOf),
      sides: [...(spec.sides ?? []), ...sides],
      onError: policy,
      factory: spec.factory,
      keyed: spec.keyed ?? false,
      replicated: spec.replicated ?? false,
      unchained: spec.unchained,
      offloaded: spec.offloaded,
    });
    this.deadLetters(id, spec.onError);
    return id;
  }

  /** Gives a node that sends dead letters the sink for them. */
  deadLetters(id: number, onError: OnError<never> | undefined): void {
    if (typeof onError !== 'object') return;
    this.sink(onError.name, { origins: [{ node: id, side: DEAD_LETTERS }], partition: FORWARD }, onError.sink);
  }

  sink(name: string, input: Input, sink: Sink<never>, renamedFrom?: string): number {
    return this.add(name, {
      kind: 'sink',
      renamedFrom,
      type: sink.kind,
      description: sink.description,
      inputs: edgesOf(input, 0),
      sides: [],
      onError: 'fail',
      sink: sink as Sink<unknown>,
    });
  }

  add(name: string | undefined, draft: NodeDraft): number {
    const id = this.nodes.length;
    const uid = name ?? (mayBeNameless(draft) ? this.#nextName(draft.type) : '');
    this.nodes.push(Object.freeze({ ...draft, id, uid, declaredAt: declaredAt() }) as LogicalNode);
    return id;
  }

  #nextName(type: string): string {
    const count = (this.#counts.get(type) ?? 0) + 1;
    this.#counts.set(type, count);
    return `${type}-${count}`;
  }
}

/** What holds state, or positions, or files, is found again by its name. */
function mayBeNameless(draft: NodeDraft): boolean {
  return draft.kind === 'event-time' || (draft.kind === 'operator' && !draft.keyed && !draft.replicated);
}

function edgesOf(input: Input, port: number): Edge[] {
  return input.origins.map(({ node, side }) => ({ from: node, side, port, partition: input.partition }));
}
