/**
 * From a manifest to what each worker starts from, whatever the number of workers it was made with.
 *
 * Key groups are dealt by range, so a worker may need files of several old workers, and of each only its own key
 * groups; states and handles that have no key are dealt in turn, but for those that every subtask has. At a barrier every subtask behind a hash exchange has
 * seen the same watermarks, so one per chain is enough.
 */
import type { FileRef, KeyGroupRange, Manifest, StateRange } from '../../checkpoint/manifest.js';
import { MillraceError } from '../../core/errors.js';
import { keyGroupsOf } from '../../core/key.js';
import { type LogicalPlan, replicatedOf } from '../graph/nodes.js';
import type { WorkerRestore } from '../worker/restore.js';

/** Throws unless the job is the one that the checkpoint is of, as far as that shows without its names. */
export function checkJob(manifest: Manifest, plan: LogicalPlan): void {
  if (manifest.job !== plan.job) {
    const text = `the state directory belongs to job ${manifest.job}, not ${plan.job}`;
    throw new MillraceError('MILL_STATE_MISMATCH', text, { hint: 'Give each job a state directory of its own.' });
  }
  if (manifest.maxParallelism !== plan.maxParallelism) {
    const text = `the state was made with ${manifest.maxParallelism} key groups, the job has ${plan.maxParallelism}`;
    throw new MillraceError('MILL_STATE_MISMATCH', text, {
      hint: `Set maxParallelism to ${manifest.maxParallelism} again.`,
    });
  }
}

/** What each of `workers` starts from. */
export function dealManifest(manifest: Manifest, { nodes }: LogicalPlan, workers: number): WorkerRestore[] {
  const replicated = replicatedOf(nodes);
  return Array.from({ length: workers }, (_, worker) => {
    const keyGroups = keyGroupsOf(worker, workers, manifest.maxParallelism);
    return {
      keyGroups,
      checkpoint: { id: manifest.id, epoch: manifest.epoch },
      ancestors: manifest.ancestors,
      files: filesOf(manifest.ranges, keyGroups),
      states: new Map([
        ...dealAll(manifest.operators, worker, workers),
        ...dealAll(manifest.sinks, worker, workers),
        ...copies(manifest.operators, replicated, worker),
      ]),
      watermarks: new Map(Object.entries(manifest.watermarks)),
      randoms: new Map(Object.entries(manifest.randoms).flatMap(([uid, states]) => pick(uid, states, worker))),
    };
  });
}

function pick(uid: string, states: readonly (readonly number[])[], worker: number): [string, readonly number[]][] {
  const state = states[worker];
  return state ? [[uid, state]] : [];
}

function dealAll(
  byUid: Readonly<Record<string, readonly unknown[]>>,
  worker: number,
  workers: number,
): [string, readonly unknown[]][] {
  return Object.entries(byUid).map(([uid, items]) => [uid, items.filter((_, at) => at % workers === worker)]);
}

/** One of what the old subtasks had, all of which are the same. */
function copies(
  byUid: Readonly<Record<string, readonly unknown[]>>,
  replicated: ReadonlySet<string>,
  worker: number,
): [string, readonly unknown[]][] {
  return [...replicated].flatMap((uid) => {
    const all = byUid[uid] ?? [];
    return all.length === 0 ? [] : [[uid, [all[worker % all.length]]]];
  });
}

/**
 * Files of every old range that shares key groups with [first, end), in order within a range. Of a file only the rows of
 * its range count: ranges are merged each for itself, so a file that one of them has no more, since it is in a merged one,
 * may still be in another's list, behind what has replaced its rows in the first.
 */
export function filesOf(ranges: readonly StateRange[], wanted: KeyGroupRange): FileRef[] {
  let files: Limited[] = [];
  for (const range of ranges) {
    if (!overlap(range, wanted)) continue;
    files = joined(
      files,
      range.files.map((file) => limited(file, range)).filter((file) => overlap(file.keyGroups, wanted)),
    );
  }
  return files.map((file) => unlimited(file, wanted));
}

function overlap(a: KeyGroupRange, b: KeyGroupRange): boolean {
  return a.first < b.end && b.first < a.end;
}

type Limited = FileRef & { readonly keyGroups: KeyGroupRange };

function limited(file: FileRef, range: KeyGroupRange): Limited {
  const { first, end } = file.keyGroups ?? range;
  return { ...file, keyGroups: { first: Math.max(first, range.first), end: Math.min(end, range.end) } };
}

/** What both begin with is read once. */
function joined(files: readonly Limited[], more: readonly Limited[]): Limited[] {
  const from = more.findIndex((file, at) => {
    const before = files[at];
    return before?.path !== file.path || before.keyGroups.end !== file.keyGroups.first;
  });
  const common = from < 0 ? more.length : from;
  const both = more.slice(0, common).map((file, at) => {
    const { first } = (files[at] as Limited).keyGroups;
    return { ...file, keyGroups: { first, end: file.keyGroups.end } };
  });
  return [...both, ...files.slice(common), ...more.slice(common)];
}

/** Where the limit makes no difference it is left out. */
function unlimited(file: Limited, { first, end }: KeyGroupRange): FileRef {
  const { keyGroups, ...whole } = file;
  return keyGroups.first <= first && keyGroups.end >= end ? whole : file;
}
