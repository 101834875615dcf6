/**
 * Files as a source: the options, checked, and how they become splits and readers.
 */
import { MillraceError } from '../../core/errors.js';
import type { Codec } from '../../core/host.js';
import { LIMITS } from '../../core/limits.js';
import { type Duration, durationMs } from '../../core/time.js';
import type { Source } from '../../operators/source.js';
import { FileEnumerator } from './file-enumerator.js';
import type { ReadFormat } from './file-format.js';
import { type FilePosition, FileReader } from './file-reader.js';

export interface FilesOptions {
  /** `auto` (default): by the name, gzip for `.gz`, zstd for `.zst`, else none. */
  readonly compression?: 'auto' | 'none' | Codec;
  /**
   * Go on reading files as they grow, and look for new ones, every second or as often as said. The source then never
   * ends, and a file that is not there yet is no error.
   */
  readonly follow?: boolean | { readonly every: Duration };
  /** A longer record counts as malformed. Bytes; default 64 MiB. */
  readonly recordBytesMax?: number;
  /** Each file, in order of paths, holds later records than the one before: lets watermarks advance between them. */
  readonly inTimeOrder?: boolean;
}

const FOLLOW_MS = 1_000;

/**
 * Reads files, each a split of its own: several are read in parallel, one in order.
 *
 * `paths` are paths or globs (`*`, `?`, `**`, `{a,b}`, `[a-z]`), relative to the working directory; a directory stands
 * for the files in it. Names that begin with a dot are left out unless the pattern says the dot. Replayable: a
 * checkpoint holds how far each file was read, and a restart goes on there (a compressed file is decompressed from its
 * start again). Files may grow, but must not change while a job reads them.
 *
 * Without `follow`, a last line without a line end counts, and a missing file or a pattern without a match fails with
 * `MILL_FILE_MISSING`. With it, a last line waits until its line end is there; compressed files are read once, since
 * they do not grow. What cannot be read fails with `MILL_FILE_UNREADABLE`, damaged compressed data among it. Records
 * that are malformed go the way that the source's `onError` says.
 *
 * Memory: about 1.5 MiB a file being read, or the largest record. Cost: see the formats.
 *
 * @example
 * j.from('flights', files('data/departures-*.csv.gz', csv({ schema: Flight })))
 * j.from('log', files('/var/log/app.ndjson', ndjson(), { follow: true }))
 */
export function files<Read>(
  paths: string | readonly string[],
  format: ReadFormat<Read>,
  options: FilesOptions = {},
): Source<Read> {
  const patterns = typeof paths === 'string' ? [paths] : paths;
  if (patterns.length === 0) throw new MillraceError('MILL_OPTION_INVALID', 'files: no path is given');
  const followMs = followMsOf(options.follow);
  const recordBytesMax = recordBytesMaxOf(options.recordBytesMax);
  return {
    kind: 'files',
    description: `${patterns.join(', ')} (${format.name}${followMs === undefined ? '' : ', followed'})`,
    bounded: followMs === undefined,
    inTimeOrder: options.inTimeOrder ?? false,
    enumerator: ({ host }) => new FileEnumerator({ storage: host.storage, patterns, followMs }),
    reader: ({ id: path }, position, context) => {
      const codec = codecOf(path, options.compression ?? 'auto');
      return new FileReader(
        { path, codec, format, followMs, recordBytesMax },
        position as FilePosition | undefined,
        context,
      );
    },
  };
}

function followMsOf(follow: FilesOptions['follow']): number | undefined {
  if (follow === undefined || follow === false) return undefined;
  return follow === true ? FOLLOW_MS : Math.max(1, durationMs(follow.every, 'follow.every'));
}

/** Records of more than half the largest string could not be decoded anyway. */
const RECORD_BYTES_LIMIT = 256 << 20;

function recordBytesMaxOf(bytes: number = LIMITS.recordBytesMax): number {
  if (Number.isSafeInteger(bytes) && bytes > 0 && bytes <= RECORD_BYTES_LIMIT) return bytes;
  throw new MillraceError(
    'MILL_OPTION_INVALID',
    `files: recordBytesMax is ${bytes}, expected 1 to ${RECORD_BYTES_LIMIT}`,
  );
}

function codecOf(path: string, compression: NonNullable<FilesOptions['compression']>): Codec | undefined {
  if (compression === 'none') return undefined;
  if (compression !== 'auto') return compression;
  if (/\.(gz|gzip)$/i.test(path)) return 'gzip';
  return /\.(zst|zstd)$/i.test(path) ? 'zstd' : undefined;
}
