/**
 * A channel that a test writes: records and controls go in by hand, one element each, and come out in order.
 */
import type { Batch } from '../core/batch.js';
import type { Control } from '../core/control.js';
import { hashKey } from '../core/key.js';
import { deepFreeze } from '../core/plain.js';
import type { InputChannel } from '../engine/exchange/channel.js';
import type { Partition } from '../engine/graph/nodes.js';

interface SentRecord {
  readonly record: unknown;
  readonly timestamp: number;
}

export class HarnessChannel implements InputChannel {
  readonly keysTravel = true;
  private readonly queue: (SentRecord | Control)[] = [];

  constructor(private readonly partition: Partition) {}

  get ready(): boolean {
    return this.queue.length > 0;
  }

  record(record: unknown, timestamp: number): void {
    // Records are immutable: what changes one fails here, as it would go wrong between workers.
    this.queue.push({ record: deepFreeze(record), timestamp });
  }

  control(control: Control): void {
    this.queue.push(control);
  }

  receive(into: Batch): Control | 'records' | undefined {
    const next = this.queue.shift();
    if (!next || 'kind' in next) return next;
    if (this.partition.kind === 'hash') {
      const key = (this.partition.selector as (record: unknown) => unknown)(next.record);
      into.pushKeyed(next.record, next.timestamp, key === 0 ? 0 : key, hashKey(key));
    } else into.push(next.record, next.timestamp);
    return 'records';
  }
}
