/**
 * What is made of a record and the answer about it, in calls for several records.
 */
import { FailedRecord } from '../operators/async/async-operator.js';

/** Without a function the answer itself. One record's failure is not the others'. */
export function joinedOrFailed(
  combine: ((record: never, answer: never) => unknown) | undefined,
  record: unknown,
  answer: unknown,
): unknown {
  if (answer instanceof FailedRecord || !combine) return answer;
  try {
    return combine(record as never, answer as never);
  } catch (error) {
    return new FailedRecord(error);
  }
}
