/**
 * Merges the files of ranges beside the running job, one range at a time, and puts the result in their place in the
 * next manifest.
 *
 * Invariants: files are replaced only where the very ones that were merged stand side by side, in the same order; until a
 * manifest lists the new file, nothing may delete it. The next merge begins only when no manifest lists what the last one
 * read, so that no more than one range is on disk twice.
 */
import type { FileRef, StateRange } from '../../checkpoint/manifest.js';
import { type MergeTask, worthMerging } from '../../checkpoint/merge.js';

export interface MergingOptions {
  /** A random part for names. */
  readonly runId: string;
  /** More files than this in a range are merged in any case. */
  readonly filesMax: number;
  /** Manifests that are there beside one another. */
  readonly manifestsKept: number;
  merge(task: MergeTask): Promise<FileRef>;
  fail(error: unknown): void;
}

interface Merged {
  readonly inputs: readonly FileRef[];
  readonly output: FileRef;
}

export class Merging {
  readonly #options: MergingOptions;
  readonly #merged: Merged[] = [];
  #running: Promise<void> | undefined;
  #current: string | undefined;
  /** What the last merge read stays for so many manifests. */
  #readStays = 0;
  #count = 0;

  constructor(options: MergingOptions) {
    this.#options = options;
  }

  /** Paths that no manifest lists yet and that must stay. */
  get pending(): readonly string[] {
    const done = this.#merged.map(({ output }) => output.path);
    return this.#current === undefined ? done : [...done, this.#current];
  }

  /** The files of a range, with merged ones in place of those they were made of. */
  replace(files: readonly FileRef[]): readonly FileRef[] {
    for (const { inputs, output } of this.#merged) {
      const from = files.findIndex((file) => isSame(file, inputs[0]));
      if (from >= 0 && inputs.every((input, at) => isSame(input, files[from + at])))
        return [...files.slice(0, from), output, ...files.slice(from + inputs.length)];
    }
    return files;
  }

  /** A manifest that lists what has been merged is durable. */
  listed(ranges: readonly StateRange[]): void {
    const paths = new Set(ranges.flatMap(({ files }) => files.map(({ path }) => path)));
    const left = this.#merged.filter(({ output }) => !paths.has(output.path));
    this.#readStays = left.length < this.#merged.length ? this.#options.manifestsKept : this.#readStays;
    this.#readStays = Math.max(0, this.#readStays - 1);
    this.#merged.splice(0, this.#merged.length, ...left);
  }

  /** Begins to merge a range that is worth it, if none is under way. `applied`: how far the base of each is. */
  consider(ranges: readonly StateRange[], applied: readonly number[]): void {
    if (this.#running || this.#merged.length > 0 || this.#readStays > 0) return;
    const { filesMax } = this.#options;
    for (const [at, range] of ranges.entries()) {
      const files = worthMerging(range.files, { filesMax, applied: applied[at] as number });
      if (files) return this.#begin(range, files);
    }
  }

  #begin({ first, end, files: all }: StateRange, files: readonly FileRef[]): void {
    const name = `run-${this.#options.runId}-${String(this.#count).padStart(6, '0')}`;
    this.#count += 1;
    this.#current = `state/${name}.rows`;
    this.#running = this.#merge({ name, files, range: { first, end }, keepsRemoved: files[0] !== all[0] });
  }

  /** Resolves when none is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #merge(task: MergeTask): Promise<void> {
    try {
      this.#merged.push({ inputs: task.files, output: await this.#options.merge(task) });
    } catch (error) {
      this.#options.fail(error);
    }
    this.#current = undefined;
    this.#running = undefined;
  }
}

/** Of the same file, the same rows. */
function isSame(a: FileRef, b: FileRef | undefined): boolean {
  return a.path === b?.path && a.keyGroups?.first === b.keyGroups?.first && a.keyGroups?.end === b.keyGroups?.end;
}
