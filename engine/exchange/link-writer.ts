/**
 * The end of a chain's branch: puts records into outboxes by the link's partition, and controls into every channel,
 * in order with the records.
 *
 * Invariant: a control is sent only after all records before it are.
 */
import { Batch, Inbox } from '../../core/batch.js';
import type { Control } from '../../core/control.js';
import { asMillraceError, type ErrorPlace, MillraceError } from '../../core/errors.js';
import type { Partition } from '../graph/nodes.js';
import type { Downstream } from '../worker/downstream.js';
import type { OutputChannel } from './channel.js';
import { Outbox } from './outbox.js';
import { broadcast, chosenSubtask, ownersOf, partitionBy, partitionByKey, passOn, UNCHOSEN } from './partitioner.js';

export interface LinkWriterOptions {
  readonly partition: Partition;
  /** One a consumer subtask; for a forward link the only one. */
  readonly channels: readonly OutputChannel[];
  readonly maxParallelism: number;
  readonly batchRecords: number;
  /** Who reads the link: its key selector's errors are its own. */
  readonly consumer: ErrorPlace;
  /** Who writes to it: records that do not survive the way are its own. */
  readonly producer: ErrorPlace;
  /** Where in the input the records at hand stem from, as far as known. */
  position(): unknown;
  /** Random number in [0, 1), of the subtask. */
  random(): number;
}

export class LinkWriter implements Downstream {
  readonly #inbox = new Inbox(new Batch(0));
  readonly #outboxes: readonly Outbox[];
  readonly #partition: Partition;
  readonly #owners: Int32Array;
  readonly #consumer: ErrorPlace;
  readonly #producer: ErrorPlace;
  readonly #position: () => unknown;
  readonly #random: () => number;
  #control: Control | undefined;
  /** Channels that have got the control. */
  #told = 0;
  #turn = 0;
  /** Consumers that take turns, if that is how records are dealt. */
  readonly #inTurns: number;
  /** Where the record at the cursor goes, once there is room. */
  #chosen = UNCHOSEN;

  constructor(options: LinkWriterOptions) {
    this.#outboxes = options.channels.map((channel) => new Outbox(channel, options.batchRecords));
    this.#partition = options.partition;
    this.#inTurns = inTurns(options);
    this.#owners = ownersOf(options.channels.length, options.maxParallelism);
    this.#consumer = options.consumer;
    this.#producer = options.producer;
    this.#position = options.position;
    this.#random = options.random;
  }

  offer(batch: Batch): void {
    this.#inbox.batch = batch;
    this.#inbox.cursor = 0;
    this.#turn = (this.#turn + 1) % this.#inTurns;
  }

  offerControl(control: Control): void {
    this.#control = control;
    this.#told = 0;
  }

  drain(): boolean {
    try {
      if (!this.#inbox.drained) this.#distribute();
      if (!this.#inbox.drained) return false;
      this.#inbox.release();
      return this.#control === undefined || this.#tell(this.#control);
    } catch (error) {
      throw asMillraceError(error, 'MILL_BUG', this.#producer);
    }
  }

  /** Sends what waits in partly filled outboxes, and wakes who has not been woken; false when some found no room. */
  flush(): boolean {
    try {
      let sent = true;
      for (const outbox of this.#outboxes) {
        sent = outbox.flush() && sent;
        outbox.channel.nudge?.();
      }
      return sent;
    } catch (error) {
      throw asMillraceError(error, 'MILL_BUG', this.#producer);
    }
  }

  get pending(): boolean {
    return this.#outboxes.some((outbox) => outbox.batch.count > 0);
  }

  #distribute(): void {
    const partition = this.#partition;
    switch (partition.kind) {
      case 'hash':
        return this.#byKey(partition.selector);
      case 'broadcast':
        return broadcast(this.#inbox, this.#outboxes);
      case 'shuffle':
        return this.#dealBy(() => Math.floor(this.#random() * this.#outboxes.length));
      case 'global':
        return passOn(this.#inbox, this.#outboxes[0] as Outbox);
      case 'custom':
        return this.#dealBy((record) => this.#choice(partition.choose, record));
      default:
        return passOn(this.#inbox, this.#outboxes[this.#turn] as Outbox);
    }
  }

  #byKey(selector: (record: never) => unknown): void {
    try {
      partitionByKey(this.#inbox, this.#outboxes, selector, this.#owners);
    } catch (error) {
      throw this.#selectorError(error);
    }
  }

  #dealBy(choose: (record: unknown) => number): void {
    this.#chosen = partitionBy(this.#inbox, this.#outboxes, choose, this.#chosen);
  }

  #choice(choose: (record: never, subtasks: number) => unknown, record: unknown): number {
    try {
      return chosenSubtask(choose, record, this.#outboxes.length);
    } catch (error) {
      throw asMillraceError(error, 'MILL_FUNCTION_FAILED', { ...this.#consumer, position: this.#position() });
    }
  }

  /** What the selector throws is told from what sending throws: that is typed already. */
  #selectorError(error: unknown): unknown {
    const ofChannel = error instanceof MillraceError && error.code !== 'MILL_KEY_INVALID';
    if (ofChannel) return error;
    return asMillraceError(error, 'MILL_FUNCTION_FAILED', { ...this.#consumer, position: this.#position() });
  }

  #tell(control: Control): boolean {
    for (; this.#told < this.#outboxes.length; this.#told += 1) {
      const outbox = this.#outboxes[this.#told] as Outbox;
      if (!outbox.flush() || !outbox.channel.sendControl(control)) return false;
    }
    this.#control = undefined;
    return true;
  }
}

function inTurns({ partition, channels }: LinkWriterOptions): number {
  const wanted = partition.kind === 'rebalance' ? partition.subtasks : undefined;
  return Math.min(wanted ?? channels.length, channels.length);
}
