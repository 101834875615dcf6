/** Drives a source's reader as the engine does: polls, waits to be woken, keeps what it was told. */
import { Batch } from '../../core/batch.js';
import type { Host } from '../../core/host.js';
import type { MalformedRecord, ReaderContext, Source, Split, SplitReader } from '../../operators/source.js';
import { until } from '../host/manual-host.js';

export class DrivenReader {
  readonly records: unknown[] = [];
  readonly timestamps: number[] = [];
  readonly letters: MalformedRecord[] = [];
  readonly reader: SplitReader;
  failure: unknown;
  wakes = 0;
  ended = false;

  constructor(
    source: Source<unknown>,
    split: Split,
    position: unknown,
    host: Host,
    options: { strict?: boolean } = {},
  ) {
    const context: ReaderContext = {
      host,
      subtask: 0,
      wake: () => {
        this.wakes += 1;
      },
      fail: (error) => {
        this.failure ??= error;
      },
      malformed: (letter) => {
        if (options.strict === true) throw letter.error;
        this.letters.push(letter);
      },
    };
    this.reader = source.reader(split, position, context);
  }

  /** One poll into a batch that holds a record already; throws what the reader failed with. */
  poll(capacity: number): 'more' | 'wait' | 'end' {
    const batch = new Batch(capacity + 1);
    batch.push('before', 7);
    const status = this.reader.poll(batch);
    if (batch.records[0] !== 'before' || batch.timestamps[0] !== 7) throw new Error('poll overwrote a record');
    if (batch.count > batch.capacity) throw new Error('poll overfilled the batch');
    if (!['more', 'wait', 'end'].includes(status)) throw new Error(`poll returned ${String(status)}`);
    this.records.push(...batch.records.slice(1, batch.count));
    this.timestamps.push(...batch.timestamps.slice(1, batch.count));
    this.ended = status === 'end';
    if (this.failure !== undefined) throw this.failure;
    return status;
  }

  /** Polls until the end, or until `count` records have come. `idle` is called where the reader waits. */
  async read(options: { capacity?: number; count?: number; idle?: () => void } = {}): Promise<unknown[]> {
    const { capacity = 3, count = Number.POSITIVE_INFINITY, idle } = options;
    while (!this.ended && this.records.length < count) {
      const woken = this.wakes;
      const status = this.poll(Math.min(capacity, count - this.records.length));
      if (status !== 'wait') continue;
      idle?.();
      await until(() => this.wakes > woken || this.failure !== undefined, 'the reader wakes the worker');
      if (this.failure !== undefined) throw this.failure;
    }
    return this.records;
  }
}

export async function splitsOf(source: Source<unknown>, host: Host, parallelism = 1): Promise<readonly Split[]> {
  return source.enumerator({ host, parallelism }).discover();
}

/** Everything a bounded source gives, split after split. */
export async function readAll<T>(source: Source<T>, host: Host, capacity = 3): Promise<T[]> {
  const all: unknown[] = [];
  for (const split of await splitsOf(source, host)) {
    const driven = new DrivenReader(source, split, undefined, host, { strict: true });
    all.push(...(await driven.read({ capacity })));
    await driven.reader.close();
  }
  return all as T[];
}
