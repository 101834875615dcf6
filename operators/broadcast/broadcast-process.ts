/**
 * The user's own operator over a stream and one that is broadcast: records of the first read what those of the second have
 * left in broadcast state (Flink's KeyedBroadcastProcessFunction and BroadcastProcessFunction).
 *
 * Invariant: only records of the second input change broadcast state, and every subtask gets all of them, so that it is the
 * same everywhere at a barrier.
 */
import type { Inbox } from '../../core/batch.js';
import type { StateDescriptors } from '../../state/descriptors.js';
import type { TtlTime } from '../../state/ttl.js';
import type { Results } from '../lazy-output.js';
import type { Operator, OperatorContext, OperatorFactory } from '../operator.js';
import { type ProcessSpec, processFactory } from '../process.js';
import { BroadcastStore } from './broadcast-store.js';
import { RecordFunctions } from './record-functions.js';

export interface BroadcastSpec {
  readonly broadcast: StateDescriptors;
  /** Of the records that are not broadcast. */
  readonly records: ProcessSpec;
  /** They have keys, and with them state and timers. */
  readonly keyed: boolean;
  readonly onBroadcast: (record: never, context: never) => Results<unknown>;
}

export function broadcastFactory(spec: BroadcastSpec): OperatorFactory {
  return (context, restored) => new BroadcastProcess(spec, context, restored[0]);
}

class BroadcastProcess implements Operator {
  readonly #store: BroadcastStore;
  readonly #records: Operator;
  readonly #broadcasts: RecordFunctions;

  constructor({ broadcast, records, keyed, onBroadcast }: BroadcastSpec, context: OperatorContext, restored: unknown) {
    const store = new BroadcastStore(broadcast, restored);
    const { sides } = records;
    const onRecord = records.onRecord[0] as (record: never, context: never) => Results<unknown>;
    this.#store = store;
    this.#records = keyed
      ? processFactory({ ...records, broadcast: store.readable })(context, [])
      : new RecordFunctions({ onRecord, sides, broadcast: store.readable }, context);
    this.#broadcasts = new RecordFunctions({ onRecord: onBroadcast, sides, broadcast: store.handles }, context);
  }

  process(inbox: Inbox): void {
    (inbox.port === 0 ? this.#records : this.#broadcasts).process(inbox);
  }

  onWatermark(watermark: number): boolean {
    return this.#records.onWatermark?.(watermark) ?? true;
  }

  onProcessingTime(now: number): boolean {
    return this.#records.onProcessingTime?.(now) ?? true;
  }

  onExpiry(time: TtlTime, until: number): void {
    this.#records.onExpiry?.(time, until);
  }

  snapshot(): { readonly state: unknown } {
    return { state: this.#store.snapshot() };
  }

  close(): void {
    void this.#records.close?.();
    this.#broadcasts.close();
  }
}
