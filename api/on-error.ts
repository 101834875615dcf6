/**
 * What a user can ask for when a record can't be handled.
 */
import { DEAD_LETTERS, type ErrorPolicy } from '../engine/graph/nodes.js';
import type { DeadLetter } from '../engine/worker/dead-letter.js';
import type { Sink } from '../operators/sink.js';

/** A sink for the records an operator gives up, with the errors; made by `deadLetter`. */
export interface DeadLetterTarget<T = never> {
  readonly kind: 'dead-letter';
  readonly name: string;
  readonly sink: Sink<DeadLetter<T>>;
}

/**
 * - `'fail'` (default): the job fails, naming operator, key and position, and restarts as its restart strategy says.
 * - `'skip'`: the record is dropped.
 * - `deadLetter(name, sink)`: the record goes there with its error, and the job goes on.
 *
 * State that a keyed function has changed before it threw stays changed.
 */
export type OnError<T> = 'fail' | 'skip' | DeadLetterTarget<T>;

/**
 * Sends records that can't be handled to a sink, as `DeadLetter`s: record, error, key, timestamp, position.
 *
 * @example
 * orders.map(parse, { onError: deadLetter('unparsed', fileSink('dead', ndjson())) })
 */
export function deadLetter<T>(name: string, sink: Sink<DeadLetter<T>>): DeadLetterTarget<T> {
  return Object.freeze({ kind: 'dead-letter', name, sink });
}

export function policyOf(onError: OnError<never> | undefined): { policy: ErrorPolicy; sides: readonly string[] } {
  if (typeof onError === 'object') return { policy: 'dead-letter', sides: [DEAD_LETTERS] };
  return { policy: onError ?? 'fail', sides: [] };
}
