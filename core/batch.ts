/**
 * The unit of work: up to `capacity` records in columns. Operators read one and append to another;
 * no promise, closure or queue node exists per record.
 *
 * Invariants: 0 <= count; columns `records` and `timestamps` are valid below `count`; `keys`, `hashes` and
 * `slots` only where a keyed input filled them. A batch is reused: nobody keeps a reference to one or to
 * its arrays after giving control back. Records themselves are immutable once pushed.
 */
import { TIME_MIN } from './time.js';

export class Batch {
  readonly capacity: number;
  count = 0;
  records: unknown[];
  timestamps: Float64Array;
  /** Key of each record, and its 32-bit hash, as the consuming edge's key selector gives them. */
  keys: unknown[];
  hashes: Int32Array;
  /** Dense number of each record's key in the consuming operator's keyed state; see state/key-index.ts. */
  slots: Int32Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.records = new Array(capacity).fill(undefined);
    this.timestamps = new Float64Array(capacity);
    this.keys = [];
    this.hashes = EMPTY;
    this.slots = EMPTY;
  }

  /** No more should be pushed until a consumer has drained it. One call of a user function may overshoot. */
  get full(): boolean {
    return this.count >= this.capacity;
  }

  /** Rows that fit before it is full. The columns are at least `capacity` long, so these may be written directly. */
  get room(): number {
    return this.capacity - this.count;
  }

  push(record: unknown, timestamp: number): void {
    const at = this.count;
    if (at >= this.timestamps.length) this.grow();
    this.records[at] = record;
    this.timestamps[at] = timestamp;
    this.count = at + 1;
  }

  pushKeyed(record: unknown, timestamp: number, key: unknown, hash: number): void {
    const at = this.count;
    if (at >= this.timestamps.length) this.grow();
    if (at >= this.hashes.length) this.growKeyed();
    this.records[at] = record;
    this.timestamps[at] = timestamp;
    this.keys[at] = key;
    this.hashes[at] = hash;
    this.count = at + 1;
  }

  /** Makes room for `count` rows in every column, keyed ones too: for whoever fills columns directly. */
  reserve(count: number): void {
    while (this.timestamps.length < count) this.grow();
    if (this.hashes.length < this.timestamps.length) this.growKeyed();
  }

  clear(): void {
    this.count = 0;
  }

  /** Clears it and lets go of the records, so that a batch at rest keeps none alive. */
  release(): void {
    this.records.fill(undefined, 0, this.count);
    this.keys.fill(undefined, 0, Math.min(this.count, this.keys.length));
    this.count = 0;
  }

  hasTimestamp(index: number): boolean {
    return this.timestamps[index] !== TIME_MIN;
  }

  private grow(): void {
    const timestamps = new Float64Array(Math.max(4, this.timestamps.length * 2));
    timestamps.set(this.timestamps);
    this.timestamps = timestamps;
  }

  private growKeyed(): void {
    const hashes = new Int32Array(this.timestamps.length);
    hashes.set(this.hashes);
    this.hashes = hashes;
    const slots = new Int32Array(this.timestamps.length);
    slots.set(this.slots);
    this.slots = slots;
  }
}

const EMPTY = new Int32Array(0);

/** A batch being consumed by one operator: records before `cursor` are done with. */
export class Inbox {
  batch: Batch;
  cursor = 0;
  /** Which of the operator's inputs the batch came in by: 0, or 0 and 1 of a two-input operator. */
  port = 0;

  constructor(batch: Batch) {
    this.batch = batch;
  }

  get drained(): boolean {
    return this.cursor >= this.batch.count;
  }

  /** Lets go of a drained batch: its owner fills it again, and none of that is this inbox's until it is offered. */
  release(): void {
    this.batch = NOTHING;
    this.cursor = 0;
  }
}

const NOTHING = new Batch(0);
