/**
 * Windows that fire when a trigger says so, in event time or processing time, with or without an evictor (Flink's
 * WindowOperator and EvictingWindowOperator).
 *
 * A record is added to each of its windows that is not past its end - 1 + lateness; after each addition the trigger is asked,
 * and so it is when one of its timers comes. A window is removed, fired or not, when the watermark reaches its
 * end - 1 + lateness (in processing time: when the clock reaches end - 1), a global one never.
 *
 * Invariants: all that has to survive is in the state and in the watermark, which the engine restores before `open`. What has
 * fired and is not out yet is in `due`; while there is any, nothing else is started, and the inbox's cursor stays on the
 * record that fired, or the watermark is held: so a snapshot never finds any. A key's windows are ascending.
 */
import type { Inbox } from '../../core/batch.js';
import { asMillraceError } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import { TIME_MIN } from '../../core/time.js';
import type { ValueTable } from '../../state/backend.js';
import type { Operator, OperatorContext } from '../operator.js';
import type { GlobalWindows, TimeWindows, Window } from './assigners.js';
import { type Assigning, assigningOf } from './assigning.js';
import type { Evictor } from './evictors.js';
import { type KeyWindow, KeyWindowContext, newKeyWindow, WindowTimers } from './key-window.js';
import { ResultWriter } from './result-writer.js';
import type { Trigger, TriggerResult } from './trigger.js';
import type { Firing } from './window-fold.js';
import { timestampOf, type WindowOptions } from './window-options.js';
import { type WindowStore, windowStore } from './window-store.js';

type Time = 'event' | 'processing';

export interface TriggeredOptions<T, Acc, Out> extends WindowOptions<T, Acc, Out, TimeWindows<T> | GlobalWindows> {
  readonly time: Time;
  readonly trigger: Trigger<T>;
  readonly evictor: Evictor<T> | undefined;
}

/** A result on its way out. */
interface Due<Acc> {
  readonly acc: Acc;
  readonly key: unknown;
  readonly window: Window;
  readonly time: number;
  readonly firing: Firing;
}

export class TriggeredOperator<T, Acc, Out> implements Operator {
  private readonly context: OperatorContext;
  private readonly inEventTime: boolean;
  private readonly isGlobal: boolean;
  private readonly lateness: number;
  private readonly trigger: Trigger<T>;
  private readonly assigning: Assigning<T>;
  private readonly store: WindowStore<T, Acc>;
  private readonly windows: ValueTable<KeyWindow[]>;
  private readonly timers: Readonly<Record<Time, WindowTimers>>;
  private readonly triggerContext: KeyWindowContext;
  private readonly writer: ResultWriter<T, Acc, Out>;
  private readonly due: Due<Acc>[] = [];
  /** The record at the cursor is in its windows; its results are not all out. */
  private added = false;

  /** Processing time of the records, or the timers, at hand. */
  private clock = TIME_MIN;

  constructor(options: TriggeredOptions<T, Acc, Out>) {
    const { context, assigner, fold } = options;
    this.context = context;
    this.inEventTime = options.time === 'event';
    this.isGlobal = assigner.kind === 'global';
    this.lateness = options.latenessMs;
    this.trigger = options.trigger;
    this.assigning = assigningOf(assigner);
    this.store = windowStore(fold, options.evictor);
    this.windows = context.state.value('triggered-windows');
    this.timers = {
      event: this.timersOf('event', ({ eventTimers }) => eventTimers),
      processing: this.timersOf('processing', ({ processingTimers }) => processingTimers),
    };
    this.triggerContext = new KeyWindowContext(context, options.time, this.timers);
    this.writer = new ResultWriter(context, fold);
  }

  open(): void | Promise<void> {
    return this.assigning.open?.();
  }

  process(inbox: Inbox): void {
    const late = this.context.side('late');
    // Records of a batch come at one time: asking for each of them is a tenth of what a record costs.
    this.clock = this.context.host.now();
    while (!inbox.drained && !late.full) {
      // Left over where a result of the record before has failed, and the job goes on.
      if (!this.added && !this.putOutFired()) return;
      if (!this.added) this.add(inbox);
      this.added = true;
      try {
        if (!this.putOut()) return;
      } catch (error) {
        this.added = false;
        throw error;
      }
      this.added = false;
      inbox.cursor += 1;
    }
  }

  onWatermark(watermark: number): boolean {
    this.clock = this.context.host.now();
    return this.fire('event', watermark);
  }

