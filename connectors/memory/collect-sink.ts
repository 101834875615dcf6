/**
 * The sink behind a job's handle: hands its records to the program that runs the job.
 *
 * Invariants: records leave in order, and only when the program has room for them; nothing is held here.
 */
import type { Inbox } from '../../core/batch.js';
import type { Sink, SinkContext, SinkWriter } from '../../operators/sink.js';

/**
 * Gives the records to whoever iterates over, or awaits, the job's handle. A slow reader slows the job down. Records
 * arrive as they are made, not when a checkpoint completes: after a restart some come twice.
 *
 * @example
 * const { results } = await run(job('double', (j) =>
 *   j.from('numbers', fromIterable([1, 2, 3])).map((n) => n * 2).to('out', collect())))
 */
export function collect<T = unknown>(): Sink<T> {
  return { kind: 'collect', description: "to the job's handle", writer: (context) => new CollectWriter(context) };
}

class CollectWriter implements SinkWriter {
  constructor(private readonly context: SinkContext) {}

  write(inbox: Inbox): void {
    const { batch, cursor } = inbox;
    if (cursor < batch.count && this.context.collect(batch.records.slice(cursor, batch.count)))
      inbox.cursor = batch.count;
  }

  async prepare(): Promise<readonly unknown[]> {
    return [];
  }

  close(): void {}
}
