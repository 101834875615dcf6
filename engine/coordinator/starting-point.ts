/**
 * Where a job starts, if not simply at its newest checkpoint: an older one, a savepoint, or one whose names have
 * changed. Whichever it is, a manifest of its own is written first, so that it becomes the newest one: what happens
 * afterwards is recovery as always, also when the process dies on the way.
 *
 * Invariants: nothing goes back unless it is asked for, and, where output has been shown since, told what that means;
 * every file of the checkpoint is verified before anything is given up for it; epochs go on above the highest seen.
 */
import { filesOfManifest } from '../../checkpoint/checkpoint-reader.js';
import type { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import { type FileRef, isOnPath, lineageOf, type Manifest, type StateRange } from '../../checkpoint/manifest.js';
import type { MergeTask, OperatorNames } from '../../checkpoint/merge.js';
import type { RowsReader } from '../../checkpoint/newest-rows.js';
import { Savepoint } from '../../checkpoint/savepoint.js';
import { MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import type { LogicalPlan } from '../graph/nodes.js';
import { changedNames, underNewNames } from './changed-names.js';
import { randomId } from './random-id.js';
import { checkJob } from './recovery.js';
import type { Sinks } from './sinks.js';

/** How to start, where that is not simply the newest checkpoint. */
export interface StartOptions {
  /** Directory of a savepoint, or the name or number of a checkpoint that the state directory still has. */
  readonly from?: string | undefined;
  /** Output that is newer than `from` may be withdrawn. */
  readonly withdraw?: boolean | undefined;
  /** State of operators that the job has no more may be dropped. */
  readonly allowDroppedState?: boolean | undefined;
}

export interface StartingPoint {
  readonly store: CheckpointStore;
  readonly host: Host;
  readonly plan: LogicalPlan;
  readonly sinks: Sinks;
  readonly start: StartOptions;
  merge(task: MergeTask): Promise<FileRef>;
}

/** Once, before the first attempt: makes what the job is to start from the newest checkpoint. */
export async function prepareStart(point: StartingPoint): Promise<void> {
  if (point.start.from !== undefined) await goBack(point, point.start.from);
  const newest = await point.store.newest();
  if (!newest) return;
  checkJob(newest, point.plan);
  const names = namesFor(newest, point);
  if (Object.keys(names).length > 0) await rename(newest, names, point);
}

function namesFor(manifest: Manifest, { plan, start }: StartingPoint): OperatorNames {
  return changedNames(manifest, plan, start.allowDroppedState ?? false);
}

// Going back

interface Target {
  readonly manifest: Manifest;
  readonly files: RowsReader;
  /** It lies outside of the state directory. */
  readonly foreign: boolean;
}

async function goBack(point: StartingPoint, from: string): Promise<void> {
  const { store, plan } = point;
  const target = await find(point, from);
  const { manifest } = target;
  const names = await store.list();
  const newest = await readable(store, names[0]);
  if (newest && (newest.id === manifest.id || newest.parent === manifest.id) && isHere(newest, manifest)) return;
  checkJob(manifest, plan);
  namesFor(manifest, point);
  if (newest && !isOnPath(manifest, newest)) throw foreign(from, store);
  await checkOutput(point, manifest, names.length > 0);
  await store.writeManifest(await rewound(point, target, names[0]));
}

/** The newest is the very checkpoint that is asked for, or has gone back to it and done nothing since. */
function isHere(newest: Manifest, target: Manifest): boolean {
  return newest.id === target.id || newest.rewoundTo === target.epoch;
}

async function find({ store, host }: StartingPoint, from: string): Promise<Target> {
  const savepoint = new Savepoint(host.storage, from);
  const saved = await savepoint.manifest();
  if (saved) return { manifest: saved, files: savepoint, foreign: true };
  const names = await store.list();
  const name = names.find((each) => isNamed(each, from));
  if (name !== undefined) return { manifest: await store.manifest(name), files: store, foreign: false };
  const known = names.length > 0 ? names.map(bare).join(', ') : 'none';
  const text = `${from} is no savepoint, and no checkpoint that ${store.directory} still has: ${known}`;
  throw new MillraceError('MILL_CHECKPOINT_MISSING', text);
}

function bare(name: string): string {
  return name.replace(/\.manifest$/, '');
}

function isNamed(name: string, wanted: string): boolean {
  if (/^\d+$/.test(wanted)) return epochOf(name) === Number(wanted);
  return bare(name) === bare(wanted);
}

function epochOf(name: string | undefined): number {
  return name === undefined ? 0 : Number(name.slice(0, name.indexOf('-')));
}

/** Undefined also for one that is damaged: going back is the way out of that. */
async function readable(store: CheckpointStore, name: string | undefined): Promise<Manifest | undefined> {
  if (name === undefined) return undefined;
  try {
    return await store.manifest(name);
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'MILL_CHECKPOINT_DAMAGED') return undefined;
    throw error;
  }
}

function foreign(from: string, { directory }: CheckpointStore): MillraceError {
  return new MillraceError(
    'MILL_STATE_MISMATCH',
    `the job in ${directory} has not come by way of ${from}: it stems from another start, or has gone back to before it`,
    { hint: 'Start it in an empty state directory, with sinks of its own.' },
  );
}

/** What has been shown since must be taken back; only whoever asks to go back can say that this is wanted. */
async function checkOutput({ sinks, start, store }: StartingPoint, target: Manifest, used: boolean): Promise<void> {
  const later = await sinks.written({ lineage: lineageOf(target), epoch: target.epoch });
  const stuck = used ? sinks.irrevocable : [];
  if (stuck.length > 0) {
    const text = `${stuck.join(', ')} can't take back what was committed after checkpoint ${target.epoch}`;
    throw new MillraceError('MILL_OUTPUT_AHEAD', text, {
      hint: 'Start from it in an empty state directory, once the output has been put right by hand.',
    });
  }
  if (start.withdraw || (!used && later.size === 0)) return;
  const lost = [...later].map(([uid, names]) => `${names.length} files of ${uid}`).join(', ') || 'no output';
  const place = used ? `${store.directory} holds newer checkpoints than ${target.epoch}` : `there is newer output`;
  throw new MillraceError('MILL_OUTPUT_AHEAD', `${place}; going back would withdraw ${lost}`);
}

async function rewound(point: StartingPoint, target: Target, newestName: string | undefined): Promise<Manifest> {
  const { host } = point;
  const { manifest } = target;
  const id = randomId(host);
  const epoch = Math.max(epochOf(newestName), manifest.epoch) + 1;
  return {
    ...manifest,
    id,
    parent: manifest.id,
    ancestors: [manifest.id, ...manifest.ancestors],
    epoch,
    path: [...manifest.path, { branch: id, epoch }],
    rewoundTo: manifest.epoch,
    createdAt: host.now(),
    ranges: await filesOfTarget(point, target, id),
  };
}

/** Reads every file, and copies what lies elsewhere. */
async function filesOfTarget({ store }: StartingPoint, target: Target, id: string): Promise<StateRange[]> {
  const copies = new Map<string, FileRef>();
  for (const file of filesOfManifest(target.manifest)) {
    const name = `from-${id}-${String(copies.size).padStart(6, '0')}`;
    copies.set(
      file.path,
      target.foreign ? await copied(file, name, target, store) : await verifyRows(target.files, file),
    );
  }
  return target.manifest.ranges.map((range) => ({
    ...range,
    files: range.files.map(({ path, keyGroups }) => ({
      ...(copies.get(path) as FileRef),
      ...(keyGroups && { keyGroups }),
    })),
  }));
}

async function copied(file: FileRef, name: string, { files }: Target, store: CheckpointStore): Promise<FileRef> {
  const open = await files.openRows(file);
  try {
    const copy = await store.writeRows(name, { sections: open.readAll(), tables: open.tables });
    return { ...file, ...copy };
  } finally {
    await open.close();
  }
}

async function verifyRows(files: RowsReader, file: FileRef): Promise<FileRef> {
  const open = await files.openRows(file);
  try {
    await open.verify();
    return file;
  } finally {
    await open.close();
  }
}

// Changed names

/** Writes all state anew under its new names: what has an old name can't be taken for something else later. */
async function rename(newest: Manifest, names: OperatorNames, { store, host, merge }: StartingPoint): Promise<void> {
  const id = randomId(host);
  const ranges: StateRange[] = [];
  for (const range of newest.ranges) {
    const { first, end, files } = range;
    const task = { name: `named-${id}-${first}`, files, range: { first, end }, names };
    ranges.push(files.length === 0 ? range : { first, end, files: [await merge(task)] });
  }
  const epoch = newest.epoch + 1;
  const path = newest.path.map((step, at) => (at === newest.path.length - 1 ? { ...step, epoch } : step));
  // No ancestors: whatever a worker still holds is under the old names.
  const moved = { id, parent: newest.id, ancestors: [], epoch, path, createdAt: host.now(), ranges };
  await store.writeManifest({ ...newest, ...underNewNames(newest, names), ...moved });
}

/** Adds to the error of a damaged checkpoint which older one, if it is whole, there is to go back to. */
export async function withOlder(error: MillraceError, store: CheckpointStore): Promise<MillraceError> {
  const { code, message, place, cause, position } = error;
  if (code !== 'MILL_CHECKPOINT_DAMAGED' || !String(position).startsWith(`${store.directory}/`)) return error;
  const older = await wholeBefore(store);
  if (older === undefined) return error;
  const hint = `Restore the file from a copy, or go back to the checkpoint before: --from ${bare(older)} --withdraw.`;
  return new MillraceError(code, message, { ...place, cause, hint });
}

/** The newest but one may rest on the very file that is damaged. */
async function wholeBefore(store: CheckpointStore): Promise<string | undefined> {
  const names = await store.list().catch(() => []);
  for (const name of names.slice(1)) if (await isWhole(store, name)) return name;
  return undefined;
}

async function isWhole(store: CheckpointStore, name: string): Promise<boolean> {
  try {
    const { ranges } = await store.manifest(name);
    for (const file of ranges.flatMap(({ files }) => files)) await verifyRows(store, file);
    return true;
  } catch {
    return false;
  }
}
