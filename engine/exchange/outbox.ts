/**
 * What a producer has for one channel: a batch being filled, and how much of it is sent already.
 *
 * Invariant: once a part of the batch is sent, nothing is added until all of it is.
 */
import { Batch } from '../../core/batch.js';
import type { OutputChannel } from './channel.js';

export class Outbox {
  readonly batch: Batch;
  readonly channel: OutputChannel;
  #sent = 0;

  constructor(channel: OutputChannel, capacity: number) {
    this.batch = new Batch(capacity);
    this.channel = channel;
  }

  /** Makes room for one record at least; false when the channel has none. */
  makeRoom(): boolean {
    return this.#sent === 0 && !this.batch.full ? true : this.flush();
  }

  /** Sends all it holds; false when the channel had no room for all of it. */
  flush(): boolean {
    const { batch } = this;
    if (batch.count === 0) return true;
    this.#sent = this.channel.send(batch, this.#sent);
    if (this.#sent < batch.count) return false;
    batch.clear();
    this.#sent = 0;
    return true;
  }
}
