/**
 * Slows a source down, so that there is time to kill its job.
 */
import type { Batch } from '../../core/batch.js';
import type { PollStatus, ReaderContext, Source, Split, SplitReader } from '../../operators/source.js';

/** Gives at most `perSecond` records of each split. */
export function paced<T, S extends Split>(source: Source<T, S>, perSecond: number): Source<T, S> {
  return {
    ...source,
    reader: (split, position, context) => new PacedReader(source.reader(split, position, context), context, perSecond),
  };
}

const SLICE_MS = 10;

class PacedReader implements SplitReader {
  private readonly startedAt: number;
  private given = 0;
  private cancel: (() => void) | undefined;

  constructor(
    private readonly reader: SplitReader,
    private readonly context: ReaderContext,
    private readonly perSecond: number,
  ) {
    this.startedAt = context.host.elapsed();
  }

  poll(batch: Batch): PollStatus {
    const due = ((this.context.host.elapsed() - this.startedAt) * this.perSecond) / 1_000;
    if (this.given >= due) return this.wait();
    const before = batch.count;
    const status = this.reader.poll(batch);
    this.given += batch.count - before;
    return status;
  }

  private wait(): PollStatus {
    this.cancel ??= this.context.host.timer(SLICE_MS, () => {
      this.cancel = undefined;
      this.context.wake();
    });
    return 'wait';
  }

  position(): unknown {
    return this.reader.position();
  }

  close(): void | Promise<void> {
    this.cancel?.();
    return this.reader.close();
  }
}
