/**
 * Sinks that one file of rows after the other is gathered in. Memory that comes and goes with every checkpoint has the
 * garbage collector go through the whole heap, some milliseconds at a time, in the middle of the checkpoint.
 */
import { ByteSink } from '../core/byte-sink.js';

/** Larger ones are not kept: there may be one for each key group. */
const KEPT_BYTES = 128 << 10;

export class SinkPool {
  readonly #free: ByteSink[] = [];

  /** An empty one. */
  take(): ByteSink {
    return this.#free.pop() ?? new ByteSink(64);
  }

  give(sink: ByteSink): void {
    if (sink.capacity > KEPT_BYTES) return;
    sink.clear();
    this.#free.push(sink);
  }
}
