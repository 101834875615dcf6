/**
 * Temporal join: each left record with the version that was valid at its time, the latest one with version time <= record
 * time (Flink's TemporalRowTimeJoinOperator).
 *
 * Records and versions wait in buckets of time until the watermark has reached them; then they are dealt with in order of
 * time, versions before records of the same time. So one version a key is all that has to be at hand: the last that was
 * passed. A version that comes after the watermark has passed its time takes effect at once if it is not older than that
 * one. A record that does goes to side output `late`.
 *
 * Invariants: what has to survive is in the state, and in the watermark, which the engine restores before `open`. For
 * every row that waits its key has a timer at the row's time. `versions` holds for a key [time, version], or [time] if it
 * has been deleted then. A barrier finds no timer under way.
 */
import type { Batch, Inbox } from '../../core/batch.js';
import { asMillraceError, describeValue, MillraceError } from '../../core/errors.js';
import { TIME_MIN } from '../../core/time.js';
import type { ValueTable } from '../../state/backend.js';
import type { Operator, OperatorContext, OperatorFactory } from '../operator.js';
import { LATE } from '../window/window-factory.js';
import { DueRows } from './due-rows.js';
import type { Combine } from './join-type.js';
import { type Chunk, MARK, RECORD, TIME, TimedRows } from './timed-rows.js';

export interface TemporalJoinSpec {
  /** `left`: records for which there is no version come out, too. */
  readonly type: 'inner' | 'left';
  readonly combine: Combine;
  /** Absent: the version's timestamp. */
  readonly versionTime: ((version: unknown) => number) | undefined;
  readonly isDelete: ((version: unknown) => unknown) | undefined;
}

type Version = readonly [time: number, version?: unknown];

/** Rows are kept up to so much longer than they wait. */
const BUCKET_MS = 10_000;

/** Marks of versions. */
const VALID = 0;
const DELETED = 1;

export function temporalJoinFactory(spec: TemporalJoinSpec): OperatorFactory {
  return (context) => new TemporalJoinOperator(spec, context);
}

export class TemporalJoinOperator implements Operator {
  private readonly context: OperatorContext;
  private readonly spec: TemporalJoinSpec;
  private readonly late: Batch;
  private readonly versions: ValueTable<Version>;
  private readonly waitingVersions: TimedRows;
  private readonly waitingRecords: TimedRows;
  private readonly due: DueRows;
  /** The watermark that has been dealt with. */
  private watermark = TIME_MIN;

  constructor(spec: TemporalJoinSpec, context: OperatorContext) {
    const { state } = context;
    this.context = context;
    this.spec = spec;
    this.late = context.side(LATE);
    this.versions = state.value('versions');
    this.waitingVersions = new TimedRows(state, 'waiting-versions', BUCKET_MS);
    this.waitingRecords = new TimedRows(state, 'waiting-records', BUCKET_MS);
    this.due = new DueRows(context, [
      { rows: this.waitingVersions, from: 0, to: 0, take: (slot, chunk, at) => this.takeVersion(slot, chunk, at) },
      { rows: this.waitingRecords, from: 0, to: 0, take: (slot, chunk, at) => this.takeRecord(slot, chunk, at) },
    ]);
  }

  open(): void {
    this.watermark = this.context.watermark;
    this.waitingVersions.open();
    this.waitingRecords.open();
  }

  process(inbox: Inbox): void {
    const { batch, port } = inbox;
    let at = inbox.cursor;
    try {
      for (; at < batch.count && !this.late.full; at += 1) {
        if (port === 0) this.addRecord(batch, at);
        else this.addVersion(batch, at);
      }
    } finally {
      inbox.cursor = at;
    }
  }

  onWatermark(watermark: number): boolean {
    if (!this.due.fire(watermark)) return this.goOn();
    if (this.due.hidesTimers(watermark)) return true;
    const { waitingVersions, waitingRecords } = this;
    if (!waitingVersions.dropUntil(watermark) || !waitingRecords.dropUntil(watermark)) return this.goOn();
    this.watermark = watermark;
    return true;
  }

  private goOn(): false {
    if (!this.context.output.full) this.context.wake();
    return false;
  }

  private addRecord(batch: Batch, at: number): void {
    const time = checkTime(batch.timestamps[at] as number);
    const record = batch.records[at];
    if (time <= this.watermark) this.late.push(record, time);
    else this.wait(this.waitingRecords, batch.slots[at] as number, time, VALID, record);
  }

  private addVersion(batch: Batch, at: number): void {
    const { versionTime, isDelete } = this.spec;
    const version = batch.records[at];
    const slot = batch.slots[at] as number;
    const time =
      versionTime === undefined ? checkTime(batch.timestamps[at] as number) : checkVersionTime(versionTime(version));
    const mark = isDelete?.(version) ? DELETED : VALID;
    if (time <= this.watermark) this.take(slot, time, mark, version);
    else this.wait(this.waitingVersions, slot, time, mark, version);
  }

  private wait(rows: TimedRows, slot: number, time: number, mark: number, record: unknown): void {
    rows.add(slot, time, mark, record);
    this.due.await(slot, time);
  }

  private takeVersion(slot: number, chunk: Chunk, at: number): void {
    this.take(slot, chunk[at + TIME] as number, chunk[at + MARK] as number, chunk[at + RECORD]);
  }

  /** A version takes effect, unless it is older than the one that has. */
  private take(slot: number, time: number, mark: number, version: unknown): void {
    const known = this.versions.get(slot);
    if (known !== undefined && time < known[0]) return;
    this.versions.set(slot, mark === DELETED ? [time] : [time, version]);
  }

  private takeRecord(slot: number, chunk: Chunk, at: number): void {
    const version = this.versions.get(slot);
    const hasVersion = version !== undefined && version.length === 2;
    if (!hasVersion && this.spec.type === 'inner') return;
    const record = chunk[at + RECORD];
    const time = chunk[at + TIME] as number;
    try {
      this.context.output.push(this.spec.combine(record, hasVersion ? version[1] : undefined), time);
    } catch (error) {
      const key = this.context.state.keyOf(slot);
      this.context.reject(asMillraceError(error, 'MILL_FUNCTION_FAILED', { key }), record, time);
    }
  }
}

/** -0 becomes 0, so that equal times are one timer. */
function checkTime(time: number): number {
  if (time !== TIME_MIN) return time + 0;
  throw new MillraceError('MILL_TIMESTAMP_MISSING', 'a record without a timestamp has come to a temporal join');
}

function checkVersionTime(time: unknown): number {
  if (typeof time === 'number' && Number.isFinite(time)) return time + 0;
  throw new MillraceError('MILL_TIMESTAMP_INVALID', `versionTime returned ${describeValue(time)}`);
}
