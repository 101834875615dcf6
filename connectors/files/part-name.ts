/**
 * Names of the files that a file sink writes, and the handles by which checkpoints know them.
 *
 * Invariants: a name says which sink of which job wrote the file: whoever cleans up can tell its own files from all
 * others, those of another job whose sink has the same name included. Temporary names begin with a dot, so that
 * nothing reads them by a glob.
 *
 *     <uid>-<job and uid, hashed>-<run>-<subtask>-<sequence>.<extension>
 *     .part-(the same).inprogress
 */
import { hashKey } from '../../core/key.js';

/** A file of a sink, as checkpoints hold it: plain data. */
export interface PartHandle {
  readonly directory: string;
  readonly temporary: string;
  readonly final: string;
  /** What of it belongs to the checkpoint. */
  readonly sizeBytes: number;
  /** Whether it was still being written when the checkpoint cut. */
  readonly open: boolean;
}

export interface PartOwner {
  readonly job: string;
  readonly uid: string;
}

export interface PartNameOptions extends PartOwner {
  readonly runId: string;
  readonly subtask: number;
  readonly sequence: number;
  readonly extension: string;
}

export function partNames(options: PartNameOptions): { readonly temporary: string; readonly final: string } {
  // Dashes separate the parts of a name, so that a run id has none.
  const run = options.runId.replaceAll(/[^A-Za-z0-9_]/g, '_');
  const sequence = String(options.sequence).padStart(6, '0');
  const final = `${prefixOf(options)}-${run}-${options.subtask}-${sequence}.${options.extension}`;
  return { temporary: `.part-${final}.inprogress`, final };
}

/** What kind of file of this owner's sink a name is of; undefined: none of its. */
export function partKind(name: string, owner: PartOwner): 'temporary' | 'final' | undefined {
  const temporary = name.startsWith('.part-') && name.endsWith('.inprogress');
  const final = temporary ? name.slice('.part-'.length, -'.inprogress'.length) : name;
  const prefix = `${prefixOf(owner)}-`;
  if (!final.startsWith(prefix) || !/^[A-Za-z0-9_]+-\d+-\d+\.[a-z0-9]+$/.test(final.slice(prefix.length)))
    return undefined;
  return temporary ? 'temporary' : 'final';
}

function prefixOf(owner: PartOwner): string {
  return `${owner.uid}-${(hashKey([owner.job, owner.uid]) >>> 0).toString(16).padStart(8, '0')}`;
}
