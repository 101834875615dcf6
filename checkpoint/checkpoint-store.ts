/**
 * The state directory of a job:
 *
 *   checkpoints/000000000042-k3x9f2.manifest     the newest is where the job goes on
 *   state/000000000042-k3x9f2-0.rows             delta segments and run files, listed by manifests
 *   journal/000000000042-k3x9f2-0.calls          calls noted since that checkpoint
 *
 * Invariants: a manifest is visible only once all files it lists are durable, and then whole; no name is used twice;
 * a file is deleted only when no manifest that is kept, or held, lists it; nothing but files of its own names is.
 */
import { asMillraceError, MillraceError } from '../core/errors.js';
import type { Storage } from '../core/host.js';
import { openFile, readWhole, replaceWhole, writeRowsFile } from './durable-files.js';
import { epochDigits } from './epoch-digits.js';
import { type JournalEntry, journalEpoch, readJournals } from './journal-file.js';
import {
  decodeManifest,
  encodeManifest,
  type FileRef,
  type KeyGroupRange,
  type Manifest,
  pathsOf,
} from './manifest.js';
import type { RowsWriter } from './merge.js';
import type { RowsReader } from './newest-rows.js';
import { OpenRows } from './open-rows.js';
import type { RowsContent } from './rows-file.js';

/** Manifests kept; older ones go when a newer one is complete. */
export const MANIFESTS_KEPT = 2;

const MANIFEST = /^(\d{12})-([a-z0-9]+)\.manifest$/;
/** What the store may remove, by folder. */
const OWN = {
  checkpoints: /^\.?\d{12}-[a-z0-9]+\.manifest(\.tmp)?$/,
  state: /\.rows$/,
  journal: /\.calls$/,
} as const;

/** The name of a checkpoint's manifest. */
export function manifestName({ epoch, id }: Pick<Manifest, 'epoch' | 'id'>): string {
  return `${epochDigits(epoch)}-${id}.manifest`;
}

export class CheckpointStore implements RowsReader, RowsWriter {
  readonly directory: string;
  readonly #storage: Storage;
  /** Checkpoints that are being read. */
  readonly #held = new Set<Manifest>();

  constructor(storage: Storage, directory: string) {
    this.#storage = storage;
    this.directory = directory;
  }

  get #manifests(): string {
    return `${this.directory}/checkpoints`;
  }

  /** Takes hold of the directory, which it makes if need be; what is returned lets go of it. */
  async open(): Promise<() => Promise<void>> {
    await this.#guard(async () => {
      await this.#storage.makeDirectory(this.#manifests);
      await this.#storage.makeDirectory(`${this.directory}/state`);
      await this.#storage.makeDirectory(`${this.directory}/journal`);
      await this.#storage.syncDirectory(this.directory);
    });
    const release = await this.#storage.lock(`${this.directory}/lock`);
    if (release) return release;
    throw new MillraceError('MILL_STATE_LOCKED', `another process is running the job of ${this.directory}`);
  }

  /** Writes a file of rows; resolves once it is durable. The name must be new. */
  async writeRows(name: string, content: RowsContent): Promise<FileRef> {
    const path = `state/${name}.rows`;
    return this.#guard(async () => {
      const facts = await writeRowsFile(this.#storage, `${this.directory}/${path}`, content);
      await this.#storage.syncDirectory(`${this.directory}/state`);
      return { path, ...facts };
    });
  }

  /** Makes a checkpoint complete. */
  async writeManifest(manifest: Manifest): Promise<void> {
    await this.#guard(() =>
      replaceWhole(this.#storage, this.#manifests, manifestName(manifest), encodeManifest(manifest)),
    );
  }

  /** Names of the checkpoints there are, newest first. */
  async list(): Promise<readonly string[]> {
    if (!(await this.#storage.stat(this.#manifests))) return [];
    const names = (await this.#storage.list(this.#manifests)).map(({ name }) => name);
    return names.filter((name) => MANIFEST.test(name)).sort((a, b) => (a < b ? 1 : -1));
  }

  /** Reads and checks a manifest, not the files it lists. */
  async manifest(name: string): Promise<Manifest> {
    const path = `${this.#manifests}/${name}`;
    return decodeManifest(await readWhole(this.#storage, path), path);
  }

  /** The newest checkpoint; undefined when there is none. */
  async newest(): Promise<Manifest | undefined> {
    const [name] = await this.list();
    return name === undefined ? undefined : this.manifest(name);
  }

  async openRows(file: FileRef): Promise<OpenRows> {
    const path = `${this.directory}/${file.path}`;
    return OpenRows.of(await openFile(this.#storage, path), file, path);
  }

  /** Keeps the files of a checkpoint until what is returned is called. */
  hold(manifest: Manifest): () => void {
    this.#held.add(manifest);
    return () => void this.#held.delete(manifest);
  }

  /** Removes manifests beyond those kept, and every file that no kept or held one lists, save those in `pending`. */
  async prune(pending: readonly string[] = []): Promise<void> {
    const names = await this.list();
    for (const name of names.slice(MANIFESTS_KEPT)) await this.#storage.remove(`${this.#manifests}/${name}`);
    const kept = await Promise.all(names.slice(0, MANIFESTS_KEPT).map((name) => this.manifest(name)));
    await this.#pruneJournals(kept);
    const listed = new Set([...kept, ...this.#held].flatMap(pathsOf));
    for (const path of pending) listed.add(path);
    for (const { name } of await this.#storage.list(`${this.directory}/state`)) {
      if (OWN.state.test(name) && !listed.has(`state/${name}`))
        await this.#storage.remove(`${this.directory}/state/${name}`);
    }
  }

  /** What was noted of calls since a checkpoint, about some key groups. */
  calls(since: number, range: KeyGroupRange): Promise<JournalEntry[]> {
    return this.#guard(() => readJournals(this.#storage, this.directory, since, range));
  }

  /** No kept or held checkpoint needs what was noted before the oldest of them. */
  async #pruneJournals(kept: readonly Manifest[]): Promise<void> {
    const oldest = Math.min(...[...kept, ...this.#held].map(({ epoch }) => epoch));
    const folder = `${this.directory}/journal`;
    if (!(await this.#storage.stat(folder))) return;
    for (const { name } of await this.#storage.list(folder)) {
      const epoch = journalEpoch(name);
      if (epoch !== undefined && epoch < oldest) await this.#storage.remove(`${folder}/${name}`);
    }
  }

  /** Removes all checkpoints: the job starts over. */
  async clear(): Promise<void> {
    for (const folder of ['checkpoints', 'state', 'journal'] as const) {
      const directory = `${this.directory}/${folder}`;
      if (!(await this.#storage.stat(directory))) continue;
      const names = (await this.#storage.list(directory)).map(({ name }) => name);
      for (const name of names.filter((name) => OWN[folder].test(name)))
        await this.#storage.remove(`${directory}/${name}`);
      await this.#storage.syncDirectory(directory);
    }
  }

  async #guard<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      const full = (error as { code?: unknown } | null)?.code === 'ENOSPC';
      throw asMillraceError(error, full ? 'MILL_DISK_FULL' : 'MILL_CHECKPOINT_FAILED', { position: this.directory });
    }
  }
}
