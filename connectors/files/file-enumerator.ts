/**
 * Finds the files of a file source, each of which is a split.
 *
 * Invariants: no path is returned twice, not after a restore either; paths come in the order of the patterns, and
 * sorted within each.
 */
import { MillraceError } from '../../core/errors.js';
import type { Storage } from '../../core/host.js';
import type { Enumerator, Split } from '../../operators/source.js';
import { readError } from './file-errors.js';
import { findFiles } from './file-pattern.js';

export interface FileEnumeratorOptions {
  readonly storage: Storage;
  readonly patterns: readonly string[];
  /** How often to look for new files; undefined: once, and then each pattern has to match something. */
  readonly followMs: number | undefined;
}

export class FileEnumerator implements Enumerator {
  readonly everyMs?: number;
  private readonly known = new Set<string>();
  private discovered = false;

  constructor(private readonly options: FileEnumeratorOptions) {
    if (options.followMs !== undefined) this.everyMs = options.followMs;
  }

  async discover(): Promise<readonly Split[]> {
    if (this.discovered && this.everyMs === undefined) return [];
    const paths = await Promise.all(this.options.patterns.map((pattern) => this.find(pattern)));
    this.discovered = true;
    const found = [...new Set(paths.flat())].filter((path) => !this.known.has(path));
    for (const path of found) this.known.add(path);
    return found.map((id) => ({ id }));
  }

  private async find(pattern: string): Promise<string[]> {
    const paths = await findFiles(this.options.storage, pattern).catch((thrown) => {
      throw readError(pattern, thrown);
    });
    if (paths.length === 0 && this.everyMs === undefined) throw missing(pattern);
    return paths;
  }

  snapshot(): unknown {
    return { discovered: this.discovered, known: [...this.known] };
  }

  restore(state: unknown): void {
    const { discovered, known } = state as { discovered: boolean; known: readonly string[] };
    this.discovered = discovered;
    for (const path of known) this.known.add(path);
  }
}

function missing(pattern: string): MillraceError {
  return new MillraceError('MILL_FILE_MISSING', `no file matches ${pattern}`, { position: pattern });
}
