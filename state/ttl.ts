/**
 * How long keyed state is kept after it was last written: the option as users give it, checked.
 */
import { MillraceError } from '../core/errors.js';
import { type Duration, durationMs } from '../core/time.js';

/** The clock of a time to live. */
export type TtlTime = 'event' | 'processing';

export interface TtlOptions {
  /** How long a value is kept, counted from its last write; longer than 0. */
  readonly after: Duration;
  /** What begins the time anew: a `write` alone, or a `read` too. Left out: `write`. */
  readonly renew?: 'write' | 'read';
  /**
   * `processing`: by the clock. `event`: counted from the timestamp of the record or timer that wrote it, and over once the
   * watermark has come so far; a replay finds the same. Left out: `processing`.
   */
  readonly time?: TtlTime;
}

export interface Ttl {
  readonly afterMs: number;
  readonly renewedByReads: boolean;
  readonly time: TtlTime;
}

/** Throws `MILL_OPTION_INVALID`. */
export function ttlOf(options: Duration | TtlOptions | undefined): Ttl | undefined {
  if (options === undefined) return undefined;
  const { after, renew = 'write', time = 'processing' } = typeof options === 'object' ? options : { after: options };
  const afterMs = durationMs(after, 'ttl');
  if (afterMs === 0) throw invalid('ttl is 0: nothing would be kept');
  if (renew !== 'write' && renew !== 'read') throw invalid(`ttl.renew is ${JSON.stringify(renew)}`);
  if (time !== 'event' && time !== 'processing') throw invalid(`ttl.time is ${JSON.stringify(time)}`);
  return { afterMs, renewedByReads: renew === 'read', time };
}

function invalid(text: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', text);
}
