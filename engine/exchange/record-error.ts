/**
 * Which record of a batch an error of a channel is about, so that the engine can name it, skip it or send it to a
 * dead-letter sink. The records before it have been sent, it and those after it have not.
 */
export interface RecordFailure extends Error {
  readonly recordIndex: number;
}

/** The same error, with the record's index in its batch. */
export function atRecord(error: unknown, recordIndex: number): unknown {
  if (error instanceof Error) Object.defineProperty(error, 'recordIndex', { value: recordIndex, configurable: true });
  return error;
}

export function isRecordFailure(error: unknown): error is RecordFailure {
  return error instanceof Error && typeof (error as Partial<RecordFailure>).recordIndex === 'number';
}
