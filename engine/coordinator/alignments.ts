/**
 * How far sources have come that wait for one another: the slowest of a group says how far the others may read (Flink's
 * watermark alignment).
 *
 * Invariant: nothing is said of a group before all of its subtasks have said something.
 */
import { TIME_MAX } from '../../core/time.js';
import type { PhysicalPlan } from '../graph/chain.js';

export interface Aligned {
  readonly group: string;
  /** Of its slowest split. */
  readonly watermark: number;
}

interface Group {
  readonly name: string;
  /** Subtasks of its sources. */
  readonly members: number;
  /** By source and worker. */
  readonly watermarks: Map<string, number>;
  told: number | undefined;
}

export class Alignments {
  readonly #bySource = new Map<string, Group>();

  constructor({ chains }: PhysicalPlan, parallelism: number) {
    const sources = chains.flatMap(({ nodes }) =>
      nodes.flatMap(({ node, eventTime }) =>
        eventTime?.align ? [{ uid: node.uid, name: eventTime.align.group }] : [],
      ),
    );
    for (const name of new Set(sources.map((source) => source.name))) {
      const own = sources.filter((source) => source.name === name);
      const group: Group = { name, members: own.length * parallelism, watermarks: new Map(), told: undefined };
      for (const { uid } of own) this.#bySource.set(uid, group);
    }
  }

  /** What its group is to be told now; undefined: nothing new. */
  progressed(worker: number, uid: string, watermark: number): Aligned | undefined {
    const group = this.#bySource.get(uid);
    if (!group) return undefined;
    group.watermarks.set(`${worker}/${uid}`, watermark);
    if (group.watermarks.size < group.members) return undefined;
    const slowest = Math.min(TIME_MAX, ...group.watermarks.values());
    if (slowest === group.told) return undefined;
    group.told = slowest;
    return { group: group.name, watermark: slowest };
  }
}
