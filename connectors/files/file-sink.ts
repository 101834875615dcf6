/**
 * Files as a sink: the options, checked, and how they become writers and a committer.
 */
import { MillraceError } from '../../core/errors.js';
import { type Duration, durationMs } from '../../core/time.js';
import type { Sink } from '../../operators/sink.js';
import type { WriteFormat } from './file-format.js';
import { PartCommitter } from './part-committer.js';
import { PartWriter, type PartWriterOptions } from './part-writer.js';

export interface FileSinkOptions {
  /** When a file is complete: at this size or this age, whichever comes first. Default 128 MiB and one minute. */
  readonly roll?: { readonly sizeBytes?: number; readonly every?: Duration };
  /**
   * Other programs may move or delete files as soon as they are visible: then one that is gone when a commit is
   * repeated is no error. Default false: it is.
   */
  readonly takenByOthers?: boolean;
}

const ROLL_BYTES = 128 << 20;
const ROLL_MS = 60_000;

/**
 * Writes records to files in `directory`, exactly once, each subtask its own.
 *
 * Files are in progress under a name that begins with a dot and become visible, whole, by a rename: when they have
 * rolled (by size, by age, at the end of the input) and the checkpoint that contains the roll is complete. Without
 * checkpoints that is at the end of the job. A crash at any moment leaves no partial file visible; going on from a
 * checkpoint neither loses nor repeats a record. Names:
 * `<sink>-<hash of job and sink>-<run>_<checkpoint>-<subtask>-<number>`.
 *
 * The directory is made if it is missing. A run with `fresh: true` first removes the files that earlier runs of this
 * sink of this job have written, never others; without it they stay beside the new ones.
 *
 * A full disk fails the job with `MILL_DISK_FULL`, a directory that cannot be written with `MILL_FILE_UNWRITABLE`,
 * records that the format cannot express with `MILL_RECORD_NOT_PLAIN`.
 *
 * Memory: three buffers of 256 KiB a subtask. Slow disks slow the job down. A checkpoint costs one fsync a subtask, and
 * one of the directory where files are new.
 *
 * @example
 * totals.to('out', fileSink('out/totals', ndjson()))
 * totals.to('sheet', fileSink('out/sheet', csv({ columns: ['carrier', 'miles'] }), { roll: { every: '1h' } }))
 */
export function fileSink<Write>(
  directory: string,
  format: WriteFormat<Write>,
  options: FileSinkOptions = {},
): Sink<Write> {
  const writerOptions = checkOptions(directory, format, options);
  return {
    kind: 'files',
    description: `${writerOptions.directory} (${format.name})`,
    writer: (context) => new PartWriter(writerOptions, context),
    committer: ({ host, uid, job, formerUid }) =>
      new PartCommitter({
        storage: host.storage,
        directory: writerOptions.directory,
        takenByOthers: options.takenByOthers ?? false,
        uid,
        formerUid,
        job,
      }),
  };
}

function checkOptions<Write>(
  directory: string,
  format: WriteFormat<Write>,
  options: FileSinkOptions,
): PartWriterOptions {
  const { sizeBytes = ROLL_BYTES, every = ROLL_MS } = options.roll ?? {};
  if (directory === '') throw new MillraceError('MILL_OPTION_INVALID', 'fileSink: the directory is empty');
  if (!(sizeBytes >= 1))
    throw new MillraceError('MILL_OPTION_INVALID', `fileSink: roll.sizeBytes is ${sizeBytes}, expected bytes from 1`);
  const rollMs = Math.max(1, durationMs(every, 'roll.every'));
  return {
    directory: directory.replace(/(?<=.)\/+$/, ''),
    format: format as WriteFormat<never>,
    rollBytes: sizeBytes,
    rollMs,
  };
}
