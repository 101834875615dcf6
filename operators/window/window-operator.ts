/**
 * Aligned windows over keyed streams, in event time: those that are the same for every key.
 *
 * A record is added to the accumulator of its key in one slice (slicing.ts). A window fires when the watermark reaches
 * its end - 1, for every key that has something in its slices (window-firing.ts); results are stamped end - 1. With
 * allowed lateness, a late record fires those of its windows again that have fired and are still kept, at once and for
 * its key. A record goes to side output `late` when no window took it and its timestamp + lateness is at or below the
 * watermark (so does one in a gap between windows).
 *
 * Invariants: all that has to survive is in the state's panes, a pane a slice, and in the watermark, which the engine
 * restores before `open`. A barrier finds nothing else: it is handled between controls, once the inbox is drained, and
 * meanwhile neither a firing nor a late record is under way. So their cursors may be fields.
 */
import type { Inbox } from '../../core/batch.js';
import type { Pane, PaneTable } from '../../state/backend.js';
import type { Operator, OperatorContext } from '../operator.js';
import type { AlignedWindows } from './assigners.js';
import { ResultWriter } from './result-writer.js';
import { RunningContents } from './running-contents.js';
import { type Slicing, slicingOf } from './slicing.js';
import { accumulatorOf, GatheredContents, panesBetween, type WindowContents } from './window-contents.js';
import { WindowFiring } from './window-firing.js';
import type { WindowFold } from './window-fold.js';
import { timestampOf, type WindowOptions } from './window-options.js';

/** A slice none of whose windows has fired: adding to it is all there is to do. */
interface OpenSlice<Acc> {
  readonly start: number;
  readonly end: number;
  readonly pane: Pane<Acc>;
}

/** With fewer slices a window, looking each key up in all of them costs less than keeping up their sums. */
const RUNNING_SLICES_MIN = 4;

export class WindowOperator<T, Acc, Out> implements Operator {
  private readonly context: OperatorContext;
  private readonly lateness: number;
  private readonly fold: WindowFold<T, Acc, Out>;
  private readonly slicing: Slicing;
  private readonly panes: PaneTable<Acc>;
  private readonly contents: WindowContents<Acc>;
  private readonly writer: ResultWriter<T, Acc, Out>;
  private readonly firing: WindowFiring<T, Acc, Out>;
  /** The slice that the last record on time was in. */
  private openSlice: OpenSlice<Acc> | null = null;
  /** The next window to fire again for the late record at the cursor, which has been added; null: there is none. */
  private refireEnd: number | null = null;

  constructor(options: WindowOptions<T, Acc, Out, AlignedWindows>) {
    const { context, assigner, latenessMs, fold } = options;
    this.context = context;
    this.lateness = latenessMs;
    this.fold = fold;
    this.slicing = slicingOf(assigner);
    this.panes = context.state.panes('windows');
    this.contents = contentsFor(this.slicing, this.panes, fold);
    this.writer = new ResultWriter(context, fold);
    const { slicing, panes, contents, writer } = this;
    this.firing = new WindowFiring({ context, slicing, latenessMs, panes, contents, writer });
  }

  open(): void | Promise<void> {
    this.firing.fired = this.context.watermark;
    return this.slicing.open?.();
  }

  process(inbox: Inbox): void {
    while (!inbox.drained) {
      if (this.openSlice !== null) addRun(inbox, this.openSlice, this.fold);
      if (inbox.drained || !this.turn(inbox)) return;
    }
  }

  onWatermark(watermark: number): boolean {
    this.openSlice = null;
    return this.firing.advance(watermark);
  }

  /** Opens the slice of the record at the cursor, or deals with the record. False: there is no room for more. */
  private turn(inbox: Inbox): boolean {
    if (this.refireEnd !== null) return this.refire(inbox);
    const { slicing, lateness } = this;
    const { fired } = this.firing;
    const slice = slicing.sliceOf(timestampOf(inbox));
    if (slicing.isGap(slice) || slicing.lastWindowEnd(slice) - 1 + lateness <= fired) return this.skip(inbox);
    if (slicing.firstWindowEnd(slice) - 1 <= fired) return this.addLate(inbox, slice);
    this.openSlice = { start: slice, end: slicing.endOf(slice), pane: this.panes.pane(slice) };
    return true;
  }

  /** No window takes the record. */
  private skip(inbox: Inbox): boolean {
    const { batch, cursor } = inbox;
    const timestamp = batch.timestamps[cursor] as number;
    inbox.cursor += 1;
    if (timestamp + this.lateness > this.firing.fired) return true;
    const late = this.context.side('late');
    const record = batch.records[cursor] as T;
    late.push(this.fold.late ? this.fold.late(record) : record, timestamp);
    return !late.full;
  }

  /** Adds a record to a slice some of whose windows have fired. */
  private addLate(inbox: Inbox, slice: number): boolean {
    const { batch, cursor } = inbox;
    const slot = batch.slots[cursor] as number;
    const pane = this.panes.pane(slice);
    const acc = pane.get(slot);
    pane.set(slot, this.fold.add(acc === undefined ? this.fold.create() : acc, batch.records[cursor] as T));
    this.contents.touch(slot, slice);
    this.refireEnd = this.slicing.windowEndAfter(slice, this.firing.fired + 1 - this.lateness);
    return this.refire(inbox);
  }

  /** Fires windows again for the record at the cursor, which is done with once all have. */
  private refire(inbox: Inbox): boolean {
    const { batch, cursor } = inbox;
    const slice = this.slicing.sliceOf(batch.timestamps[cursor] as number);
    const last = Math.min(this.slicing.lastWindowEnd(slice), this.firing.fired + 1);
    const slot = batch.slots[cursor] as number;
    while (this.writer.resume()) {
      const end = this.refireEnd as number;
      if (end > last) {
        this.refireEnd = null;
        inbox.cursor += 1;
        return true;
      }
      if (this.context.output.full) return false;
      this.refireOne(slot, end);
    }
    return false;
  }

  private refireOne(slot: number, end: number): void {
    const window = { start: this.slicing.startOf(end), end };
    const acc = accumulatorOf(this.fold, panesBetween(this.panes, window.start, end), slot) as Acc;
    // Nothing is left under way if a user function throws: the engine may go on with the next record.
    this.refireEnd = null;
    this.writer.writeLate(acc, this.context.state.keyOf(slot), window);
    this.refireEnd = this.slicing.endAfter(end);
  }
}

function contentsFor<T, Acc, Out>(
  slicing: Slicing,
  panes: PaneTable<Acc>,
  fold: WindowFold<T, Acc, Out>,
): WindowContents<Acc> {
  const running = fold.kind === 'incremental' && slicing.slicesPerWindow >= RUNNING_SLICES_MIN;
  return running ? new RunningContents(panes, fold) : new GatheredContents(panes, fold);
}

/** Adds records from the cursor on, as far as they are in the slice. */
function addRun<T, Acc>(inbox: Inbox, slice: OpenSlice<Acc>, fold: WindowFold<T, Acc, unknown>): void {
  const { timestamps, records, slots, count } = inbox.batch;
  const { start, end, pane } = slice;
  let at = inbox.cursor;
  try {
    for (; at < count; at += 1) {
      const timestamp = timestamps[at] as number;
      // NaN is in no slice.
      if (!(timestamp >= start && timestamp < end)) break;
      const slot = slots[at] as number;
      const acc = pane.get(slot);
      pane.set(slot, fold.add(acc === undefined ? fold.create() : acc, records[at] as T));
    }
  } finally {
    inbox.cursor = at;
  }
}
