/**
 * Session windows over keyed streams, in event time, merged as Flink merges them.
 *
 * A record alone would make the window [time, time + gap); records may bear different gaps. It is joined with every session of its key that it
 * overlaps or touches (a record at exactly its `gap` after the last still joins), which may join these to one another.
 * It is late for good only if it joins none and its own window is past end - 1 + lateness. A session fires when the
 * watermark reaches its end - 1; if a late record makes or changes a session that is past that, it fires at once.
 *
 * Timers are lazy: a record that prolongs a session moves no timer; a timer that finds its session longer than it was
 * moves on to the end. So there is at most one a session and gap, not one a record. No timer comes before the start of its
 * session, so one that comes is for the last session that has started, or for the clean-up of the first ones.
 *
 * Invariants: all that has to survive is in the state and in the watermark, which the engine restores before `open`;
 * nothing else is under way at a barrier (see window-operator.ts). Sessions of a key are ascending, and neither
 * overlap nor touch; those with end - 1 <= watermark have fired, the others have not. For every session there is a
 * timer of its key at or before end - 1 if it has not fired, at end - 1 + lateness if it has.
 */
import type { Inbox } from '../../core/batch.js';
import { LIMITS } from '../../core/limits.js';
import { TIME_MIN } from '../../core/time.js';
import type { TimerTable, ValueTable } from '../../state/backend.js';
import type { Operator, OperatorContext } from '../operator.js';
import { gapOf, type SessionWindows, type Window } from './assigners.js';
import { ResultWriter } from './result-writer.js';
import type { WindowFold } from './window-fold.js';
import { timestampOf, type WindowOptions } from './window-options.js';

/** A session in state: plain data. */
interface Session<Acc> {
  start: number;
  /** The latest `gap` after one of its records. */
  end: number;
  acc: Acc;
}

export class SessionOperator<T, Acc, Out> implements Operator {
  private readonly context: OperatorContext;
  private readonly gapOf: (record: T) => number;
  private readonly lateness: number;
  private readonly fold: WindowFold<T, Acc, Out>;
  private readonly sessions: ValueTable<Session<Acc>[]>;
  private readonly timers: TimerTable;
  private readonly writer: ResultWriter<T, Acc, Out>;
  /** The watermark that has been dealt with. */
  private watermark = TIME_MIN;

  constructor(options: WindowOptions<T, Acc, Out, SessionWindows<T>>) {
    this.context = options.context;
    this.gapOf = gapOf(options.assigner);
    this.lateness = options.latenessMs;
    this.fold = options.fold;
    this.sessions = options.context.state.value('sessions');
    this.timers = options.context.state.timers('event');
    this.writer = new ResultWriter(options.context, options.fold);
  }

  open(): void {
    this.watermark = this.context.watermark;
  }

  process(inbox: Inbox): void {
    if (this.writer.pending && !this.finishRecord(inbox)) return;
    while (!inbox.drained && !this.context.output.full) {
      if (!this.processOne(inbox)) return;
    }
  }

  onWatermark(watermark: number): boolean {
    const { context, writer, timers } = this;
    let left: number = LIMITS.timersPerStep;
    while (left > 0 && writer.resumeFiring() && !context.output.full) {
      const time = timers.earliest;
      const slot = timers.take(watermark);
      if (slot < 0) {
        this.watermark = watermark;
        return true;
      }
      left -= 1;
      this.onTimer(slot, time);
    }
    if (!context.output.full) context.wake();
    return false;
  }

  /** The record at the cursor has fired a session; it is done with once all results are out. */
  private finishRecord(inbox: Inbox): boolean {
    if (!this.writer.resume()) return false;
    inbox.cursor += 1;
    return true;
  }

