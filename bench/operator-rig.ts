/**
 * Runs one operator over keyed state in memory, with its results thrown away: what it costs by itself, without sources,
 * exchange and sinks. State is kept as for checkpoints, which are not taken.
 */
import { Batch, Inbox } from '../core/batch.js';
import type { Host } from '../core/host.js';
import { hashKey } from '../core/key.js';
import { TIME_MIN } from '../core/time.js';
import type { Operator, OperatorContext, OperatorFactory } from '../operators/operator.js';
import { MemoryState } from '../state/memory/memory-state.js';

export const RECORDS = 1_024;

export class OperatorRig {
  readonly state = new MemoryState({ maxParallelism: 128 });
  private readonly output = new Batch(RECORDS);
  private readonly side = new Batch(RECORDS);
  private readonly operator: Operator;
  private watermark = TIME_MIN;
  private woken = false;

  constructor(factory: OperatorFactory) {
    this.operator = factory(this.context(), []);
    void this.operator.open?.();
  }

  /** `records`: as many as there are keys and times. */
  feed(records: readonly unknown[], keys: readonly unknown[], times: readonly number[], port = 0): void {
    const batch = new Batch(RECORDS);
    for (let at = 0; at < records.length; at += 1)
      batch.pushKeyed(records[at], times[at] as number, keys[at], hashKey(keys[at]));
    const inbox = new Inbox(batch);
    inbox.port = port;
    this.state.prepare(inbox);
    while (!inbox.drained) {
      this.operator.process(inbox);
      this.drain();
    }
  }

  advance(watermark: number): void {
    this.watermark = watermark;
    while (!(this.operator.onWatermark?.(watermark) ?? true)) this.drain();
    this.drain();
  }

  private drain(): void {
    this.output.clear();
    this.side.clear();
    if (!this.woken) return;
    this.woken = false;
    this.operator.onWake?.();
    this.output.clear();
  }

  private context(): OperatorContext {
    const rig = this;
    const unused = (): never => {
      throw new Error('not in this benchmark');
    };
    return {
      uid: 'bench',
      subtask: 0,
      parallelism: 1,
      host: { now: () => 0, timer: unused } as unknown as Host,
      output: this.output,
      calls: undefined,
      askForCheckpoint: unused,
      state: this.state,
      side: () => this.side,
      get watermark() {
        return rig.watermark;
      },
      awaitsBarrier: false,
      wake: () => {
        this.woken = true;
      },
      fail: unused,
      reject: unused,
      random: () => 0,
    };
  }
}
