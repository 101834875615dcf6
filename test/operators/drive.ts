/**
 * Drives one keyed operator as the engine would: hands it batches and watermarks, drains its output whenever it
 * returns, and calls it again until it is done. May cut it between any two: all rows of its state go into a new
 * state and a new operator, as after a crash.
 */
import { Batch, Inbox } from '../../core/batch.js';
import type { Host } from '../../core/host.js';
import { hashKey } from '../../core/key.js';
import { TIME_MIN } from '../../core/time.js';
import type { Operator, OperatorContext } from '../../operators/operator.js';
import type { KeyedState } from '../../state/backend.js';
import { MemoryState } from '../../state/memory/memory-state.js';

export interface Driven {
  readonly record: unknown;
  readonly key: unknown;
  readonly timestamp: number;
}

export interface Emitted {
  readonly record: unknown;
  readonly timestamp: number;
}

export class Drive {
  readonly out: Emitted[] = [];
  /** What went to each side output, in order. */
  readonly sides = new Map<string, Emitted[]>();
  state: KeyedState = new MemoryState({ maxParallelism: 128 });
  /** Calls of the operator in all. */
  calls = 0;
  woken = false;
  /** Whether failures of firings are let pass, and those that were. */
  skips = false;
  readonly rejected: unknown[] = [];
  private readonly make: (context: OperatorContext) => Operator;
  private readonly capacity: number;
  private output: Batch;
  private sideBatches = new Map<string, Batch>();
  private watermark = TIME_MIN;
  private operator: Operator;

  constructor(make: (context: OperatorContext) => Operator, capacity: number) {
    this.make = make;
    this.capacity = capacity;
    this.output = new Batch(capacity);
    this.operator = this.start();
  }

  records(records: readonly Driven[]): void {
    const batch = new Batch(Math.max(1, records.length));
    for (const { record, key, timestamp } of records) batch.pushKeyed(record, timestamp, key, hashKey(key));
    this.inbox(new Inbox(batch));
  }

  /** Until the inbox is drained. Throws what the operator throws. */
  inbox(inbox: Inbox): void {
    while (!this.state.prepare(inbox));
    while (!inbox.drained) {
      this.operator.process(inbox);
      this.drain();
    }
  }

  advance(watermark: number): void {
    this.watermark = watermark;
    while (!this.operator.onWatermark?.(watermark)) {
      if (!this.output.full && !this.woken) throw new Error('neither full nor woken, and yet not done');
      this.drain();
    }
    this.drain();
  }

  /** A crash and a recovery right here. */
  restart(): void {
    const rows = structuredClone([...this.state.rows()]);
    this.state = new MemoryState({ maxParallelism: 128 });
    for (const row of rows.reverse()) this.state.restore(row);
    this.operator = this.start();
  }

  private start(): Operator {
    const drive = this;
    const operator = this.make({
      uid: 'driven',
      subtask: 0,
      parallelism: 1,
      host: undefined as unknown as Host,
      output: this.output,
      state: this.state,
      side: (name) => this.side(name),
      get watermark() {
        return drive.watermark;
      },
      wake: () => {
        drive.woken = true;
      },
      fail: (error) => {
        throw error;
      },
      reject: (error) => {
        if (!this.skips) throw error;
        this.rejected.push(error);
      },
      random: () => 0.5,
    });
    void operator.open?.();
    return operator;
  }

  private side(name: string): Batch {
    const known = this.sideBatches.get(name) ?? new Batch(this.capacity);
    this.sideBatches.set(name, known);
    return known;
  }

  private drain(): void {
    this.calls += 1;
    this.woken = false;
    if (this.calls > 1_000_000) throw new Error('the operator makes no progress');
    take(this.output, this.capacity, this.out);
    for (const [name, batch] of this.sideBatches) {
      const taken = this.sides.get(name) ?? [];
      this.sides.set(name, taken);
      take(batch, this.capacity, taken);
    }
  }
}

function take(batch: Batch, capacity: number, into: Emitted[]): void {
  if (batch.count > capacity) throw new Error(`${batch.count} records in a batch for ${capacity}`);
  for (let at = 0; at < batch.count; at += 1) {
    into.push({ record: batch.records[at], timestamp: batch.timestamps[at] as number });
  }
  batch.release();
}
