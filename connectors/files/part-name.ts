/**
 * Names of the files that a file sink writes, and the handles by which checkpoints know them.
 *
 * Invariants: a name says which sink of which job wrote the file: whoever cleans up can tell its own files from all
 * others, those of another job whose sink has the same name included. Temporary names begin with a dot, so that
 * nothing reads them by a glob. The epoch is that of the first checkpoint which can contain the file: a job that goes
 * back to an earlier one knows by it what to withdraw.
 *
 *     <uid>-<job and uid, hashed>-<run>_<epoch>-<subtask>-<sequence>.<extension>
 *     .part-(the same).inprogress
 */
import { hashKey } from '../../core/key.js';
import type { OutputPoint } from '../../operators/sink.js';

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
  readonly formerUid?: string | undefined;
}

export interface PartNameOptions extends PartOwner {
  readonly runId: string;
  readonly epoch: number;
  readonly subtask: number;
  readonly sequence: number;
  readonly extension: string;
}

export function partNames(options: PartNameOptions): { readonly temporary: string; readonly final: string } {
  // Dashes separate the parts of a name, so that a run id has none.
  const run = options.runId.replaceAll(/[^A-Za-z0-9_]/g, '_');
  const sequence = String(options.sequence).padStart(6, '0');
  const epoch = String(options.epoch).padStart(6, '0');
  const final = `${prefixOf(options)}-${run}_${epoch}-${options.subtask}-${sequence}.${options.extension}`;
  return { temporary: `.part-${final}.inprogress`, final };
}

/** What kind of file of this owner's sink a name is of; undefined: none of its. */
export function partKind(name: string, owner: PartOwner): 'temporary' | 'final' | undefined {
  const temporary = name.startsWith('.part-') && name.endsWith('.inprogress');
  const final = temporary ? name.slice('.part-'.length, -'.inprogress'.length) : name;
  if (runOf(final, owner) === undefined) return undefined;
  return temporary ? 'temporary' : 'final';
}

/** Whether a visible file of this owner was begun after a point of its history; of files of other histories, no. */
export function isAfter(name: string, owner: PartOwner, { lineage, epoch }: OutputPoint): boolean {
  const run = runOf(name, owner);
  if (run === undefined || !run.startsWith(`${lineage}_`)) return false;
  return Number(run.slice(run.lastIndexOf('_') + 1)) > epoch;
}

/** `<run>_<epoch>` of a visible file of this owner. */
function runOf(final: string, { job, uid, formerUid }: PartOwner): string | undefined {
  for (const each of formerUid === undefined ? [uid] : [uid, formerUid]) {
    const prefix = `${prefixOf({ job, uid: each })}-`;
    const match = /^([A-Za-z0-9_]+_\d{6,})-\d+-\d+\.[a-z0-9]+$/.exec(final.slice(prefix.length));
    if (match && final.startsWith(prefix)) return match[1];
  }
  return undefined;
}

function prefixOf(owner: PartOwner): string {
  return `${owner.uid}-${(hashKey([owner.job, owner.uid]) >>> 0).toString(16).padStart(8, '0')}`;
}
