/**
 * The head of a source chain: polls the readers of the splits dealt to this subtask, stamps event time, makes
 * watermarks per split, and injects barriers between batches.
 *
 * Invariants: a bounded source's splits are read one after another, an unbounded one's all at once; no watermark
 * leaves while a split of a bounded source is still unopened (its records might be older), unless the source says
 * that its splits are in order of time; positions and barrier are cut at the same point. Splits that are aligned are all
 * read at once, and none that is ahead of `aligned` and the drift it may have.
 */
import { Batch } from '../../core/batch.js';
import { ACTIVE, type Control, END, IDLE } from '../../core/control.js';
import { asMillraceError, type MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import { TIME_MAX, TIME_MIN } from '../../core/time.js';
import type { MalformedRecord, PollStatus, ReaderContext, Source } from '../../operators/source.js';
import type { SourceEventTime } from '../graph/chain.js';
import type { SourceNode } from '../graph/nodes.js';
import { ActiveSplit, type AssignedSplit } from './active-split.js';
import { deadLetter } from './dead-letter.js';
import type { Downstream } from './downstream.js';
import { drainAll, StageOutput } from './stage-output.js';

export interface SourceLoopOptions {
  readonly node: SourceNode;
  readonly eventTime: SourceEventTime | undefined;
  readonly consumers: readonly (readonly Downstream[])[];
  readonly subtask: number;
  readonly host: Host;
  readonly batchRecords: number;
  readonly watermarkMs: number;
  wake(): void;
  fail(error: MillraceError): void;
  snapshot(checkpoint: number, splits: readonly AssignedSplit[]): void;
  /** How far its slowest split has come, where splits are aligned. */
  progressed(watermark: number): void;
  ended(): void;
}

export class SourceLoop {
  readonly outputs: readonly StageOutput[];
  readonly #options: SourceLoopOptions;
  readonly #source: Source<unknown>;
  readonly #context: ReaderContext;
  /** For event time: its failures stem from the records at hand. */
  readonly #stampContext: ReaderContext;
  /** Splits dealt to this subtask and not opened yet. */
  readonly #unopened: AssignedSplit[] = [];
  readonly #active: ActiveSplit[] = [];
  /** Controls to go out, in order, before anything else is read. */
  readonly #due: Control[] = [];
  /** With `emit: 'each'`, records that wait for the watermark before them. */
  readonly #ahead: Batch | undefined;
  #aheadSplit: ActiveSplit | undefined;
  #aheadAt = 0;
  /** A split whose last records are still on their way. */
  #exhausted: ActiveSplit | undefined;
  /** It has been told which splits are its own. Until then it may not call itself idle: they may be the oldest. */
  #assigned = false;
  /** No more splits will be dealt. */
  #final = false;
  #ended = false;
  /** Downstream has more changed state in memory than it can keep. */
  #held = false;
  /** The last barrier has gone out: the job goes on from it another time. */
  #stopped = false;
  #idle = false;
  #turn = 0;
  #watermark = TIME_MIN;
  #watermarkAt = 0;
  /** No split beyond that is read on. */
  #readsUntil: number;
  /** As last told. */
  #progress: number | undefined;
  #progressAt = 0;
  #cancelTick: (() => void) | undefined;
  #cancelWake: (() => void) | undefined;
  #position: unknown;

  constructor(options: SourceLoopOptions) {
    this.#options = options;
    this.#source = options.node.source;
    this.outputs = options.consumers.map((consumers) => new StageOutput(consumers, options.batchRecords));
    this.#readsUntil = options.eventTime?.align ? TIME_MIN : TIME_MAX;
    if (options.eventTime?.emit === 'each') this.#ahead = new Batch(options.batchRecords);
    this.#context = {
      host: options.host,
      subtask: options.subtask,
      wake: () => options.wake(),
      fail: (error) => options.fail(this.#failure(error)),
      malformed: (letter) => this.#malformed(letter),
    };
    this.#stampContext = {
      ...this.#context,
      malformed: (letter) => this.#malformed({ ...letter, position: this.#position }),
    };
  }

  /** Nobody waits for its time. */
  get idle(): boolean {
    return this.#idle || (!this.#options.eventTime && !this.#ended);
  }

  get watermark(): number {
    return this.#watermark;
  }

  /** The range of source positions that the records at hand stem from. */
  get position(): unknown {
    return this.#position;
  }

  assign(splits: readonly AssignedSplit[], final: boolean): void {
    this.#unopened.push(...splits);
    this.#assigned = true;
    this.#final = final;
  }

  /** Cuts the positions and sends the barrier: between batches, because it is called between steps. */
  trigger(checkpoint: number, last: boolean): void {
    this.#due.push({ kind: 'barrier', checkpoint, last });
  }

  hold(held: boolean): void {
    this.#held = held;
  }

  /** So far have the slowest splits come of all that are aligned with these. */
  align(watermark: number): void {
    this.#readsUntil = watermark + (this.#options.eventTime?.align?.maxDriftMs ?? 0);
  }

  /** Stops reading; with `drain`, as if the input had ended here. */
  stop(drain: boolean): void {
    if (this.#ended) return;
    for (const split of this.#active.splice(0)) void split.close();
    this.#unopened.length = 0;
    this.#ahead?.clear();
    this.#end(drain);
  }

  /** One batch; false when there was nothing to do or no room downstream. */
  step(): boolean {
    if (!drainAll(this.outputs)) return false;
    const control = this.#nextControl();
    if (control) return this.#send(control);
    if (this.#ended || this.#stopped || (this.#held && !this.#aheadPending)) return false;
    if (this.#exhausted && !this.#aheadPending) this.#retire(this.#exhausted);
    this.#openSplits();
    if (this.#active.length === 0) return this.#withoutSplits();
    return this.#ahead ? this.#stepEach(this.#ahead) : this.#stepBatch();
  }

  /**
   * A barrier waits for the records that have been read ahead of it, since positions count them as given out; their
   * watermarks go before it with them.
   */
  #nextControl(): Control | undefined {
    if (!this.#aheadPending) return this.#due.shift();
    const at = this.#due.findIndex(({ kind }) => kind !== 'barrier');
    return at < 0 ? undefined : this.#due.splice(at, 1)[0];
  }

  get #aheadPending(): boolean {
    return this.#ahead !== undefined && this.#aheadAt < this.#ahead.count;
  }

  async close(): Promise<void> {
    this.#cancelTick?.();
    this.#cancelWake?.();
    await Promise.all(this.#active.map((split) => split.close()));
  }

  #send(control: Control): boolean {
    if (control.kind === 'barrier') {
      this.#options.snapshot(control.checkpoint, this.#splits());
      this.#stopped ||= control.last;
    }
    for (const output of this.outputs) output.offerControl(control);
    if (control.kind === 'end') this.#options.ended();
    drainAll(this.outputs);
    return true;
  }

  #splits(): AssignedSplit[] {
    return [...this.#active.map((split) => split.snapshot()), ...this.#unopened];
  }

  /** A split that is read from now on holds event time back from now on, though nothing has come of it yet. */
  #openSplits(): void {
    const { bounded } = this.#source;
    const { eventTime, host } = this.#options;
    const together = !bounded || eventTime?.align !== undefined;
    if (this.#unopened.length > 0) this.#setIdle(false);
    while (this.#unopened.length > 0 && (together || this.#active.length === 0)) {
      const assigned = this.#unopened.shift() as AssignedSplit;
      const split = new ActiveSplit(assigned, this.#source, this.#context, eventTime, host);
      if (split.isPeriodic) this.#tickLater();
      this.#active.push(split);
    }
  }

  /** Watermarks that depend on the clock are asked for though nothing comes. */
  #tickLater(): void {
    const { host, watermarkMs, wake, fail } = this.#options;
    this.#cancelTick ??= host.timer(watermarkMs, () => {
      this.#cancelTick = undefined;
      try {
        for (const split of this.#active) split.tick();
      } catch (error) {
        return fail(this.#failure(error));
      }
      if (this.#active.length > 0) this.#tickLater();
      wake();
    });
  }

  #withoutSplits(): boolean {
    if (this.#assigned) this.#tellProgress(TIME_MAX);
    if (this.#final) {
      this.#end(true);
      return true;
    }
    return this.#assigned && this.#setIdle(!this.#source.bounded);
  }

  #end(drain: boolean): void {
    this.#ended = true;
    if (this.#idle) this.#due.push(ACTIVE);
    if (drain) {
      this.#watermark = TIME_MAX;
      this.#due.push({ kind: 'watermark', time: TIME_MAX });
    }
    this.#due.push(END);
    this.#options.wake();
  }

  #stepBatch(): boolean {
    const output = this.outputs[0] as StageOutput;
    const split = this.#poll(output.batch);
    if (split) split.stamp(output.batch, 0, output.batch.count, this.#stampContext);
    const sent = output.batch.count > 0;
    if (sent) this.#setIdle(false);
    drainAll(this.outputs);
    return this.#emitWatermark(!sent) || sent || this.#exhausted !== undefined;
  }

  /** A watermark after each record that raises it: exact lateness at the price of small batches. */
  #stepEach(ahead: Batch): boolean {
    if (this.#aheadAt >= ahead.count) {
      ahead.clear();
      this.#aheadAt = 0;
      this.#aheadSplit = this.#poll(ahead);
      if (ahead.count > 0) this.#setIdle(false);
    }
    const before = this.#aheadAt;
    if (this.#aheadSplit) this.#moveUntilWatermark(ahead, this.#aheadSplit);
    drainAll(this.outputs);
    return this.#emitWatermark(true) || this.#aheadAt > before || this.#exhausted !== undefined;
  }

  #moveUntilWatermark(ahead: Batch, split: ActiveSplit): void {
    const { batch } = this.outputs[0] as StageOutput;
    const before = split.watermark;
    while (this.#aheadAt < ahead.count && split.watermark === before) {
      batch.push(ahead.records[this.#aheadAt], ahead.timestamps[this.#aheadAt] as number);
      this.#aheadAt += 1;
      split.stamp(batch, batch.count - 1, batch.count, this.#stampContext);
    }
  }

  /** Fills the batch from the next split that has something; undefined when none has. */
  #poll(batch: Batch): ActiveSplit | undefined {
    for (let step = 0; step < this.#active.length; step += 1) {
      this.#turn = (this.#turn + 1) % this.#active.length;
      const split = this.#active[this.#turn] as ActiveSplit;
      if (split.watermark > this.#readsUntil) {
        split.heldBack();
        continue;
      }
      const from = split.position;
      const status = this.#pollSplit(split, batch);
      this.#position = { split: split.id, from, to: split.position };
      if (status === 'end') this.#exhausted = split;
      else split.watchIdleness(status === 'wait' && batch.count === 0, () => this.#options.wake());
      if (batch.count > 0 || status === 'end') return split;
    }
    return undefined;
  }

  /** What user code throws in a source is the source's. */
  #pollSplit(split: ActiveSplit, batch: Batch): PollStatus {
    try {
      return split.poll(batch);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #retire(split: ActiveSplit): void {
    this.#exhausted = undefined;
    this.#active.splice(this.#active.indexOf(split), 1);
    this.#turn = 0;
    void split.close();
  }

  #setIdle(idle: boolean): boolean {
    if (this.#idle === idle) return false;
    this.#idle = idle;
    const control = idle ? IDLE : ACTIVE;
    for (const output of this.outputs) output.offerStatus(control);
    return true;
  }

  /** Sends the splits' combined watermark when it has risen, not more often than needed; true when something was sent. */
  #emitWatermark(now: boolean): boolean {
    if (!this.#options.eventTime || this.#active.length === 0) return false;
    const counted = this.#active.filter((split) => !split.idle);
    if (counted.length === 0) {
      this.#tellProgress(TIME_MAX);
      return this.#setIdle(true);
    }
    if (this.#unopened.length > 0 && !this.#source.inTimeOrder) return false;
    const time = this.#slowest(counted);
    this.#tellProgress(time);
    if (time <= this.#watermark) return false;
    const elapsed = this.#options.host.elapsed();
    if (!now && elapsed - this.#watermarkAt < this.#options.watermarkMs) return false;
    this.#watermarkAt = elapsed;
    this.#watermark = time;
    this.#due.push({ kind: 'watermark', time });
    return true;
  }

  #slowest(splits: readonly ActiveSplit[]): number {
    let time = TIME_MAX;
    for (const split of splits) time = Math.min(time, split.watermark);
    return time;
  }

  /** To whoever aligns it with others: not more often than needed, unless it waits for them. */
  #tellProgress(time: number): void {
    const { eventTime, host, watermarkMs, progressed } = this.#options;
    if (!eventTime?.align || time === this.#progress) return;
    const elapsed = host.elapsed();
    const waits = this.#active.every((split) => split.watermark > this.#readsUntil);
    const early = this.#progressAt + watermarkMs - elapsed;
    if (!waits && this.#progress !== undefined && early > 0) return this.#wakeIn(early);
    this.#progressAt = elapsed;
    this.#progress = time;
    progressed(time);
  }

  #wakeIn(ms: number): void {
    this.#cancelWake ??= this.#options.host.timer(ms, () => {
      this.#cancelWake = undefined;
      this.#options.wake();
    });
  }

  #malformed(letter: MalformedRecord): void {
    const { node } = this.#options;
    const failure = asMillraceError(letter.error, 'MILL_RECORD_MALFORMED', this.#place(letter.position));
    if (node.onError === 'fail') throw failure;
    if (node.onError === 'skip') return;
    const dead = deadLetter(node.uid, letter.raw, failure, { position: letter.position });
    (this.outputs[1] as StageOutput).batch.push(dead, TIME_MIN);
  }

  #failure(error: unknown): MillraceError {
    return asMillraceError(error, 'MILL_SOURCE_FAILED', this.#place(undefined));
  }

  #place(position: unknown): { operator: string; subtask: number; declaredAt: string | undefined; position: unknown } {
    const { node, subtask } = this.#options;
    return { operator: node.uid, subtask, declaredAt: node.declaredAt, position };
  }
}
