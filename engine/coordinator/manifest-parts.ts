/**
 * How what workers have acknowledged becomes the parts of a manifest.
 */
import type { FileRef, Manifest, StateRange } from '../../checkpoint/manifest.js';
import { keyGroupsOf } from '../../core/key.js';
import type { Chain, ChainedNode, PhysicalPlan } from '../graph/chain.js';
import type { SubtaskSnapshot } from '../worker/subtask-snapshot.js';
import { filesOf } from './recovery.js';

type Parts = Pick<Manifest, 'sources' | 'operators' | 'sinks' | 'watermarks' | 'randoms'>;

/** All that is not keyed, from the snapshots of every subtask and the states of the sources' enumerators. */
export function partsOf(
  plan: PhysicalPlan,
  unordered: readonly SubtaskSnapshot[],
  enumerators: Readonly<Record<string, unknown>>,
): Parts {
  const snapshots = [...unordered].sort((a, b) => a.subtask - b.subtask);
  return {
    sources: sourcesOf(plan, snapshots, enumerators),
    operators: merged(snapshots.map(({ states }) => new Map([...states].map(([uid, state]) => [uid, [state]])))),
    sinks: merged(snapshots.map(({ handles }) => handles)),
    ...perChain(plan, snapshots),
  };
}

/** What was there before for each worker's key groups, then what the worker has written since. */
export function rangesOf(
  before: readonly StateRange[],
  written: (worker: number) => readonly FileRef[],
  { parallelism, maxParallelism }: Pick<Manifest, 'parallelism' | 'maxParallelism'>,
): StateRange[] {
  return Array.from({ length: parallelism }, (_, worker) => {
    const range = keyGroupsOf(worker, parallelism, maxParallelism);
    const old = filesOf(before, range);
    const known = new Set(old.map(({ path }) => path));
    return { ...range, files: [...old, ...written(worker).filter(({ path }) => !known.has(path))] };
  });
}

function headOf(plan: PhysicalPlan, chain: number): ChainedNode['node'] {
  const { nodes } = plan.chains[chain] as Chain;
  return (nodes[0] as ChainedNode).node;
}

function sourcesOf(
  plan: PhysicalPlan,
  snapshots: readonly SubtaskSnapshot[],
  enumerators: Readonly<Record<string, unknown>>,
): Manifest['sources'] {
  const sources: Record<string, { enumerator: unknown; splits: unknown[] }> = {};
  for (const [uid, enumerator] of Object.entries(enumerators)) sources[uid] = { enumerator, splits: [] };
  for (const { chain, splits } of snapshots) sources[headOf(plan, chain).uid]?.splits.push(...splits);
  return sources;
}

function merged(maps: readonly ReadonlyMap<string, readonly unknown[]>[]): Record<string, unknown[]> {
  const all: Record<string, unknown[]> = {};
  for (const map of maps) for (const [uid, items] of map) (all[uid] ??= []).push(...items);
  return all;
}

function perChain(plan: PhysicalPlan, snapshots: readonly SubtaskSnapshot[]): Pick<Manifest, 'watermarks' | 'randoms'> {
  const watermarks: Record<string, number> = {};
  const randoms: Record<string, (readonly number[])[]> = {};
  for (const { chain, watermark, random } of snapshots) {
    const { uid } = headOf(plan, chain);
    watermarks[uid] = Math.min(watermarks[uid] ?? Number.POSITIVE_INFINITY, watermark);
    (randoms[uid] ??= []).push(random);
  }
  return { watermarks, randoms };
}
