/**
 * What has become of the names in a checkpoint: names are what state is found by, so none may get lost unsaid.
 */
import type { Manifest } from '../../checkpoint/manifest.js';
import type { OperatorNames } from '../../checkpoint/merge.js';
import { MillraceError } from '../../core/errors.js';
import type { LogicalNode, LogicalPlan } from '../graph/nodes.js';

/** Names that state is kept by: sources, sinks, keyed operators. */
export function uidsOf(plan: LogicalPlan): string[] {
  return stateful(plan).map(({ uid }) => uid);
}

type Role = 'source' | 'sink' | 'operator';

function stateful(plan: LogicalPlan): LogicalNode[] {
  return plan.nodes.filter((node) => node.kind === 'source' || node.kind === 'sink' || isKeyed(node));
}

function isKeyed(node: LogicalNode): boolean {
  return node.kind === 'operator' && node.keyed;
}

/**
 * New names by old ones, where the job says so (`renamedFrom`), and null for what is dropped. Throws
 * `MILL_STATE_MISMATCH` for a name that the job has no more, unless `allowDropped`.
 */
export function changedNames(manifest: Manifest, plan: LogicalPlan, allowDropped: boolean): OperatorNames {
  const nodes = stateful(plan);
  const renamed = nodes.filter(
    ({ uid, renamedFrom }) =>
      renamedFrom !== undefined && manifest.uids.includes(renamedFrom) && !manifest.uids.includes(uid),
  );
  const names = new Map<string, string | null>(renamed.map(({ uid, renamedFrom }) => [renamedFrom as string, uid]));
  const uids = new Set(nodes.map(({ uid }) => uid));
  const gone = manifest.uids.filter((uid) => !uids.has(uid) && !names.has(uid));
  if (gone.length > 0 && !allowDropped) throw lost(gone, manifest, nodes);
  for (const uid of gone) names.set(uid, null);
  return Object.fromEntries(names);
}

function lost(gone: readonly string[], manifest: Manifest, nodes: readonly LogicalNode[]): MillraceError {
  const fresh = nodes.filter(({ uid }) => !manifest.uids.includes(uid));
  const added = fresh.length > 0 ? `; new in the job: ${fresh.map(({ uid }) => uid).join(', ')}` : '';
  const text = `the checkpoint holds state of ${gone.join(', ')}, which the job has no more${added}`;
  const pair = likelyRename(gone, manifest, fresh);
  const [from, to] = pair ? [pair.from, pair.to.uid] : [gone[0] as string, 'its new name'];
  return new MillraceError('MILL_STATE_MISMATCH', text, {
    operator: pair?.to.uid,
    declaredAt: pair?.to.declaredAt,
    hint: `If ${from} is ${to} now, add { renamedFrom: '${from}' } to ${pair ? to : 'it'}; to give its state up, run once with allowDroppedState: true (--allow-dropped-state).`,
  });
}

/** The one new name of the same role, if there is one for only one old name. */
function likelyRename(
  gone: readonly string[],
  manifest: Manifest,
  fresh: readonly LogicalNode[],
): { readonly from: string; readonly to: LogicalNode } | undefined {
  for (const role of ['operator', 'source', 'sink'] as const) {
    const from = gone.filter((uid) => roleIn(manifest, uid) === role);
    const to = fresh.filter(({ kind }) => kind === role);
    if (from.length === 1 && to.length === 1) return { from: from[0] as string, to: to[0] as LogicalNode };
  }
  return undefined;
}

function roleIn({ sources, sinks }: Manifest, uid: string): Role {
  if (Object.hasOwn(sources, uid)) return 'source';
  return Object.hasOwn(sinks, uid) ? 'sink' : 'operator';
}

/** The parts of a manifest that go by names, under the new ones. */
export function underNewNames(
  manifest: Manifest,
  names: OperatorNames,
): Pick<Manifest, 'sources' | 'operators' | 'sinks' | 'watermarks' | 'randoms' | 'uids'> {
  const uidOf = (uid: string): string | null => (Object.hasOwn(names, uid) ? (names[uid] as string | null) : uid);
  const all = <T>(byUid: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(byUid).flatMap(([uid, value]) => {
        const now = uidOf(uid);
        return now === null ? [] : [[now, value] as const];
      }),
    );
  const { sources, operators, sinks, watermarks, randoms } = manifest;
  return {
    sources: all(sources),
    operators: all(operators),
    sinks: all(sinks),
    watermarks: all(watermarks),
    randoms: all(randoms),
    uids: manifest.uids.flatMap((uid) => uidOf(uid) ?? []),
  };
}
