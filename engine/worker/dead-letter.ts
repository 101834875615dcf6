/**
 * A record that user code could not handle, with all that is needed to find out why and to send it again.
 */

import type { ErrorCode, MillraceError } from '../../core/errors.js';
import { redact } from '../../core/secrets.js';

/** A record that could not be handled, and why; what `deadLetter(name, sink)` puts out. */
export interface DeadLetter<T = unknown> {
  /** Name of the operator or source that gave it up. */
  readonly operator: string;
  /** The record, as the operator got it; from a source, as it was read. */
  readonly record: T;
  readonly error: { readonly code: ErrorCode; readonly message: string };
  readonly key?: unknown;
  /** Event time, epoch ms, if it had one. */
  readonly timestamp?: number;
  /** Where in the input it stands, as far as that is known. */
  readonly position?: unknown;
  /** What else is known of the failure: of `infer`, what was asked and answered. */
  readonly about?: unknown;
  /** How often it has been tried. */
  readonly attempt: number;
}

/** The letter of what `operator` gives up for the first time. */
export function deadLetter(
  operator: string,
  record: unknown,
  failure: MillraceError,
  place: Pick<DeadLetter, 'key' | 'timestamp' | 'position'>,
): DeadLetter {
  const { code, message, about } = failure;
  const letter = {
    operator,
    record,
    error: { code, message },
    ...place,
    ...(about !== undefined && { about }),
    attempt: 1,
  };
  return redact(letter);
}
