/**
 * A channel that a test writes, as one producer's end of a link: records go to the consumer that their key or their
 * turn says, controls to all of them; one element each comes out, in order.
 */
import type { Batch } from '../core/batch.js';
import type { Control } from '../core/control.js';
import { hashKey, keyGroupOf, ownerOf } from '../core/key.js';
import { deepFreeze } from '../core/plain.js';
import type { InputChannel } from '../engine/exchange/channel.js';
import { chosenSubtask } from '../engine/exchange/partitioner.js';
import type { Partition } from '../engine/graph/nodes.js';

interface SentRecord {
  readonly record: unknown;
  readonly timestamp: number;
  /** Behind a `keyBy`. */
  readonly key?: unknown;
  readonly hash?: number;
}

/** One consumer's end. */
class Queue implements InputChannel {
  readonly keysTravel = true;
  private readonly elements: (SentRecord | Control)[] = [];

  get ready(): boolean {
    return this.elements.length > 0;
  }

  push(element: SentRecord | Control): void {
    this.elements.push(element);
  }

  receive(into: Batch): Control | 'records' | undefined {
    const next = this.elements.shift();
    if (!next || 'kind' in next) return next;
    const { record, timestamp, key, hash } = next;
    if (hash === undefined) into.push(record, timestamp);
    else into.pushKeyed(record, timestamp, key, hash);
    return 'records';
  }
}

export interface HarnessChannelOptions {
  readonly partition: Partition;
  readonly consumers: number;
  /** Which of the link's producers it stands for. */
  readonly producer: number;
  /** Its records all go to the consumer of the same number. */
  readonly forward: boolean;
  readonly maxParallelism: number;
}

export class HarnessChannel {
  private readonly queues: readonly Queue[];
  private turn: number;

  constructor(private readonly options: HarnessChannelOptions) {
    this.queues = Array.from({ length: options.consumers }, () => new Queue());
    this.turn = options.producer;
  }

  /** Where a consumer reads; undefined where this producer sends it nothing. */
  queue(consumer: number): InputChannel | undefined {
    const { forward, producer } = this.options;
    return forward && producer % this.queues.length !== consumer ? undefined : this.queues[consumer];
  }

  record(sent: unknown, timestamp: number): void {
    // Records are immutable: what changes one fails here, as it would go wrong between workers.
    const record = deepFreeze(sent);
    const { partition, forward, producer } = this.options;
    if (partition.kind === 'hash')
      return this.byKey(record, timestamp, partition.selector as (record: unknown) => unknown);
    if (partition.kind === 'broadcast') {
      for (const queue of this.queues) queue.push({ record, timestamp });
      return;
    }
    const consumer = forward ? producer : this.consumerOf(record);
    this.turn += 1;
    (this.queues[consumer % this.queues.length] as Queue).push({ record, timestamp });
  }

  private consumerOf(record: unknown): number {
    const { partition } = this.options;
    if (partition.kind === 'global') return 0;
    if (partition.kind === 'custom') return chosenSubtask(partition.choose, record, this.queues.length);
    return this.turn;
  }

  control(control: Control): void {
    for (const queue of this.queues) queue.push(control);
  }

  private byKey(record: unknown, timestamp: number, selector: (record: unknown) => unknown): void {
    const selected = selector(record);
    const key = selected === 0 ? 0 : selected;
    const hash = hashKey(key);
    const { maxParallelism } = this.options;
    const owner = ownerOf(keyGroupOf(hash, maxParallelism), this.queues.length, maxParallelism);
    (this.queues[owner] as Queue).push({ record, timestamp, key, hash });
  }
}
