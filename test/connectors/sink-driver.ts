/** Drives a sink's writer as the engine does: offers batches, waits to be woken, asks for handles. */
import { Batch, Inbox } from '../../core/batch.js';
import type { Host } from '../../core/host.js';
import type { Sink, SinkContext, SinkWriter } from '../../operators/sink.js';
import { until } from '../host/manual-host.js';

export interface DriveOptions {
  readonly runId?: string;
  readonly epoch?: number;
  readonly subtask?: number;
  readonly uid?: string;
  readonly job?: string;
  /** What the handle's program does with collected records. */
  readonly collect?: (records: readonly unknown[]) => boolean;
}

export class DrivenWriter {
  readonly writer: SinkWriter;
  failure: unknown;
  wakes = 0;

  constructor(sink: Sink<never>, host: Host, options: DriveOptions = {}) {
    const { runId = 'run1', epoch = 0, subtask = 0, uid = 'out', job = 'job', collect = () => true } = options;
    const context: SinkContext = {
      job,
      uid,
      subtask,
      parallelism: 1,
      runId,
      epoch,
      host,
      wake: () => {
        this.wakes += 1;
      },
      fail: (error) => {
        this.failure ??= error;
      },
      collect,
    };
    this.writer = sink.writer(context);
  }

  /** Writes all records, in batches; rejects with what the writer fails with. */
  async write(records: readonly unknown[], capacity = 4): Promise<void> {
    for (let from = 0; from < records.length; from += capacity) {
      const batch = new Batch(capacity);
      for (const [at, record] of records.slice(from, from + capacity).entries()) batch.push(record, from + at);
      await this.drain(new Inbox(batch));
    }
  }

  async drain(inbox: Inbox): Promise<void> {
    for (;;) {
      const { cursor } = inbox;
      const woken = this.wakes;
      this.writer.write(inbox);
      if (inbox.cursor < cursor || inbox.cursor > inbox.batch.count) throw new Error('the cursor ran away');
      if (this.failure !== undefined) throw this.failure;
      if (inbox.drained) return;
      await until(() => this.wakes > woken || this.failure !== undefined, 'the writer wakes the worker');
      if (this.failure !== undefined) throw this.failure;
    }
  }
}
