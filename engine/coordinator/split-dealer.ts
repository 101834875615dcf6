/**
 * Finds the splits of every source and deals them to workers in turn.
 *
 * Invariant: a split is dealt once. Enumerators never run while a checkpoint is being triggered, so that what they
 * have returned and what readers have been given are cut at the same point.
 */

import type { Manifest } from '../../checkpoint/manifest.js';
import { asMillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import { TIME_MIN } from '../../core/time.js';
import type { Enumerator } from '../../operators/source.js';
import type { LogicalPlan, SourceNode } from '../graph/nodes.js';
import type { AssignedSplit } from '../worker/active-split.js';
import type { SplitAssignment } from '../worker/messages.js';

interface Entry {
  readonly node: SourceNode;
  readonly enumerator: Enumerator;
  /** Splits under way in the checkpoint it starts from. */
  readonly restored: readonly AssignedSplit[];
  /** The enumerator's state as of the splits that have been dealt. */
  state: unknown;
  dealt: number;
  /** The workers have heard that no more will come. */
  final: boolean;
}

export class SplitDealer {
  readonly #parallelism: number;
  readonly #entries: readonly Entry[];

  constructor(plan: LogicalPlan, host: Host, parallelism: number, from: Manifest['sources'] | undefined) {
    this.#parallelism = parallelism;
    const sources = plan.nodes.filter((node) => node.kind === 'source');
    this.#entries = sources.map((node, index) => {
      const enumerator = node.source.enumerator({ host, parallelism });
      const saved = from?.[node.uid];
      if (saved) enumerator.restore(saved.enumerator);
      const restored = (saved?.splits ?? []) as readonly AssignedSplit[];
      // Sources with one split each should not all land on worker 0.
      return { node, enumerator, restored, state: saved?.enumerator, dealt: index, final: false };
    });
  }

  /** States of the enumerators, cut where dealing stands. */
  snapshot(): Record<string, unknown> {
    return Object.fromEntries(this.#entries.map(({ node, state }) => [node.uid, state]));
  }

  /** Shortest interval at which some source looks for more splits; undefined when none does. */
  get everyMs(): number | undefined {
    const intervals = this.#entries.flatMap(({ enumerator }) => enumerator.everyMs ?? []);
    return intervals.length === 0 ? undefined : Math.min(...intervals);
  }

  /**
   * Looks for splits and hands what each worker gets to `deal`, in the same turn in which `snapshot` changes: whoever
   * cuts the job sees both or neither.
   */
  async discover(first: boolean, deal: (shares: Shares) => void): Promise<void> {
    const entries = this.#entries.filter(({ enumerator }) => first || enumerator.everyMs !== undefined);
    // An enumerator may find out, in looking, that it has found everything.
    const found: Found[] = [];
    for (const entry of entries) found.push(await find(entry));
    const shares: SplitAssignment[][] = Array.from({ length: this.#parallelism }, () => []);
    for (const { entry, splits, state } of found) {
      entry.state = state;
      this.#deal(entry, first ? [...entry.restored, ...splits] : splits, first, shares);
    }
    deal(shares);
  }

  #deal(entry: Entry, splits: readonly AssignedSplit[], first: boolean, shares: SplitAssignment[][]): void {
    const mine: AssignedSplit[][] = shares.map(() => []);
    for (const split of splits) {
      mine[entry.dealt % this.#parallelism]?.push(split);
      entry.dealt += 1;
    }
    const final = entry.enumerator.everyMs === undefined;
    const news = first || final !== entry.final;
    entry.final = final;
    shares.forEach((assignments, worker) => {
      const splits = mine[worker] ?? [];
      if (news || splits.length > 0) assignments.push({ uid: entry.node.uid, splits, final });
    });
  }
}

/** Assignments of each worker. */
export type Shares = readonly (readonly SplitAssignment[])[];

interface Found {
  readonly entry: Entry;
  readonly splits: readonly AssignedSplit[];
  readonly state: unknown;
}

async function find(entry: Entry): Promise<Found> {
  const { node, enumerator } = entry;
  try {
    const splits = await enumerator.discover();
    const assigned = splits.map((split) => ({ split, position: undefined, watermark: TIME_MIN }));
    return { entry, splits: assigned, state: enumerator.snapshot() };
  } catch (error) {
    throw asMillraceError(error, 'MILL_SOURCE_FAILED', { operator: node.uid, declaredAt: node.declaredAt });
  }
}