  onProcessingTime(now: number): boolean {
    this.clock = now;
    return this.fire('processing', now);
  }

  readyForBarrier(): boolean {
    return this.putOutFired();
  }

  // Records

  private add(inbox: Inbox): void {
    const { batch, cursor } = inbox;
    const record = batch.records[cursor] as T;
    const timestamp = batch.timestamps[cursor] as number;
    const slot = batch.slots[cursor] as number;
    const isTaken = this.addToWindows(slot, record, timestamp, this.timeOf(inbox));
    if (!isTaken && this.inEventTime && timestamp + this.lateness <= this.context.watermark)
      this.context.side('late').push(record, timestamp);
  }

  private timeOf(inbox: Inbox): number {
    if (!this.inEventTime) return this.clock;
    return this.isGlobal ? (inbox.batch.timestamps[inbox.cursor] as number) : timestampOf(inbox);
  }

  /** Whether any window took it. */
  private addToWindows(slot: number, record: T, timestamp: number, time: number): boolean {
    const assigned = this.assigning.windowsOf(record, time);
    const windows = this.windows.get(slot) ?? [];
    let isTaken = false;
    let place = 0;
    try {
      for (const each of assigned) {
        place = placeOf(each, windows, place);
        const window = this.windowFor(slot, each, windows, place);
        if (window === undefined) continue;
        isTaken = true;
        this.addTo(window, slot, record, timestamp, windows);
      }
    } finally {
      if (windows.length > 0) this.windows.set(slot, windows);
    }
    return isTaken;
  }

  private addTo(window: KeyWindow, slot: number, record: T, timestamp: number, windows: readonly KeyWindow[]): void {
    this.store.add(window, record, timestamp);
    window.latest = Math.max(window.latest, timestamp);
    const context = this.triggerContext.of(slot, window, windows);
    const firing = this.now >= window.end - 1 ? 'late' : 'early';
    this.act(this.trigger.onRecord(record, timestamp, context), slot, window, firing);
  }

  /** The key's window that the record goes to, at its place among the others; none if it is too late for it. */
  private windowFor(slot: number, assigned: Window, windows: KeyWindow[], place: number): KeyWindow | undefined {
    if (this.assigning.merges) return this.mergedWindow(slot, assigned, windows, place);
    const known = windows[place];
    if (known?.end === assigned.end && known.start === assigned.start) return known;
    return this.begin(slot, assigned, windows, place);
  }

  private begin(slot: number, assigned: Window, windows: KeyWindow[], place: number): KeyWindow | undefined {
    const window = newKeyWindow(assigned);
    const lastTime = this.cleanupTime('event', window);
    if (Number.isFinite(lastTime) && lastTime <= this.context.watermark) return undefined;
    windows.splice(place, 0, window);
    this.addCleanup(slot, window);
    return window;
  }

  /** The session that the record makes with those that it touches. */
  private mergedWindow(slot: number, alone: Window, windows: KeyWindow[], place: number): KeyWindow | undefined {
    const touching = windows.filter(({ start, end }) => start <= alone.end && end >= alone.start);
    const [first] = touching;
    const last = touching.at(-1);
    if (first === undefined || last === undefined) return this.begin(slot, alone, windows, place);
    if (first === last && first.start <= alone.start && first.end >= alone.end) return first;
    const merged = newKeyWindow({ start: Math.min(first.start, alone.start), end: Math.max(last.end, alone.end) });
    merged.latest = Math.max(...touching.map(({ latest }) => latest));
    merged.contents = this.contentsOf(touching);
    windows.splice(windows.indexOf(first), touching.length, merged);
    for (const each of touching) this.release(slot, each, windows);
    this.addCleanup(slot, merged);
    const states = touching.flatMap(({ state }) => (state === undefined ? [] : [state]));
    this.trigger.onMerge?.(states, this.triggerContext.of(slot, merged, windows));
    return merged;
  }

  private contentsOf(windows: readonly KeyWindow[]): KeyWindow['contents'] {
    const [first, ...others] = windows.flatMap(({ contents }) => contents);
    if (windows.every(({ contents }) => contents.length === 0)) return [];
    return [others.reduce((a, b) => this.store.merge(a, b), first)];
  }

  // Timers

  private timersOf(time: Time, of: (window: KeyWindow) => number[]): WindowTimers {
    return new WindowTimers(this.context.state.timers(time), of, (window) => this.cleanupTime(time, window));
  }

