/**
 * Errors of the disk in the terms of users: which file, and what to do about it.
 */
import { type ErrorCode, MillraceError } from '../../core/errors.js';

const READ_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'MILL_FILE_MISSING',
  ENOTDIR: 'MILL_FILE_MISSING',
  EACCES: 'MILL_FILE_UNREADABLE',
  EPERM: 'MILL_FILE_UNREADABLE',
  EISDIR: 'MILL_FILE_UNREADABLE',
  ELOOP: 'MILL_FILE_UNREADABLE',
  ENAMETOOLONG: 'MILL_FILE_UNREADABLE',
};

const WRITE_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'MILL_DISK_FULL',
  EDQUOT: 'MILL_DISK_FULL',
  EACCES: 'MILL_FILE_UNWRITABLE',
  // Also what Node says of a directory to be made on a disk that is read only.
  ENOENT: 'MILL_FILE_UNWRITABLE',
  EPERM: 'MILL_FILE_UNWRITABLE',
  EROFS: 'MILL_FILE_UNWRITABLE',
  ENOTDIR: 'MILL_FILE_UNWRITABLE',
  EISDIR: 'MILL_FILE_UNWRITABLE',
  EEXIST: 'MILL_FILE_UNWRITABLE',
  ELOOP: 'MILL_FILE_UNWRITABLE',
  ENAMETOOLONG: 'MILL_FILE_UNWRITABLE',
};

/** What reading `path` failed with. */
export function readError(path: string, thrown: unknown): MillraceError {
  return describe(path, thrown, READ_CODES, 'MILL_SOURCE_FAILED', 'cannot read');
}

/** What writing `path` failed with. */
export function writeError(path: string, thrown: unknown): MillraceError {
  return describe(path, thrown, WRITE_CODES, 'MILL_SINK_FAILED', 'cannot write');
}

function describe(
  path: string,
  thrown: unknown,
  codes: Readonly<Record<string, ErrorCode>>,
  otherwise: ErrorCode,
  what: string,
): MillraceError {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  const details = { cause: thrown, position: path };
  if (thrown instanceof MillraceError) {
    const message = reason.includes(path) ? reason : `${path}: ${reason}`;
    return new MillraceError(thrown.code, message, { ...details, hint: thrown.hint });
  }
  const code = (thrown as { code?: unknown } | null)?.code;
  return new MillraceError(
    (typeof code === 'string' && codes[code]) || otherwise,
    `${what} ${path}: ${reason}`,
    details,
  );
}
