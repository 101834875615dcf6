/**
 * Starts of a job one byte of whose checkpoint has been flipped, each byte in turn: refused by the name of the file, with
 * the way back, and nothing of its state is changed.
 */
import { fileSink, generate, type JobDefinition, job, ndjson } from 'millrace';
import t from 'tap';
import { decodeManifest } from '../../checkpoint/manifest.js';
import { MillraceError } from '../../core/errors.js';
import type { Coordinator } from '../../engine/coordinator/coordinator.js';
import { MemoryStorage } from '../../engine/host/memory-storage.js';
import { VirtualClock } from '../../engine/host/virtual-clock.js';
import type { EngineSettings } from '../../engine/worker/settings.js';
import { linesOn, live, STATE } from './life.js';

const OUT = '/out';
const COUNT = 60;
const KEYS = 5;
/** Virtual ms until it is interrupted. */
const TIME = 80;

const EXPECTED = Array.from({ length: COUNT }, (_, n) => `"${n % KEYS} ${Math.floor(n / KEYS) + 1}"`).sort();

function counting(): JobDefinition {
  return job('counting', (j) => {
    j.from('numbers', generate({ count: COUNT, rate: 500, make: (n) => ({ key: n % KEYS }) }))
      .keyBy(({ key }) => key)
      .aggregate('counts', (a) => ({ n: a.count() }))
      .map(({ key, n }) => `${key} ${n}`)
      .to('rows', fileSink(OUT, ndjson(), { roll: { every: 3 } }));
  });
}

/** All files there are, by path. */
async function filesOf(disk: MemoryStorage, directory = ''): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const { name, directory: isDirectory } of await disk.list(directory || '/')) {
    const path = `${directory}/${name}`;
    if (isDirectory) for (const [each, bytes] of await filesOf(disk, path)) files.set(each, bytes);
    else files.set(path, await bytesOf(disk, path));
  }
  return files;
}

async function bytesOf(disk: MemoryStorage, path: string): Promise<Uint8Array> {
  const bytes = new Uint8Array((await disk.stat(path))?.sizeBytes ?? 0);
  await (await disk.read(path)).read(bytes, 0);
  return bytes;
}

async function diskOf(files: ReadonlyMap<string, Uint8Array>): Promise<MemoryStorage> {
  const disk = new MemoryStorage();
  for (const [path, bytes] of files) {
    await disk.makeDirectory(path.slice(0, path.lastIndexOf('/')));
    const file = await disk.write(path);
    await file.write(bytes);
    await file.sync();
    await file.close();
  }
  return disk;
}

/** What is on disk when a job has been interrupted after several checkpoints, but for bases, which are caches. */
async function interrupted(settings: Partial<EngineSettings>): Promise<Map<string, Uint8Array>> {
  const disk = new MemoryStorage();
  const clock = new VirtualClock(1_700_000_000_000);
  const meanwhile = async (coordinator: Coordinator): Promise<void> => {
    await new Promise<void>((done) => clock.timer(TIME, done));
    await coordinator.cancel();
  };
  await live({ disk, seed: 3, clock, definition: counting(), workers: 2, settings, meanwhile });
  return filesOf(disk);
}

function flipped(files: ReadonlyMap<string, Uint8Array>, path: string, at: number): Map<string, Uint8Array> {
  const bytes = Uint8Array.from(files.get(path) as Uint8Array);
  bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
  return new Map(files).set(path, bytes);
}

function changedPaths(a: ReadonlyMap<string, Uint8Array>, b: ReadonlyMap<string, Uint8Array>): string[] {
  const same = (path: string): boolean => {
    const [one, other] = [a.get(path), b.get(path)];
    return one !== undefined && other !== undefined && Buffer.compare(one, other) === 0;
  };
  return [...new Set([...a.keys(), ...b.keys()])].filter((path) => !same(path));
}

/** What a start of what is on disk comes to; undefined: all rows, each once. */
async function startOf(disk: MemoryStorage, settings: Partial<EngineSettings>): Promise<unknown> {
  try {
    await live({ disk, seed: 4, definition: counting(), workers: 2, settings });
  } catch (error) {
    return error;
  }
  const rows = await linesOn(disk, OUT);
  return rows.join() === EXPECTED.join() ? undefined : `${rows.length} rows instead of ${EXPECTED.length}`;
}

interface Flip {
  readonly path: string;
  /** What the hint is to say. */
  readonly wayBack: '--from' | '--fresh';
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly settings: Partial<EngineSettings>;
}

/** Whether it was refused; what is wrong with how it went throws. */
async function refused({ path, wayBack, files, settings }: Flip): Promise<boolean> {
  const disk = await diskOf(files);
  const error = await startOf(disk, settings);
  if (error === undefined) return false;
  if (!(error instanceof MillraceError)) throw new Error(`${path}: ${error}`);
  const { code, position, hint } = error;
  const named = code === 'MILL_CHECKPOINT_DAMAGED' && position === path;
  if (!named) throw new Error(`${path}: ${code} at ${position}: ${error.message}`);
  if (!hint?.includes(wayBack)) throw new Error(`${path}: the hint does not say how to go back: ${hint}`);
  // What the checkpoint has committed may come to light: it is complete.
  const changed = changedPaths(files, await filesOf(disk)).filter((each) => each.startsWith(STATE));
  if (changed.length > 0) throw new Error(`${path}: the state has changed: ${changed}`);
  return true;
}

for (const backend of ['memory', 'level'] as const) {
  t.test(`${backend}: no byte of what the newest checkpoint needs may differ`, async (t) => {
    const settings = { backend };
    const files = await interrupted(settings);
    t.equal(await startOf(await diskOf(files), settings), undefined, 'undamaged, it goes on');
    const [newest, ...before] = [...files.keys()].filter((path) => path.endsWith('.manifest')).reverse();
    const rows = rowsOf(files, newest as string);
    const older = before.map((manifest) => rowsOf(files, manifest));
    const inAll = (path: string): boolean => older.every((paths) => paths.includes(path));
    t.ok(rows.length >= 2, `${rows.length} files of rows`);
    t.notOk(rows.every(inAll), 'an older checkpoint does without some of them');
    let flips = 0;
    for (const path of [newest as string, ...rows]) {
      const wayBack = inAll(path) ? '--fresh' : '--from';
      for (let at = 0; at < (files.get(path) as Uint8Array).length; at += 1) {
        flips += 1;
        if (!(await refused({ path, wayBack, files: flipped(files, path, at), settings })))
          t.fail(`byte ${at} of ${path} was taken`);
      }
    }
    t.ok(flips > 1_000, `${flips} bytes`);
  });
}

function rowsOf(files: ReadonlyMap<string, Uint8Array>, manifest: string): string[] {
  const { ranges } = decodeManifest(files.get(manifest) as Uint8Array, manifest);
  return ranges.flatMap((range) => range.files.map(({ path }) => `${STATE}/${path}`));
}
