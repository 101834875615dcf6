/** Slows a source down, so that there is time to kill its job. */
import type { Source, Split } from 'millrace';

const SLICE_MS = 10;

/** At most `perSecond` records of each split, from when it is opened. */
export function paced<T, S extends Split>(source: Source<T, S>, perSecond: number): Source<T, S> {
  return {
    ...source,
    reader(split, position, context) {
      const reader = source.reader(split, position, context);
      const startedAt = context.host.elapsed();
      let given = 0;
      let cancel: (() => void) | undefined;
      return {
        poll(batch) {
          if (given >= ((context.host.elapsed() - startedAt) * perSecond) / 1_000) {
            cancel ??= context.host.timer(SLICE_MS, () => {
              cancel = undefined;
              context.wake();
            });
            return 'wait';
          }
          const before = batch.count;
          const status = reader.poll(batch);
          given += batch.count - before;
          return status;
        },
        position: () => reader.position(),
        close() {
          cancel?.();
          return reader.close();
        },
      };
    },
  };
}
