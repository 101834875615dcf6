/**
 * A split being read: its reader, its watermark, whether it is idle.
 *
 * Invariant: `watermark` is (highest timestamp seen) - outOfOrderness - 1, or the highest that a generator has said; it never
 * falls.
 */
import type { Batch } from '../../core/batch.js';
import { asMillraceError, type MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import { TIME_MIN } from '../../core/time.js';
import type { PollStatus, ReaderContext, Source, Split, SplitReader } from '../../operators/source.js';
import type { SourceEventTime } from '../graph/chain.js';
import { timestampOf, type Watermarks, watermarksOf } from './record-time.js';

/** A split on its way to a subtask, or in a checkpoint: where to go on, and the watermark it had. Plain data. */
export interface AssignedSplit {
  readonly split: Split;
  readonly position: unknown;
  readonly watermark: number;
}

export class ActiveSplit {
  readonly #split: Split;
  readonly #reader: SplitReader;
  readonly #eventTime: SourceEventTime | undefined;
  readonly #watermarks: Watermarks | undefined;
  readonly #host: Host;
  #watermark: number;
  #activeAt: number;
  #idle = false;
  #cancelIdle: (() => void) | undefined;

  constructor(
    assigned: AssignedSplit,
    source: Source<unknown>,
    context: ReaderContext,
    eventTime: SourceEventTime | undefined,
    host: Host,
  ) {
    this.#split = assigned.split;
    this.#watermark = assigned.watermark;
    this.#eventTime = eventTime;
    this.#watermarks = eventTime && watermarksOf(eventTime);
    this.#host = host;
    this.#activeAt = host.elapsed();
    this.#reader = source.reader(assigned.split, assigned.position, context);
  }

  get id(): string {
    return this.#split.id;
  }

  get position(): unknown {
    return this.#reader.position();
  }

  get watermark(): number {
    return this.#watermark;
  }

  get idle(): boolean {
    return this.#idle;
  }

  poll(batch: Batch): PollStatus {
    return this.#reader.poll(batch);
  }

  snapshot(): AssignedSplit {
    return { split: this.#split, position: this.#reader.position(), watermark: this.#watermark };
  }

  async close(): Promise<void> {
    this.#cancelIdle?.();
    await this.#reader.close();
  }

  /** After a poll: an empty one starts the idleness clock, any other stops it. */
  watchIdleness(empty: boolean, wake: () => void): void {
    const idleAfterMs = this.#eventTime?.idleAfterMs;
    if (idleAfterMs === undefined) return;
    if (!empty) {
      this.#activeAt = this.#host.elapsed();
      this.#idle = false;
      return;
    }
    const left = this.#activeAt + idleAfterMs - this.#host.elapsed();
    if (left <= 0) this.#idle = true;
    else if (!this.#cancelIdle) this.#cancelIdle = this.#host.timer(left, () => this.#ring(wake));
  }

  /** It has not been asked: that it gives nothing says nothing. */
  heldBack(): void {
    this.#activeAt = this.#host.elapsed();
  }

  #ring(wake: () => void): void {
    this.#cancelIdle = undefined;
    wake();
  }

  /** Whether its watermark also depends on the clock. */
  get isPeriodic(): boolean {
    return this.#watermarks?.periodic !== undefined;
  }

  /** Asks what time alone says of its watermark. Throws what user code throws, with its place. */
  tick(): void {
    const { periodic } = this.#watermarks ?? {};
    if (!periodic) return;
    try {
      this.#watermark = Math.max(this.#watermark, periodic(this.#host.now()));
    } catch (error) {
      throw failureOf(error, this.#eventTime as SourceEventTime);
    }
  }

  /** Gives rows [from, to) their event time; rows that have none go to the source's error policy and leave the batch. */
  stamp(batch: Batch, from: number, to: number, context: ReaderContext): void {
    const eventTime = this.#eventTime;
    if (!eventTime) return;
    const { behind } = this.#watermarks as Watermarks;
    const { records, timestamps } = batch;
    let latest = TIME_MIN;
    let kept = from;
    for (let at = from; at < to; at += 1) {
      try {
        const time = timestampOf(eventTime, records[at]);
        const watermark = behind(records[at], time);
        if (watermark > latest) latest = watermark;
        records[kept] = records[at];
        timestamps[kept] = time;
        kept += 1;
      } catch (error) {
        context.malformed({ error: failureOf(error, eventTime), position: undefined, raw: records[at] });
      }
    }
    batch.count = kept;
    this.#watermark = Math.max(this.#watermark, latest);
  }
}

function failureOf(error: unknown, { declaredAt }: SourceEventTime): MillraceError {
  return asMillraceError(error, 'MILL_FUNCTION_FAILED', { declaredAt });
}
