/**
 * A channel between two subtasks of one worker: batches change hands by swapping columns, nothing is copied.
 *
 * Invariant: at most `QUEUED_MAX` batches and controls wait; a producer that finds it full is stepped again by the
 * worker's own loop, so there is nobody to wake.
 */
import { Batch } from '../../core/batch.js';
import type { Control } from '../../core/control.js';
import type { InputChannel, OutputChannel } from './channel.js';

/** Two: one being filled by the producer's next step while the other is consumed. */
const QUEUED_MAX = 2;

export class LocalChannel implements InputChannel, OutputChannel {
  readonly keysTravel = true;
  readonly #queue: (Batch | Control)[] = [];
  readonly #free: Batch[] = [];

  constructor(capacity: number) {
    for (let at = 0; at < QUEUED_MAX; at += 1) this.#free.push(new Batch(capacity));
  }

  get ready(): boolean {
    return this.#queue.length > 0;
  }

  send(batch: Batch, from: number): number {
    const free = this.#queue.length < QUEUED_MAX ? this.#free.pop() : undefined;
    if (!free) return from;
    if (from === 0) swapColumns(batch, free);
    else copyRows(batch, from, free);
    this.#queue.push(free);
    return free.count + from;
  }

  sendControl(control: Control): boolean {
    if (this.#queue.length >= QUEUED_MAX) return false;
    this.#queue.push(control);
    return true;
  }

  receive(into: Batch): Control | 'records' | undefined {
    const next = this.#queue.shift();
    if (!(next instanceof Batch)) return next;
    swapColumns(next, into);
    next.clear();
    this.#free.push(next);
    return 'records';
  }
}

/** The producer's batch keeps its count until it clears it, as after any other send. */
function swapColumns(a: Batch, b: Batch): void {
  const { records, timestamps, keys, hashes, slots } = a;
  a.records = b.records;
  a.timestamps = b.timestamps;
  a.keys = b.keys;
  a.hashes = b.hashes;
  a.slots = b.slots;
  b.records = records;
  b.timestamps = timestamps;
  b.keys = keys;
  b.hashes = hashes;
  b.slots = slots;
  b.count = a.count;
}

function copyRows(source: Batch, from: number, target: Batch): void {
  target.clear();
  for (let at = from; at < source.count; at += 1) {
    target.pushKeyed(source.records[at], source.timestamps[at] as number, source.keys[at], source.hashes[at] ?? 0);
  }
}
