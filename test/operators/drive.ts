/**
 * Drives one keyed operator as the engine would: hands it batches and watermarks, drains its output whenever it
 * returns, and calls it again until it is done. May cut it between any two: what its state has written for checkpoints
 * goes into a new state and a new operator, as after a crash.
 */
import { Batch, Inbox } from '../../core/batch.js';
import type { Host } from '../../core/host.js';
import { hashKey } from '../../core/key.js';
import { TIME_MIN } from '../../core/time.js';
import type { Operator, OperatorContext } from '../../operators/operator.js';
import type { KeyedState, RowWriter, StateRow, TimerKind } from '../../state/backend.js';
import { EXPIRY_TIMERS } from '../../state/expiry.js';
import { MemoryState } from '../../state/memory/memory-state.js';
import type { TtlTime } from '../../state/ttl.js';
import { mark } from '../state/state-kit.js';

export interface Driven {
  readonly record: unknown;
  readonly key: unknown;
  readonly timestamp: number;
}

export interface Emitted {
  readonly record: unknown;
  readonly timestamp: number;
}

type Make = (context: OperatorContext) => Operator;

export const inMemory = (): KeyedState => new MemoryState({ maxParallelism: 128, journal: true });

export class Drive {
  readonly out: Emitted[] = [];
  /** What went to each side output, in order. */
  readonly sides = new Map<string, Emitted[]>();
  state: KeyedState;
  /** Processing time. */
  now = 0;
  /** Calls of the operator in all. */
  calls = 0;
  woken = false;
  /** Whether failures of firings are let pass, and those that were. */
  skips = false;
  readonly rejected: unknown[] = [];
  private make: Make;
  private readonly capacity: number;
  private readonly newState: () => KeyedState;
  private output: Batch;
  private sideBatches = new Map<string, Batch>();
  private watermark = TIME_MIN;
  private operator: Operator;
  /** Once it is open. */
  opened: void | Promise<void>;
  private alarms: { readonly at: number; readonly fire: () => void }[] = [];
  /** What checkpoints hold. */
  private written = new WrittenRows();

  /** `newState`: with a journal. */
  constructor(make: Make, capacity: number, newState = inMemory) {
    this.make = make;
    this.capacity = capacity;
    this.newState = newState;
    this.state = newState();
    this.output = new Batch(capacity);
    this.operator = this.start();
    this.opened = this.operator.open?.();
  }

  /** The watermark that leaves the operator. */
  get ownWatermark(): number {
    return this.operator.ownWatermark?.() ?? this.watermark;
  }

  records(records: readonly Driven[], port = 0): void {
    const batch = new Batch(Math.max(1, records.length));
    for (const { record, key, timestamp } of records) batch.pushKeyed(record, timestamp, key, hashKey(key));
    const inbox = new Inbox(batch);
    inbox.port = port;
    this.inbox(inbox);
  }

  /** Until the inbox is drained. Throws what the operator throws. */
  inbox(inbox: Inbox): void {
    while (!this.state.prepare(inbox));
    while (!inbox.drained) {
      this.operator.process(inbox);
      const { woken } = this;
      this.drain();
      this.woken = woken;
    }
    this.settle();
  }

  advance(watermark: number): void {
    this.watermark = watermark;
    this.fire('event', watermark, () => this.operator.onWatermark?.(watermark) ?? true);
    this.expire('event', watermark);
  }

  /** Moves processing time on. */
  moveTo(now: number): void {
    this.now = now;
    for (const { fire } of this.alarms.filter(({ at }) => at <= now)) fire();
    this.alarms = this.alarms.filter(({ at }) => at > now);
    this.settle();
    this.fire('processing', now, () => this.operator.onProcessingTime?.(now) ?? true);
    this.expire('processing', now);
  }

  /** A barrier. Its rows are written some time, at the latest before the next one. */
  seal(): void {
    while (!(this.operator.readyForBarrier?.() ?? true)) this.drain();
    this.drain();
    while (!this.state.drainSealed(1));
    this.state.seal(this.written);
  }

  /** A barrier whose rows are all written. */
  checkpoint(): void {
    this.seal();
    while (!this.state.drainSealed(1));
  }

  /** Keys that something is still held for. */
  get keysLeft(): number {
    this.checkpoint();
    return this.state.keyCount;
  }

  /** A crash and a recovery right here; `make`: as another operator. */
  restart(make = this.make): void {
    this.checkpoint();
    this.make = make;
    void this.operator.close?.();
    this.state = this.newState();
    this.operator = this.start();
    for (const row of this.written.rows()) this.state.restore(row);
    this.opened = this.operator.open?.();
  }

  /** Calls the operator as long as it asks for it. */
  private settle(): void {
    while (this.woken) {
      this.woken = false;
      this.operator.onWake?.();
      const { woken } = this;
      this.drain();
      this.woken = woken;
    }
  }

  private alarm(ms: number, fire: () => void): () => void {
    const alarm = { at: this.now + ms, fire };
    this.alarms.push(alarm);
    return () => {
      this.alarms = this.alarms.filter((each) => each !== alarm);
    };
  }

  private start(): Operator {
    const drive = this;
    return this.make({
      uid: 'driven',
      subtask: 0,
      parallelism: 1,
      host: { now: () => this.now, timer: (ms, fire) => this.alarm(ms, fire) } as Host,
      output: this.output,
      state: this.state,
      side: (name) => this.side(name),
      get watermark() {
        return drive.watermark;
      },
      awaitsBarrier: false,
      calls: undefined,
      askForCheckpoint: () => {},
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
  }

  /** As engine/worker/stage.ts does it. */
  private fire(kind: TimerKind, until: number, call: () => boolean): void {
    const { state } = this;
    do {
      while (!state.prepareTimers(kind, until));
      while (!call()) {
        if (!this.output.full && !this.woken) throw new Error('neither full nor woken, and yet not done');
        this.drain();
      }
      this.drain();
    } while (state.nextTimer(kind) <= until && state.timers(kind).earliest !== state.nextTimer(kind));
  }

  private expire(time: TtlTime, until: number): void {
    this.fire(EXPIRY_TIMERS[time], until, () => {
      this.operator.onExpiry?.(time, until);
      return true;
    });
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

/** Rows of all checkpoints so far, put one onto the other. */
class WrittenRows implements RowWriter {
  private readonly byPlace = new Map<string, StateRow>();

  /** In no particular order: in that of writing, backwards. */
  rows(): StateRow[] {
    return structuredClone([...this.byPlace.values()].reverse());
  }

  put(table: string, kind: StateRow['kind'], keyGroup: number, key: unknown, subkey: unknown, value: unknown): void {
    const row = { keyGroup, table, kind, key, value: structuredClone(value) };
    this.byPlace.set(placeOf(table, kind, key, subkey), subkey === undefined ? row : { ...row, subkey });
  }

  remove(table: string, kind: StateRow['kind'], _keyGroup: number, key: unknown, subkey: unknown): void {
    this.byPlace.delete(placeOf(table, kind, key, subkey));
  }
}

function placeOf(table: string, kind: string, key: unknown, subkey: unknown): string {
  return `${kind} ${table} / ${mark(key)} / ${mark(subkey)}`;
}

function take(batch: Batch, capacity: number, into: Emitted[]): void {
  if (batch.count > capacity) throw new Error(`${batch.count} records in a batch for ${capacity}`);
  for (let at = 0; at < batch.count; at += 1) {
    into.push({ record: batch.records[at], timestamp: batch.timestamps[at] as number });
  }
  batch.release();
}
