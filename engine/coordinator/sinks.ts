/**
 * The committers of a job's sinks, with errors that name them.
 */
import { asMillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import type { Committer, OutputPoint } from '../../operators/sink.js';
import type { LogicalPlan, SinkNode } from '../graph/nodes.js';

/** Handles by sink uid. */
export type SinkHandles = ReadonlyMap<string, readonly unknown[]>;

export class Sinks {
  readonly #committers: readonly (readonly [SinkNode, Committer])[];

  constructor(plan: LogicalPlan, host: Host) {
    this.#committers = plan.nodes.flatMap((node) => {
      if (node.kind !== 'sink') return [];
      const { uid, renamedFrom: formerUid } = node;
      const committer = node.sink.committer?.({ host, uid, formerUid, job: plan.job });
      return committer ? [[node, committer] as const] : [];
    });
  }

  /** Makes what a checkpoint, or the end, has sealed visible; harmless when repeated. */
  commit(handles: SinkHandles): Promise<void> {
    return this.#each((committer, uid) => committer.commit(handles.get(uid) ?? []));
  }

  /** Removes what no checkpoint knows: after a crash, before writers open. */
  recover(handles: SinkHandles): Promise<void> {
    return this.#each(async (committer, uid) => committer.recover?.(handles.get(uid) ?? []));
  }

  /** Removes what earlier runs have written. */
  clear(): Promise<void> {
    return this.#each((committer) => committer.clear());
  }

  /** What is visible, by sink: all, or what was begun after a point. Sinks that can't tell are left out. */
  async written(after?: OutputPoint): Promise<Map<string, readonly string[]>> {
    const found = new Map<string, readonly string[]>();
    await this.#each(async (committer, uid) => {
      const names = (await committer.written?.(after)) ?? [];
      if (names.length > 0) found.set(uid, names);
    });
    return found;
  }

  /** Sinks that commit and can't take it back. */
  get irrevocable(): readonly string[] {
    return this.#committers.filter(([, committer]) => !committer.withdraw).map(([{ uid }]) => uid);
  }

  /** Takes back what was begun after a point. */
  withdraw(after: OutputPoint): Promise<void> {
    return this.#each(async (committer) => committer.withdraw?.(after));
  }

  async #each(call: (committer: Committer, uid: string) => Promise<void>): Promise<void> {
    for (const [node, committer] of this.#committers) {
      try {
        await call(committer, node.uid);
      } catch (error) {
        throw asMillraceError(error, 'MILL_SINK_FAILED', { operator: node.uid, declaredAt: node.declaredAt });
      }
    }
  }
}
