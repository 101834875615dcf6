/** What every window operator is made with, and what it asks of its records. */
import type { Inbox } from '../../core/batch.js';
import { MillraceError } from '../../core/errors.js';
import { RECORD_TIME_MAX, TIME_MIN } from '../../core/time.js';
import type { OperatorContext } from '../operator.js';
import type { WindowFold } from './window-fold.js';

export interface WindowOptions<T, Acc, Out, Assigner> {
  readonly context: OperatorContext;
  readonly assigner: Assigner;
  readonly latenessMs: number;
  readonly fold: WindowFold<T, Acc, Out>;
}

/** Event time of the record at the cursor. */
export function timestampOf(inbox: Inbox): number {
  const timestamp = inbox.batch.timestamps[inbox.cursor] as number;
  if (Math.abs(timestamp) <= RECORD_TIME_MAX) return timestamp;
  if (timestamp === TIME_MIN)
    throw new MillraceError('MILL_TIMESTAMP_MISSING', 'a record without a timestamp has come to an event-time window');
  throw new MillraceError('MILL_TIMESTAMP_INVALID', `a record of time ${timestamp} has come to a window`);
}