  /** How far the windows' time has come. */
  private get now(): number {
    return this.inEventTime ? this.context.watermark : this.clock;
  }

  private cleanupTime(time: Time, { end }: Window): number {
    if (this.isGlobal || (time === 'event') !== this.inEventTime) return Number.POSITIVE_INFINITY;
    return this.inEventTime ? end - 1 + this.lateness : end - 1;
  }

  /** Before any user function is called: should one fail, the window does not stay for good. */
  private addCleanup(slot: number, window: KeyWindow): void {
    this.timers.event.addCleanup(slot, window);
    this.timers.processing.addCleanup(slot, window);
  }

  private fire(kind: Time, until: number): boolean {
    const { context } = this;
    const timers = context.state.timers(kind);
    for (let left: number = LIMITS.timersPerStep; left > 0; left -= 1) {
      if (!this.putOutFired()) return false;
      const time = timers.earliest;
      const slot = timers.take(until);
      if (slot < 0) return true;
      this.onTimer(kind, slot, time);
    }
    context.wake();
    return false;
  }

  private onTimer(kind: Time, slot: number, time: number): void {
    const windows = this.windows.get(slot) ?? [];
    const timers = this.timers[kind];
    for (const window of [...windows]) {
      if (timers.take(window, time)) this.askTrigger(kind, slot, time, window, windows);
      if (timers.isCleanup(window, time)) {
        windows.splice(windows.indexOf(window), 1);
        this.release(slot, window, windows);
      }
    }
    if (windows.length === 0) this.windows.remove(slot);
    else this.windows.set(slot, windows);
  }

  private askTrigger(kind: Time, slot: number, time: number, window: KeyWindow, windows: readonly KeyWindow[]): void {
    const context = this.triggerContext.of(slot, window, windows);
    const { trigger } = this;
    try {
      const result =
        kind === 'event' ? trigger.onEventTime?.(time, context) : trigger.onProcessingTime?.(time, context);
      this.act(result, slot, window, this.firingAt(kind, time, window));
    } catch (error) {
      const key = this.context.state.keyOf(slot);
      this.context.reject(asMillraceError(error, 'MILL_FUNCTION_FAILED', { key }), undefined, time);
    }
  }

  private firingAt(kind: Time, time: number, { end }: Window): Firing {
    const isOwnTime = (kind === 'event') === this.inEventTime;
    if (isOwnTime && time === end - 1) return 'on-time';
    return (isOwnTime ? time : this.now) < end - 1 ? 'early' : 'late';
  }

  /** Removes the timers of a window that is no longer one of its key's. */
  private release(slot: number, window: KeyWindow, windows: readonly KeyWindow[]): void {
    this.timers.event.clear(slot, window, windows);
    this.timers.processing.clear(slot, window, windows);
  }

  // Results

  private act(result: TriggerResult, slot: number, window: KeyWindow, firing: Firing): void {
    if ((result === 'fire' || result === 'fire-and-purge') && window.contents.length > 0) {
      const { start, end, latest } = window;
      const key = this.context.state.keyOf(slot);
      const time = this.isGlobal ? latest : end - 1;
      const acc = this.store.fire(window);
      if (acc !== undefined) this.due.push({ acc, key, window: { start, end }, time, firing });
    }
    if (result === 'purge' || result === 'fire-and-purge') window.contents = [];
  }

  /** True once nothing is due; false: the output is full. */
  private putOut(): boolean {
    const { writer, due, context } = this;
    while (writer.resume()) {
      if (due.length === 0) return true;
      if (context.output.full) return false;
      const { acc, key, window, time, firing } = due.shift() as Due<Acc>;
      writer.firing = firing;
      writer.write(acc, key, window, time);
    }
    return false;
  }

  /** As `putOut`, on account of a timer: an error is the node's to judge, and if it lets it pass, others go on. */
  private putOutFired(): boolean {
    for (;;) {
      try {
        return this.putOut();
      } catch (error) {
        this.context.reject(error, undefined, this.context.watermark);
      }
    }
  }
}

/** Index of the first of the ascending `windows`, from `from` on, that does not come before `window`. */
function placeOf(window: Window, windows: readonly Window[], from: number): number {
  let at = from;
  while (at < windows.length && isBefore(windows[at] as Window, window)) at += 1;
  return at;
}

function isBefore(a: Window, b: Window): boolean {
  return a.end < b.end || (a.end === b.end && a.start < b.start);
}
