/**
 * Gathers one subtask's part of each checkpoint as its barrier passes the stages, and acknowledges once all stages
 * have been cut and all they rest on is durable. Also counts the stages that the end of input has passed.
 *
 * Invariant: a checkpoint is acknowledged once, also one that the coordinator has given up: its barrier passes anyway.
 */
import { asMillraceError, type MillraceError } from '../../core/errors.js';
import type { OperatorSnapshot } from '../../operators/operator.js';
import type { Chain } from '../graph/chain.js';
import type { AssignedSplit } from './active-split.js';

/** What a subtask's acknowledgement holds: plain data, apart from keyed state, which is taken as rows. */
export interface SubtaskSnapshot {
  readonly checkpoint: number;
  readonly chain: number;
  readonly subtask: number;
  /** The watermark that has passed. */
  readonly watermark: number;
  /** State of the generator behind `ctx.random()`. */
  readonly random: readonly number[];
  /** Splits of the source at its head, with positions and watermarks. */
  readonly splits: readonly AssignedSplit[];
  /** State of operators that is not keyed, by uid. */
  readonly states: ReadonlyMap<string, unknown>;
  /** Sink handles not known to be committed, by uid. */
  readonly handles: ReadonlyMap<string, readonly unknown[]>;
}

interface Pending {
  readonly common: Pick<SubtaskSnapshot, 'watermark' | 'random'>;
  missing: number;
  splits: readonly AssignedSplit[];
  readonly states: Map<string, unknown>;
  readonly handles: Map<string, readonly unknown[]>;
}

export class SnapshotCollector {
  readonly #chain: Chain;
  readonly #subtask: number;
  readonly #acknowledge: (snapshot: SubtaskSnapshot) => void;
  readonly #common: () => Pick<SubtaskSnapshot, 'watermark' | 'random'>;
  readonly #fail: (error: MillraceError) => void;
  readonly #pending = new Map<number, Pending>();
  readonly #running = new Set<string>();

  constructor(
    chain: Chain,
    subtask: number,
    acknowledge: (snapshot: SubtaskSnapshot) => void,
    common: () => Pick<SubtaskSnapshot, 'watermark' | 'random'>,
    fail: (error: MillraceError) => void,
  ) {
    this.#chain = chain;
    this.#subtask = subtask;
    this.#acknowledge = acknowledge;
    this.#common = common;
    this.#fail = fail;
    for (const { node } of chain.nodes) this.#running.add(node.uid);
  }

  get ended(): boolean {
    return this.#running.size === 0;
  }

  endedAt(uid: string): void {
    this.#running.delete(uid);
  }

  source(checkpoint: number, splits: readonly AssignedSplit[]): void {
    const pending = this.#entry(checkpoint);
    pending.splits = splits;
    this.#arrived(checkpoint, pending);
  }

  operator(uid: string, checkpoint: number, snapshot: OperatorSnapshot): void {
    const pending = this.#entry(checkpoint);
    if (snapshot.state !== undefined) pending.states.set(uid, snapshot.state);
    if (snapshot.durable) void this.#await(uid, checkpoint, pending, snapshot.durable);
    else this.#arrived(checkpoint, pending);
  }

  async #await(uid: string, checkpoint: number, pending: Pending, durable: Promise<readonly unknown[]>): Promise<void> {
    try {
      pending.handles.set(uid, await durable);
    } catch (error) {
      this.#fail(asMillraceError(error, 'MILL_SINK_FAILED', { operator: uid, subtask: this.#subtask }));
      return;
    }
    this.#arrived(checkpoint, pending);
  }

  #entry(checkpoint: number): Pending {
    const known = this.#pending.get(checkpoint);
    if (known) return known;
    // The barrier is just passing the head: this is the moment.
    const common = this.#common();
    const pending = { missing: this.#chain.nodes.length, splits: [], states: new Map(), handles: new Map(), common };
    this.#pending.set(checkpoint, pending);
    return pending;
  }

  #arrived(checkpoint: number, pending: Pending): void {
    pending.missing -= 1;
    if (pending.missing > 0) return;
    this.#pending.delete(checkpoint);
    const { splits, states, handles, common } = pending;
    this.#acknowledge({
      checkpoint,
      chain: this.#chain.id,
      subtask: this.#subtask,
      ...common,
      splits,
      states,
      handles,
    });
  }
}
