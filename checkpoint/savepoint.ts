/**
 * A savepoint: a checkpoint as one directory that needs nothing else, for the user to keep.
 *
 *   savepoint.manifest      written last: a directory without one is none
 *   state/groups-0-64.rows  the newest rows of these key groups
 *
 * Invariants: paths in it are relative, so that the directory can be moved; a savepoint is never written over.
 */
import { asMillraceError, MillraceError } from '../core/errors.js';
import type { Storage } from '../core/host.js';
import { ensureDirectory } from './durable-directory.js';
import { openFile, readWhole, replaceWhole, writeRowsFile } from './durable-files.js';
import { decodeManifest, encodeManifest, type FileRef, type Manifest, type StateRange } from './manifest.js';
import type { MergeTask, RowsWriter } from './merge.js';
import type { RowsReader } from './newest-rows.js';
import { OpenRows } from './open-rows.js';
import type { RowsContent } from './rows-file.js';

const MANIFEST = 'savepoint.manifest';

export class Savepoint implements RowsReader, RowsWriter {
  readonly directory: string;
  readonly #storage: Storage;

  constructor(storage: Storage, directory: string) {
    this.#storage = storage;
    this.directory = directory;
  }

  async exists(): Promise<boolean> {
    return (await this.#storage.stat(`${this.directory}/${MANIFEST}`)) !== undefined;
  }

  /** Undefined when the directory holds no savepoint. */
  async manifest(): Promise<Manifest | undefined> {
    const path = `${this.directory}/${MANIFEST}`;
    if (!(await this.exists())) return undefined;
    return decodeManifest(await readWhole(this.#storage, path), path);
  }

  async openRows(file: FileRef): Promise<OpenRows> {
    const path = `${this.directory}/${file.path}`;
    return OpenRows.of(await openFile(this.#storage, path), file, path);
  }

  async writeRows(name: string, content: RowsContent): Promise<FileRef> {
    const path = `state/${name}.rows`;
    return { path, ...(await writeRowsFile(this.#storage, `${this.directory}/${path}`, content)) };
  }

  /** Copies a checkpoint here; `merge` does the work, on another thread where there is one. */
  async write(manifest: Manifest, merge: (task: MergeTask) => Promise<FileRef>): Promise<void> {
    try {
      await this.#begin();
      const ranges: StateRange[] = [];
      for (const range of manifest.ranges) ranges.push(await this.#copy(range, merge));
      await this.#storage.syncDirectory(`${this.directory}/state`);
      await replaceWhole(this.#storage, this.directory, MANIFEST, encodeManifest({ ...manifest, ranges }));
    } catch (error) {
      throw asMillraceError(error, 'MILL_CHECKPOINT_FAILED', { position: this.directory });
    }
  }

  async #begin(): Promise<void> {
    const found = await this.#storage.stat(this.directory);
    const taken = found && (!found.directory || (await this.#storage.list(this.directory)).length > 0);
    if (taken) {
      throw new MillraceError('MILL_SAVEPOINT_EXISTS', `${this.directory} is not empty and stays as it is`, {
        position: this.directory,
      });
    }
    await ensureDirectory(this.#storage, `${this.directory}/state`);
  }

  async #copy({ first, end, files }: StateRange, merge: (task: MergeTask) => Promise<FileRef>): Promise<StateRange> {
    if (files.length === 0) return { first, end, files };
    const name = `groups-${first}-${end}`;
    return { first, end, files: [await merge({ name, files, range: { first, end }, into: this.directory })] };
  }
}
