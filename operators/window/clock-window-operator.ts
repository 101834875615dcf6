/**
 * Tumbling and calendar windows over keyed streams, by the clock: windows of which a record is in one, that is the same for
 * every key.
 *
 * A record is added to the window that it comes in. The window fires once the clock has left it, for every key; results are
 * stamped end - 1. Should the clock go back behind a firing, it is taken to stand still until it is there again. Nothing is late.
 *
 * Invariants: all that has to survive is in the state's panes, a pane a window. A pane is dropped once it has fired, and what
 * is being fired is done before a record is added or a barrier passes: so a pane in a snapshot has not fired at all. Each
 * pane has a timer of one of its keys; a restored one gets a new timer, since its keys may be another subtask's now.
 */
import type { Inbox } from '../../core/batch.js';
import type { Pane, PaneTable, TimerTable } from '../../state/backend.js';
import type { Operator, OperatorContext } from '../operator.js';
import type { CalendarWindows, TumblingWindows } from './assigners.js';
import { ResultWriter } from './result-writer.js';
import { type Slicing, slicingOf } from './slicing.js';
import { GatheredContents } from './window-contents.js';
import { WindowFiring } from './window-firing.js';
import type { WindowFold } from './window-fold.js';
import type { WindowOptions } from './window-options.js';

export type ClockWindows = TumblingWindows | CalendarWindows;

export class ClockWindowOperator<T, Acc, Out> implements Operator {
  private readonly context: OperatorContext;
  private readonly fold: WindowFold<T, Acc, Out>;
  private readonly slicing: Slicing;
  private readonly panes: PaneTable<Acc>;
  private readonly timers: TimerTable;
  private readonly firing: WindowFiring<T, Acc, Out>;
  /** Up to which windows are being fired; undefined: none is. */
  private firingUntil: number | undefined;

  constructor({ context, assigner, latenessMs, fold }: WindowOptions<T, Acc, Out, ClockWindows>) {
    this.context = context;
    this.fold = fold;
    this.slicing = slicingOf(assigner);
    this.panes = context.state.panes('clock-windows');
    this.timers = context.state.timers('processing');
    const { slicing, panes } = this;
    const writer = new ResultWriter(context, fold);
    this.firing = new WindowFiring({
      context,
      slicing,
      latenessMs,
      panes,
      contents: new GatheredContents(panes, fold),
      writer,
    });
  }

  open(): void | Promise<void> {
    const ready = this.slicing.open?.();
    return ready ? ready.then(() => this.setTimers()) : this.setTimers();
  }

  process(inbox: Inbox): void {
    if (inbox.drained || !this.finishFiring()) return;
    // Records of a batch come at one time: asking for each of them is a tenth of what a record costs.
    const start = this.slicing.sliceOf(Math.max(this.context.host.now(), this.firing.fired + 1));
    const pane = this.panes.pane(start);
    if (pane.size === 0) this.timers.add(inbox.batch.slots[inbox.cursor] as number, this.slicing.endOf(start));
    addAll(inbox, pane, this.fold);
  }

  onProcessingTime(now: number): boolean {
    while (this.timers.take(now) >= 0) {
      // Each says only that it is time.
    }
    this.firingUntil = Math.max(now - 1, this.firingUntil ?? now - 1);
    return this.finishFiring();
  }

  readyForBarrier(): boolean {
    return this.finishFiring();
  }

  private setTimers(): void {
    for (const start of this.panes.times()) {
      const pane = this.panes.find(start);
      if (pane !== undefined && pane.size > 0) this.timers.add(pane.slotAt(0), this.slicing.endOf(start));
    }
  }

  private finishFiring(): boolean {
    if (this.firingUntil === undefined) return true;
    if (!this.firing.advance(this.firingUntil)) return false;
    this.firingUntil = undefined;
    return true;
  }
}

function addAll<T, Acc>(inbox: Inbox, pane: Pane<Acc>, fold: WindowFold<T, Acc, unknown>): void {
  const { records, slots, count } = inbox.batch;
  let at = inbox.cursor;
  try {
    for (; at < count; at += 1) {
      const slot = slots[at] as number;
      const acc = pane.get(slot);
      pane.set(slot, fold.add(acc === undefined ? fold.create() : acc, records[at] as T));
    }
  } finally {
    inbox.cursor = at;
  }
}
