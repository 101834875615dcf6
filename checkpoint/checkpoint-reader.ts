/**
 * Reads the checkpoints of a state directory, or a savepoint, from outside: without the lock, also while the job runs.
 *
 * Invariant: an open checkpoint has all of its files open. They never change, and stay readable when the job removes
 * them; one that it has removed before they were open is given up for a newer one.
 */
import { MillraceError } from '../core/errors.js';
import type { ReadableFile, Storage } from '../core/host.js';
import { CheckpointStore } from './checkpoint-store.js';
import { damagedFile, openFile } from './durable-files.js';
import type { FileRef, Manifest } from './manifest.js';
import type { RowsReader } from './newest-rows.js';
import { OpenRows } from './open-rows.js';
import { Savepoint } from './savepoint.js';

/** What a savepoint's only checkpoint goes by. */
const SAVEPOINT = 'savepoint';

/** What one that is removed meanwhile can look like. */
const GONE: ReadonlySet<string> = new Set(['MILL_CHECKPOINT_DAMAGED', 'MILL_CHECKPOINT_MISSING']);

/** How often a checkpoint that goes away under its reader is given up for the next. */
const TRIES = 20;

export class CheckpointReader {
  readonly directory: string;
  readonly #storage: Storage;
  readonly #store: CheckpointStore;
  readonly #savepoint: Savepoint;

  constructor(storage: Storage, directory: string) {
    this.#storage = storage;
    this.directory = directory;
    this.#store = new CheckpointStore(storage, directory);
    this.#savepoint = new Savepoint(storage, directory);
  }

  /** Names of the checkpoints there are, newest first. Throws `MILL_CHECKPOINT_MISSING` when there are none. */
  async names(): Promise<readonly string[]> {
    if (await this.#savepoint.exists()) return [SAVEPOINT];
    const names = (await this.#store.list()).map((name) => name.replace(/\.manifest$/, ''));
    if (names.length > 0) return names;
    throw new MillraceError('MILL_CHECKPOINT_MISSING', `${this.directory} holds no checkpoint and is no savepoint`, {
      position: this.directory,
    });
  }

  async manifest(name: string): Promise<Manifest> {
    if (name !== SAVEPOINT) return this.#store.manifest(`${name}.manifest`);
    return (await this.#savepoint.manifest()) as Manifest;
  }

  /** The checkpoint of that name or number, or the newest; to be closed. */
  async open(wanted?: string): Promise<OpenCheckpoint> {
    for (let tries = 1; ; tries += 1) {
      const names = await this.names();
      const name = wanted === undefined ? (names[0] as string) : findName(names, wanted, this.directory);
      try {
        return await OpenCheckpoint.open(this.#storage, this.directory, name, await this.manifest(name));
      } catch (error) {
        if (tries === TRIES || !(await this.#isGone(error, name))) throw error;
      }
    }
  }

  /** Whether an error only means that the job has removed the checkpoint meanwhile. */
  async #isGone(error: unknown, name: string): Promise<boolean> {
    if (!(error instanceof MillraceError) || !GONE.has(error.code)) return false;
    return !(await this.names()).includes(name);
  }

  /** Reads every file of a checkpoint; throws `MILL_CHECKPOINT_DAMAGED` for the first that is not as it was written. */
  async verify(name: string): Promise<Verified | undefined> {
    try {
      const checkpoint = await this.open(name);
      try {
        return await checkpoint.verify();
      } finally {
        await checkpoint.close();
      }
    } catch (error) {
      if (await this.#isGone(error, name)) return undefined;
      throw error;
    }
  }
}

export interface Verified {
  readonly files: number;
  readonly sizeBytes: number;
}

function findName(names: readonly string[], wanted: string, directory: string): string {
  const bare = wanted.replace(/\.manifest$/, '');
  const found = names.find(
    (name) => name === bare || (/^\d+$/.test(bare) && Number.parseInt(name, 10) === Number(bare)),
  );
  if (found !== undefined) return found;
  throw new MillraceError(
    'MILL_CHECKPOINT_MISSING',
    `${directory} has no checkpoint ${wanted}; it has ${names.join(', ')}`,
  );
}

export class OpenCheckpoint implements RowsReader {
  readonly name: string;
  readonly manifest: Manifest;
  readonly #directory: string;
  readonly #open: ReadonlyMap<string, ReadableFile>;

  private constructor(name: string, manifest: Manifest, directory: string, open: ReadonlyMap<string, ReadableFile>) {
    this.name = name;
    this.manifest = manifest;
    this.#directory = directory;
    this.#open = open;
  }

  static async open(storage: Storage, directory: string, name: string, manifest: Manifest): Promise<OpenCheckpoint> {
    const open = new Map<string, ReadableFile>();
    try {
      for (const { path, sizeBytes } of filesOfManifest(manifest)) {
        const full = `${directory}/${path}`;
        const stat = await storage.stat(full);
        if (stat?.sizeBytes !== sizeBytes) throw damagedFile(full);
        open.set(path, await openFile(storage, full));
      }
    } catch (error) {
      for (const file of open.values()) await file.close();
      throw error;
    }
    return new OpenCheckpoint(name, manifest, directory, open);
  }

  /** Closing what this returns leaves the file open for others. */
  openRows(file: FileRef): Promise<OpenRows> {
    const open = this.#open.get(file.path) as ReadableFile;
    const shared: ReadableFile = { read: (into, position) => open.read(into, position), close: async () => {} };
    return OpenRows.of(shared, file, `${this.#directory}/${file.path}`);
  }

  async verify(): Promise<Verified> {
    const files = filesOfManifest(this.manifest);
    for (const file of files) await (await this.openRows(file)).verify();
    return { files: files.length, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  }

  async close(): Promise<void> {
    for (const file of this.#open.values()) await file.close();
  }
}

/** Each file once, though several ranges may rest on it. */
export function filesOfManifest({ ranges }: Manifest): FileRef[] {
  return [...new Map(ranges.flatMap(({ files }) => files.map((file) => [file.path, file]))).values()];
}
