/**
 * Finds the splits of every source and deals them to workers in turn.
 *
 * Invariant: a split is dealt once. Enumerators never run while a checkpoint is being triggered, so that what they
 * have returned and what readers have been given are cut at the same point.
 */
import { asMillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import { TIME_MIN } from '../../core/time.js';
import type { Enumerator } from '../../operators/source.js';
import type { LogicalPlan, SourceNode } from '../graph/nodes.js';
import type { SplitAssignment } from '../worker/messages.js';

interface Entry {
  readonly node: SourceNode;
  readonly enumerator: Enumerator;
  dealt: number;
}

export class SplitDealer {
  readonly #parallelism: number;
  readonly #entries: readonly Entry[];

  constructor(plan: LogicalPlan, host: Host, parallelism: number) {
    this.#parallelism = parallelism;
    const sources = plan.nodes.filter((node) => node.kind === 'source');
    this.#entries = sources.map((node, index) => ({
      node,
      enumerator: node.source.enumerator({ host, parallelism }),
      // Sources with one split each should not all land on worker 0.
      dealt: index,
    }));
  }

  /** Shortest interval at which some source looks for more splits; undefined when none does. */
  get everyMs(): number | undefined {
    const intervals = this.#entries.flatMap(({ enumerator }) => enumerator.everyMs ?? []);
    return intervals.length === 0 ? undefined : Math.min(...intervals);
  }

  /** What each worker gets of the splits found now. */
  async discover(first: boolean): Promise<readonly (readonly SplitAssignment[])[]> {
    const perWorker: SplitAssignment[][] = Array.from({ length: this.#parallelism }, () => []);
    for (const entry of this.#entries) {
      if (!first && entry.enumerator.everyMs === undefined) continue;
      const shares = await this.#deal(entry);
      const final = entry.enumerator.everyMs === undefined;
      perWorker.forEach((assignments, worker) => {
        const splits = shares[worker] ?? [];
        if (first || splits.length > 0) assignments.push({ uid: entry.node.uid, splits, final });
      });
    }
    return perWorker;
  }

  async #deal(entry: Entry): Promise<SplitAssignment['splits'][]> {
    const { node, enumerator } = entry;
    try {
      const shares: SplitAssignment['splits'][number][][] = Array.from({ length: this.#parallelism }, () => []);
      for (const split of await enumerator.discover()) {
        shares[entry.dealt % this.#parallelism]?.push({ split, position: undefined, watermark: TIME_MIN });
        entry.dealt += 1;
      }
      return shares;
    } catch (error) {
      throw asMillraceError(error, 'MILL_SOURCE_FAILED', { operator: node.uid, declaredAt: node.declaredAt });
    }
  }
}