  /** False: the record is not done with, or there is no room for more. */
  private processOne(inbox: Inbox): boolean {
    const timestamp = timestampOf(inbox) + 0;
    const { batch, cursor } = inbox;
    const slot = batch.slots[cursor] as number;
    const sessions = this.sessions.get(slot) ?? [];
    const record = batch.records[cursor] as T;
    const end = timestamp + this.gapOf(record);
    const last = sessions[sessions.length - 1];
    // Most records prolong the last session.
    if (last && last.start <= timestamp && timestamp <= last.end && last.end - 1 > this.watermark) {
      last.acc = this.fold.add(last.acc, record);
      if (end > last.end) last.end = end;
      this.sessions.set(slot, sessions);
      inbox.cursor += 1;
      return true;
    }
    const alone = { start: timestamp, end };
    const first = firstEndingFrom(sessions, timestamp);
    const joins = first < sessions.length && (sessions[first] as Session<Acc>).start <= alone.end;
    if (!joins && alone.end - 1 + this.lateness <= this.watermark) return this.sendLate(inbox);
    const session = joins
      ? this.join(sessions, first, alone, record, slot)
      : this.begin(sessions, first, alone, record, slot);
    this.sessions.set(slot, sessions);
    if (session.end - 1 <= this.watermark) {
      this.writer.writeLate(session.acc, this.context.state.keyOf(slot), { start: session.start, end: session.end });
    }
    return this.finishRecord(inbox);
  }

  private sendLate(inbox: Inbox): boolean {
    const { batch, cursor } = inbox;
    const late = this.context.side('late');
    late.push(batch.records[cursor], batch.timestamps[cursor] as number);
    inbox.cursor += 1;
    return !late.full;
  }

  /** A session of its own for a record, in its place among the others. */
  private begin(sessions: Session<Acc>[], at: number, alone: Window, record: T, slot: number): Session<Acc> {
    const session = { ...alone, acc: this.fold.add(this.fold.create(), record) };
    sessions.splice(at, 0, session);
    this.setTimer(session, slot);
    return session;
  }

  /** Adds a record to the session at `first`, and joins it with those that it then touches. */
  private join(sessions: Session<Acc>[], first: number, alone: Window, record: T, slot: number): Session<Acc> {
    const session = sessions[first] as Session<Acc>;
    let behind = first + 1;
    while (behind < sessions.length && (sessions[behind] as Session<Acc>).start <= alone.end) behind += 1;
    const joined = behind > first + 1 ? sessions.slice(first, behind) : undefined;
    // The record is folded before anything changes: user functions may throw.
    session.acc = joined ? this.bridge(joined, record) : this.fold.add(session.acc, record);
    const last = joined ? (joined.at(-1) as Session<Acc>) : session;
    // They are ascending: if any of them waits to be fired, the last one does.
    const waits = last.end - 1 > this.watermark;
    session.start = Math.min(session.start, alone.start);
    session.end = Math.max(last.end, alone.end);
    if (joined) sessions.splice(first + 1, joined.length - 1);
    // One that waits has a timer, early enough; one that has fired may have only that of its clean-up.
    if (!waits) this.setTimer(session, slot);
    return session;
  }

  /** What sessions and the record that joins them amount to. */
  private bridge(sessions: readonly Session<Acc>[], record: T): Acc {
    const { fold } = this;
    const alone = fold.add(fold.create(), record);
    // Into the first one's, which may be a long list.
    return fold.merge(
      sessions.map(({ acc }) => acc).reduce((a, b) => fold.merge(a, b)),
      alone,
    );
  }

  private setTimer(session: Session<Acc>, slot: number): void {
    const last = session.end - 1;
    this.timers.add(slot, last > this.watermark ? last : last + this.lateness);
  }

  /** Fires the session that ends now, or sets the timer of the one that goes on, and removes those whose lateness is over. */
  private onTimer(slot: number, time: number): void {
    const { lateness } = this;
    const sessions = this.sessions.get(slot) ?? [];
    const session = sessions[firstEndingFrom(sessions, time + 1)];
    const isOpen = session !== undefined && session.start <= time;
    const ends = isOpen && session.end - 1 === time;
    if (isOpen && !ends) this.timers.add(slot, session.end - 1);
    else if (ends && lateness > 0) this.timers.add(slot, time + lateness);
    // They are ascending, so those that have passed come first.
    let passed = 0;
    while (passed < sessions.length && (sessions[passed] as Session<Acc>).end - 1 + lateness <= time) passed += 1;
    if (passed === sessions.length) this.sessions.remove(slot);
    else if (passed > 0) this.sessions.set(slot, sessions.slice(passed));
    if (ends) this.writer.fire(session.acc, this.context.state.keyOf(slot), { start: session.start, end: session.end });
  }
}

/** Index of the first of ascending sessions that ends at `time` or later. */
function firstEndingFrom<Acc>(sessions: readonly Session<Acc>[], time: number): number {
  let low = 0;
  let high = sessions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sessions[middle] as Session<Acc>).end >= time) high = middle;
    else low = middle + 1;
  }
  return low;
}
