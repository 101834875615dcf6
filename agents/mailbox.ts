/**
 * What comes for an agent, and waits in the rows of its keys: inputs for their turn, events and decisions for a run that wants
 * them.
 *
 * Invariant: `waiting` is how many inputs the rows hold.
 */
import type { Inbox } from '../core/batch.js';
import { TIME_MIN } from '../core/time.js';
import type { OperatorContext } from '../operators/operator.js';
import type { Pane, ValueTable } from '../state/backend.js';
import { innerName } from '../state/inner-names.js';
import type { KnownCalls } from './known-calls.js';
import { type Arrived, isEmpty, isIdle, type KeyRow, newKeyRow, type Waiting } from './run-row.js';

/** Events and decisions that no run has taken. */
export const UNCLAIMED = 'unclaimed';

export interface MailboxOptions {
  readonly context: OperatorContext;
  readonly rows: Pane<KeyRow>;
  readonly known: KnownCalls;
  /** Inputs that may wait. */
  readonly mailbox: number;
  /** How long, in event time, what comes for a key without a run is kept for the next one. */
  readonly earlyMs: number;
  /** A key's only input has come. */
  begin(slot: number): void;
  /** Something has come for a key that has a run, or will have one. */
  came(slot: number): void;
}

export class Mailbox {
  readonly #options: MailboxOptions;
  /** Inputs so far, of each key. */
  readonly #numbers: ValueTable<number>;
  #waiting = 0;

  constructor(options: MailboxOptions) {
    this.#options = options;
    this.#numbers = options.context.state.value<number>(innerName('agent', 'numbers'));
  }

  get waiting(): number {
    return this.#waiting;
  }

  restored(row: KeyRow): void {
    this.#waiting += row.waiting.length;
  }

  takeInputs(inbox: Inbox): void {
    const { records, timestamps, slots, count } = inbox.batch;
    for (; inbox.cursor < count && this.#hasRoom; inbox.cursor += 1) {
      const slot = slots[inbox.cursor] as number;
      this.#takeInput(slot, records[inbox.cursor], timestamps[inbox.cursor] as number);
    }
  }

  /** Something for runs of a key that has none is kept for the next one for a while, or goes out again as unclaimed. */
  takeEvents(inbox: Inbox, from: Arrived['from']): void {
    const { context, rows, earlyMs, came } = this.#options;
    const { records, timestamps, slots, count } = inbox.batch;
    const unclaimed = context.side(UNCLAIMED);
    for (; inbox.cursor < count && !unclaimed.full; inbox.cursor += 1) {
      const slot = slots[inbox.cursor] as number;
      const value = records[inbox.cursor];
      const timestamp = timestamps[inbox.cursor] as number;
      const row = rows.get(slot) ?? newKeyRow();
      if (isIdle(row)) {
        if (earlyMs === 0 || timestamp === TIME_MIN) {
          unclaimed.push(value, timestamp);
          continue;
        }
        context.state.timers('event').add(slot, timestamp + earlyMs);
      }
      row.arrived.push({ from, value, timestamp });
      rows.set(slot, row);
      came(slot);
    }
  }

  /** The key's next input leaves the mailbox: its run begins. */
  next(row: KeyRow): Waiting {
    this.#waiting -= 1;
    return row.waiting.shift() as Waiting;
  }

  /** No run has come in time for what is kept of a key. */
  giveUp(slot: number, row: KeyRow, watermark: number, stamp: (timestamp: number) => number): void {
    const { context, rows, earlyMs } = this.#options;
    const isOver = ({ timestamp }: Arrived): boolean => timestamp + earlyMs <= watermark;
    const unclaimed = context.side(UNCLAIMED);
    for (const { value, timestamp } of row.arrived.filter(isOver)) unclaimed.push(value, stamp(timestamp));
    row.arrived = row.arrived.filter((each) => !isOver(each));
    if (isEmpty(row)) rows.remove(slot);
    else rows.set(slot, row);
  }

  /** The key's last run has ended: what it has not taken is kept for the next one for a while, or goes out as unclaimed. */
  leave(slot: number, row: KeyRow, isEnd: boolean, stamp: (timestamp: number) => number): void {
    const { context, earlyMs } = this.#options;
    const unclaimed = context.side(UNCLAIMED);
    row.arrived = row.arrived.filter(({ value, timestamp }) => {
      const isKept = earlyMs > 0 && timestamp !== TIME_MIN && !isEnd;
      if (isKept) context.state.timers('event').add(slot, timestamp + earlyMs);
      else unclaimed.push(value, stamp(timestamp));
      return isKept;
    });
  }

  get #hasRoom(): boolean {
    return this.#waiting < this.#options.mailbox || this.#options.context.awaitsBarrier;
  }

  #takeInput(slot: number, input: unknown, timestamp: number): void {
    const { context, rows, known, begin } = this.#options;
    const number = this.#numbers.get(slot) ?? 0;
    this.#numbers.set(slot, number + 1);
    const row = rows.get(slot) ?? newKeyRow();
    row.waiting.push([input, timestamp, number]);
    known.claim(row, context.state.keyOf(slot), input, number);
    rows.set(slot, row);
    this.#waiting += 1;
    if (row.run === null && row.waiting.length === 1) begin(slot);
  }
}
