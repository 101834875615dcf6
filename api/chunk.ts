/**
 * Checks what users say of chunks and samples. The methods that they call are in stream.ts and keyed-stream.ts.
 */
import { describeValue, MillraceError } from '../core/errors.js';
import { type Duration, durationMs } from '../core/time.js';
import type { ChunkSpec } from '../operators/chunk.js';
import { declaredAt } from './declared-at.js';

export function chunkSpec(size: number, within: Duration | undefined): ChunkSpec {
  const withinMs = within === undefined ? Number.POSITIVE_INFINITY : durationMs(within, 'within');
  return { size: checkSize(size), withinMs };
}

/** Throws `MILL_OPTION_INVALID` for what is no number of records. */
export function checkSize(size: number): number {
  if (Number.isSafeInteger(size) && size >= 1) return size;
  throw new MillraceError(
    'MILL_OPTION_INVALID',
    `${describeValue(size)} records, expected a whole number, at least 1`,
    {
      declaredAt: declaredAt(),
    },
  );
}
