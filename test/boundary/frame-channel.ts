/**
 * Channels as another engine would offer them: frames of bytes in queues with a credit of so many frames. No threads,
 * no shared memory, nobody to wake.
 */
import { deserialize, serialize } from 'node:v8';
import type { Batch } from '../../core/batch.js';
import type { Control } from '../../core/control.js';
import type { InputChannel, OutputChannel } from '../../engine/exchange/channel.js';

export interface Records {
  readonly kind: 'records';
  readonly records: readonly unknown[];
  readonly timestamps: readonly number[];
  readonly hashes: readonly number[];
}

export type Element = Records | Control;

/** Few records a frame, so that batches are sent in parts. */
const FRAME_RECORDS = 3;

export class FrameQueue {
  readonly frames: Buffer[] = [];
  /** How many frames may wait. */
  credit: number;

  constructor(credit: number) {
    this.credit = credit;
  }

  get room(): boolean {
    return this.frames.length < this.credit;
  }

  push(element: Element): void {
    if (!this.room) throw new Error('a frame without credit');
    this.frames.push(serialize(element));
  }

  shift(): Element | undefined {
    const frame = this.frames.shift();
    return frame && (deserialize(frame) as Element);
  }
}

export class FrameInput implements InputChannel {
  constructor(private readonly queue: FrameQueue) {}

  get ready(): boolean {
    return this.queue.frames.length > 0;
  }

  receive(into: Batch): Control | 'records' | undefined {
    const element = this.queue.shift();
    if (element?.kind !== 'records') return element;
    const { records, timestamps, hashes } = element;
    records.forEach((record, at) => into.pushKeyed(record, timestamps[at] as number, undefined, hashes[at] as number));
    return 'records';
  }
}

export class FrameOutput implements OutputChannel {
  constructor(private readonly queue: FrameQueue) {}

  send(batch: Batch, from: number): number {
    let at = from;
    for (; at < batch.count && this.queue.room; at = Math.min(batch.count, at + FRAME_RECORDS)) {
      const end = Math.min(batch.count, at + FRAME_RECORDS);
      const records = batch.records.slice(at, end);
      const timestamps = [...batch.timestamps.subarray(at, end)];
      this.queue.push({ kind: 'records', records, timestamps, hashes: [...batch.hashes.subarray(at, end)] });
    }
    return at;
  }

  sendControl(control: Control): boolean {
    if (!this.queue.room) return false;
    this.queue.push(control);
    return true;
  }
}
