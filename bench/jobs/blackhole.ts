/**
 * A sink that takes everything and does nothing, except reading the fields it is told to.
 */
import type { Sink } from 'millrace';

/** So that what is read cannot be optimised away. */
export const seen = { sum: 0 };

export function blackhole<T>(read?: (record: T) => number): Sink<T> {
  return {
    kind: 'blackhole',
    description: 'nothing',
    writer: () => ({
      write(inbox) {
        const { batch } = inbox;
        if (read) for (let at = inbox.cursor; at < batch.count; at += 1) seen.sum += read(batch.records[at] as T);
        inbox.cursor = batch.count;
      },
      prepare: async () => [],
      close() {},
    }),
  };
}
