/**
 * Makes complete files of a file sink visible, and cleans up behind runs that are over.
 *
 * Invariants: a file becomes visible by one rename, whole and synced; doing it again is harmless. Only files whose
 * names say that they are this sink's are ever removed.
 */
import type { Storage } from '../../core/host.js';
import type { Committer, OutputPoint } from '../../operators/sink.js';
import { writeError } from './file-errors.js';
import { isAfter, type PartHandle, type PartOwner, partKind } from './part-name.js';
import { damaged, gone } from './part-recovery.js';

export interface PartCommitterOptions extends PartOwner {
  readonly storage: Storage;
  readonly directory: string;
  /** Whether a file that is gone altogether counts as committed, and then taken away. */
  readonly takenByOthers: boolean;
}

export class PartCommitter implements Committer {
  constructor(private readonly options: PartCommitterOptions) {}

  async commit(handles: readonly unknown[]): Promise<void> {
    const complete = (handles as readonly PartHandle[]).filter((handle) => !handle.open);
    for (const handle of complete)
      await this.attempt(`${handle.directory}/${handle.final}`, () => this.publish(handle));
    // Also where all had been renamed: the attempt that did may have broken off before this.
    for (const directory of new Set(complete.map((handle) => handle.directory))) {
      await this.attempt(directory, () => this.options.storage.syncDirectory(directory));
    }
  }

  private async publish(handle: PartHandle): Promise<void> {
    const { storage, takenByOthers } = this.options;
    const temporary = `${handle.directory}/${handle.temporary}`;
    const final = `${handle.directory}/${handle.final}`;
    const found = await storage.stat(temporary);
    if (found !== undefined) {
      if (found.sizeBytes !== handle.sizeBytes) throw damaged(temporary, found.sizeBytes, handle.sizeBytes);
      await storage.rename(temporary, final);
    } else if (!takenByOthers && (await storage.stat(final)) === undefined) {
      throw gone(handle);
    }
  }

  async recover(handles: readonly unknown[]): Promise<void> {
    const known = new Set((handles as readonly PartHandle[]).map((handle) => handle.temporary));
    await this.removeParts((name, kind) => kind === 'temporary' && !known.has(name));
  }

  async clear(): Promise<void> {
    await this.removeParts(() => true);
  }

  async written(after?: OutputPoint): Promise<readonly string[]> {
    return this.parts((name, kind) => kind === 'final' && (!after || isAfter(name, this.options, after)));
  }

  /** Files in progress at that point are not among them: whoever takes them over cuts them. */
  async withdraw(after: OutputPoint): Promise<void> {
    await this.removeParts((name, kind) => kind === 'final' && isAfter(name, this.options, after));
  }

  private async removeParts(wanted: (name: string, kind: 'temporary' | 'final') => boolean): Promise<void> {
    const { storage, directory } = this.options;
    const names = await this.parts(wanted);
    await this.attempt(directory, async () => {
      for (const name of names) await storage.remove(`${directory}/${name}`);
      if (names.length > 0) await storage.syncDirectory(directory);
    });
  }

  /** Names of this sink's files. */
  private async parts(wanted: (name: string, kind: 'temporary' | 'final') => boolean): Promise<string[]> {
    const { storage, directory } = this.options;
    return this.attempt(directory, async () => {
      if ((await storage.stat(directory)) === undefined) return [];
      const files = (await storage.list(directory)).filter((entry) => !entry.directory);
      return files.flatMap(({ name }) => {
        const kind = partKind(name, this.options);
        return kind !== undefined && wanted(name, kind) ? [name] : [];
      });
    });
  }

  private async attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (thrown) {
      throw writeError(path, thrown).at({ operator: this.options.uid });
    }
  }
}
