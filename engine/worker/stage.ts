/**
 * One operator at its place in a chain: feeds it batch by batch, drains what it puts out, takes controls past it,
 * and turns what user code throws into the node's error policy.
 *
 * Invariants: outputs are drained before the operator is called again; a control is handled only once all records
 * before it are, and passed on only once the operator is done with it; processing-time timers fire between records.
 */
import { Batch, Inbox } from '../../core/batch.js';
import type { Control } from '../../core/control.js';
import { asMillraceError, type ErrorPlace, type MillraceError } from '../../core/errors.js';
import { redactThrown } from '../../core/secrets.js';
import { TIME_MAX, TIME_MIN } from '../../core/time.js';
import type { CallJournal } from '../../operators/call-journal.js';
import type { Operator, OperatorContext, OperatorFactory, OperatorSnapshot } from '../../operators/operator.js';
import type { KeyedState, RowWriter, TimerKind } from '../../state/backend.js';
import { EXPIRY_TIMERS } from '../../state/expiry.js';
import type { TtlTime } from '../../state/ttl.js';
import { DEAD_LETTERS, type LogicalNode } from '../graph/nodes.js';
import { deadLetter } from './dead-letter.js';
import type { Downstream } from './downstream.js';
import { drainAll, StageOutput } from './stage-output.js';
import type { OperatorCalls } from './subtask.js';

export interface StageOptions {
  readonly node: LogicalNode;
  readonly factory: OperatorFactory;
  readonly restored: readonly unknown[];
  /** Consumers of the main output, then of each side output in the node's order. */
  readonly consumers: readonly (readonly Downstream[])[];
  readonly batchRecords: number;
  readonly state: KeyedState | undefined;
  readonly context: Pick<OperatorContext, 'subtask' | 'parallelism' | 'host' | 'random' | 'restoredWatermark'>;
  /** The watermark that had passed at the checkpoint it starts from; TIME_MIN without one. */
  readonly watermark: number;
  /** The last checkpoint that is known to have begun. */
  begun(): number;
  /** Where the rows of a checkpoint go; undefined where none are kept. */
  rowWriter(uid: string, checkpoint: number): RowWriter | undefined;
  /** How long the state has been stopped for that, for metrics. */
  sealed(ms: number): void;
  /** The checkpoint that it starts from; 0 without one. */
  readonly cutAt: number;
  readonly calls: OperatorCalls | undefined;
  askForCheckpoint(): void;
  /** Has the subtask stepped soon. */
  wake(): void;
  fail(error: MillraceError): void;
  snapshot(node: LogicalNode, checkpoint: number, snapshot: OperatorSnapshot): void;
  /** The end of input has passed this stage. */
  ended(node: LogicalNode): void;
  /** Where in the input the records at hand stem from, as far as known. */
  position(): unknown;
}

/** Pieces of work in one drain, so that a burst of outputs or timers leaves other chains their turn. */
const WORK_PER_DRAIN = 16;

export class Stage implements Downstream {
  readonly node: LogicalNode;
  readonly operator: Operator;
  readonly state: KeyedState | undefined;
  readonly outputs: readonly StageOutput[];
  recordsIn = 0;
  readonly #options: StageOptions;
  readonly #inbox = new Inbox(new Batch(0));
  /** Ports whose records have keys; none where there is no state for them. */
  readonly #keyedPorts: ReadonlySet<number>;
  /** Ports whose records every subtask has. They fail alike in each, and the first one puts out their dead letters. */
  readonly #broadcastPorts: ReadonlySet<number>;
  #control: Control | undefined;
  /** The final watermark and the end, while the operator holds them; barriers go past them. */
  readonly #heldEnd: Control[] = [];
  #prepared = true;
  #woken = false;
  #watermark: number;
  /** The last checkpoint whose barrier has passed. */
  #cutAt: number;
  /** Rows of the last checkpoint are still to be written. */
  #sealed = false;
  #timerAt = TIME_MAX;
  #cancelTimer: (() => void) | undefined;
  #timerDue = false;

  constructor(options: StageOptions) {
    this.node = options.node;
    this.state = options.state;
    this.#options = options;
    this.#broadcastPorts = broadcastPortsOf(options.node);
    this.#keyedPorts = keyedPortsOf(options.node, options.state);
    this.#watermark = options.watermark;
    this.#cutAt = options.cutAt;
    this.outputs = options.consumers.map((consumers) => new StageOutput(consumers, options.batchRecords));
    this.operator = options.factory(this.#context(), options.restored);
  }

  /** Whether it asks to be drained again, and is not waiting for room. */
  get eager(): boolean {
    return this.#woken && !this.#hasOutput();
  }

  /** Whether draining may get somewhere though nothing new has been offered. */
  get restless(): boolean {
    return this.#woken || this.#hasOutput();
  }

  get watermark(): number {
    return this.#watermark;
  }

  offer(batch: Batch): void {
    this.recordsIn += batch.count;
    this.#inbox.batch = batch;
    this.#inbox.cursor = 0;
    this.#prepared = !this.#keyedPorts.has(this.#inbox.port);
  }

  /** Like `offer`, for a chain's head: the batch's port matters. */
  offerAt(batch: Batch, port: number): void {
    this.#inbox.port = port;
    this.offer(batch);
  }

  offerControl(control: Control): void {
    this.#control = control;
    if (control.kind === 'watermark') this.#watermark = control.time;
  }

  /**
   * A checkpoint has one watermark a chain. One that comes behind an operator with watermarks of its own has not been told
   * that, but what this one said, and says again.
   */
  forgetWatermark(): void {
    this.#watermark = TIME_MIN;
  }

  /**
   * Says again the watermark that had passed at the checkpoint it starts from, for readers in other chains: if this
   * chain's inputs have ended, no other comes.
   */
  repeatWatermark(): void {
    const time = this.#watermark;
    if (time === TIME_MIN || this.operator.ownWatermark) return;
    for (const output of this.outputs) output.offerControl({ kind: 'watermark', time });
    this.wake();
  }

  /** Has it stepped soon though nothing has come. */
  wake(): void {
    this.#woken = true;
    this.#options.wake();
  }

  drain(): boolean {
    // A batch that consumers are at must not grow: the operator is not called before they are done.
    if (!this.#drainOutputs()) return false;
    const woken = this.#woken;
    this.#woken = false;
    if (woken) this.#guard(() => this.operator.onWake?.());
    for (let work = 0; work < WORK_PER_DRAIN; work += 1) {
      if (!this.#drainOutputs()) return false;
      if (!this.#advance()) return this.#idle();
      if (!this.#hasOutput() && !this.#hasWork()) return this.#idle();
    }
    this.wake();
    return false;
  }

  /** Writes some of the rows that the last barrier has sealed; true once none is left. */
  drainSealed(rows: number): boolean {
    if (this.#sealed) this.#sealed = !(this.state as KeyedState).drainSealed(rows);
    return !this.#sealed;
  }

  close(): void | Promise<void> {
    this.#cancelTimer?.();
    return this.operator.close?.();
  }

  /** One piece of work; false when there was none to be done now. */
  #advance(): boolean {
    if (!this.#inbox.drained) return this.#process();
    if (this.#control) return this.#handleControl(this.#control);
    if (this.#heldEnd.length > 0 && !this.operator.holdsEnd?.())
      return this.#handleControl(this.#heldEnd[0] as Control);
    if (this.#timerDue) return this.#fireTimers();
    return false;
  }

  #hasWork(): boolean {
    if (!this.#inbox.drained || this.#control !== undefined || this.#timerDue) return true;
    return this.#heldEnd.length > 0 && !this.operator.holdsEnd?.();
  }

  #idle(): boolean {
    if (this.operator.onProcessingTime) this.#scheduleTimer();
    if (!this.#inbox.drained) return false;
    this.#inbox.release();
    return this.#control === undefined;
  }

  /** True when it got somewhere: records are done with, or something has been put out. */
  #process(): boolean {
    const inbox = this.#inbox;
    if (!this.#prepared) {
      if (!(this.state as KeyedState).prepare(inbox)) return false;
      this.#prepared = true;
    }
    const before = inbox.cursor;
    try {
      this.operator.process(inbox);
    } catch (error) {
      this.#onRecordError(error);
      return true;
    }
    return inbox.cursor > before || this.#hasOutput();
  }

  #handleControl(control: Control): boolean {
    if (!this.#operatorDone(control)) return this.#hasOutput();
    // What the operator has put out on the control's account goes before it.
    if (!this.#drainOutputs()) return true;
    if (this.#heldEnd[0] === control) this.#heldEnd.shift();
    else this.#control = undefined;
    if (isEnd(control) && this.operator.holdsEnd?.()) {
      this.#heldEnd.push(control);
      return true;
    }
    if (control.kind === 'end') this.#options.ended(this.node);
    if (this.#passesOn(control)) for (const output of this.outputs) output.offerControl(control);
    return true;
  }

  #operatorDone(control: Control): boolean {
    const { operator } = this;
    switch (control.kind) {
      case 'watermark':
        return (
          this.#fire('event', control.time, () => operator.onWatermark?.(control.time) ?? true) &&
          this.#expire('event', control.time)
        );
      case 'end':
        if (operator.holdsEnd?.()) return true;
        return this.#guard(() => operator.onEnd?.() ?? true) ?? true;
      case 'barrier':
        return this.#snapshot(control.checkpoint, control.last);
      case 'status':
        return !control.idle || (operator.readyForIdle?.() ?? true);
    }
  }

  #snapshot(checkpoint: number, last: boolean): boolean {
    if (this.operator.readyForBarrier && !this.operator.readyForBarrier()) return false;
    if (this.#hasOutput()) return false;
    this.#cutAt = checkpoint;
    this.#seal(checkpoint);
    this.#options.snapshot(this.node, checkpoint, this.operator.snapshot?.(checkpoint, last) ?? {});
    return true;
  }

  #seal(checkpoint: number): void {
    const writer = this.state && this.#options.rowWriter(this.node.uid, checkpoint);
    if (!this.state || !writer) return;
    // Only after an aborted checkpoint: its rows have not all been written, and go before these.
    while (!this.drainSealed(Number.MAX_SAFE_INTEGER));
    const { host } = this.#options.context;
    const startedAt = host.elapsed();
    this.state.seal(writer, checkpoint);
    this.#options.sealed(host.elapsed() - startedAt);
    this.#sealed = true;
  }

  /** An operator with watermarks of its own replaces those that arrive. */
  #passesOn(control: Control): boolean {
    const own = this.operator.ownWatermark?.();
    if (own === undefined) return true;
    return control.kind !== 'watermark' || control.time === TIME_MAX;
  }

  #drainOutputs(): boolean {
    const drained = drainAll(this.outputs);
    if (drained && this.operator.ownWatermark) return this.#emitOwnWatermark();
    return drained;
  }

  #emitOwnWatermark(): boolean {
    const time = this.operator.ownWatermark?.() ?? TIME_MIN;
    if (time <= (this.outputs[0] as StageOutput).watermark) return true;
    for (const output of this.outputs) output.offerControl({ kind: 'watermark', time });
    return this.#drainOutputs();
  }

  #hasOutput(): boolean {
    for (const output of this.outputs) if (output.pending) return true;
    return false;
  }

  // Processing time

  #scheduleTimer(): void {
    const { state } = this;
    const earliest = state ? Math.min(state.nextTimer('processing'), state.nextTimer('processing-expiry')) : TIME_MAX;
    if (earliest === this.#timerAt) return;
    this.#cancelTimer?.();
    this.#timerAt = earliest;
    this.#cancelTimer = undefined;
    if (earliest === TIME_MAX) return;
    const { host } = this.#options.context;
    this.#cancelTimer = host.timer(Math.max(0, earliest - host.now()), () => {
      this.#timerAt = TIME_MAX;
      this.#timerDue = true;
      this.wake();
    });
  }

  #fireTimers(): boolean {
    const now = this.#options.context.host.now();
    const fired = this.#fire('processing', now, () => this.operator.onProcessingTime?.(now) ?? true);
    const done = fired && this.#expire('processing', now);
    if (done) this.#timerDue = false;
    return done || this.#hasOutput();
  }

  /** Lets timers up to `until` fire; the operator stops where the rows of a timer's key have to be fetched first. */
  #fire(kind: TimerKind, until: number, call: () => boolean): boolean {
    const { state } = this;
    while (state?.prepareTimers(kind, until) ?? true) {
      if (!(this.#guard(call) ?? true)) return false;
      if (!state || state.nextTimer(kind) > until || state.timers(kind).earliest === state.nextTimer(kind)) return true;
    }
    return false;
  }

  /** After the timers, which may still see what ends with them. */
  #expire(time: TtlTime, until: number): boolean {
    const { state, operator } = this;
    const kind = EXPIRY_TIMERS[time];
    if (!state || !operator.onExpiry || state.nextTimer(kind) > until) return true;
    return this.#fire(kind, until, () => {
      operator.onExpiry?.(time, until);
      return true;
    });
  }

  // Errors

  /** Runs what has no record of its own: a timer or a flush. Under `skip` it goes on after an error. */
  #guard<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      this.#giveUp(this.#failure(error, {}), undefined, undefined, TIME_MIN);
      return undefined;
    }
  }

  #onRecordError(error: unknown): void {
    const { batch, cursor, port } = this.#inbox;
    const key = this.#keyedPorts.has(port) ? batch.keys[cursor] : undefined;
    const failure = this.#failure(error, { key, position: this.#options.position() });
    const isCopy = this.#broadcastPorts.has(port) && this.#options.context.subtask > 0;
    if (!isCopy || this.node.onError === 'fail' || failure.kind === 'bug')
      this.#giveUp(failure, batch.records[cursor], key, batch.timestamps[cursor] as number);
    this.#inbox.cursor = cursor + 1;
  }

  #failure(error: unknown, place: ErrorPlace): MillraceError {
    const { uid, declaredAt } = this.node;
    return asMillraceError(redactThrown(error), 'MILL_FUNCTION_FAILED', {
      operator: uid,
      subtask: this.#options.context.subtask,
      declaredAt,
      ...place,
    });
  }

  /** What the node's error policy says: throws, drops the record, or sends a dead letter. */
  #giveUp(failure: MillraceError, record: unknown, key: unknown, timestamp: number): void {
    const { onError, uid } = this.node;
    if (onError === 'fail' || failure.kind === 'bug') throw failure;
    if (onError === 'skip') return;
    const letter = deadLetter(uid, record, failure, {
      ...(key === undefined ? {} : { key }),
      ...(timestamp === TIME_MIN ? {} : { timestamp }),
      ...(failure.position === undefined ? {} : { position: failure.position }),
    });
    this.#side(DEAD_LETTERS).push(letter, timestamp);
  }

  // What the operator sees

  #calls(): CallJournal | undefined {
    const { calls } = this.#options;
    return (
      calls && {
        get restored() {
          return calls.restored;
        },
        note: (key, entry) => calls.note(this.#cutAt, key, entry),
        durable: () => calls.durable(),
      }
    );
  }

  #side(name: string): Batch {
    const index = this.node.sides.indexOf(name);
    return (this.outputs[index + 1] as StageOutput).batch;
  }

  #context(): OperatorContext {
    const stage = this;
    const { context, state } = this.#options;
    return {
      ...context,
      uid: this.node.uid,
      output: (this.outputs[0] as StageOutput).batch,
      state: state as KeyedState,
      side: (name) => stage.#side(name),
      get watermark() {
        return stage.#watermark;
      },
      calls: this.#calls(),
      askForCheckpoint: () => stage.#options.askForCheckpoint(),
      get awaitsBarrier() {
        return stage.#options.begun() > stage.#cutAt;
      },
      wake: () => stage.wake(),
      fail: (error) => stage.#options.fail(stage.#failure(error, {})),
      reject: (error, record, timestamp) => {
        const failure = stage.#failure(error, {});
        stage.#giveUp(failure, record, failure.key, timestamp);
      },
    };
  }
}

/** Nothing comes after it but barriers. */
function isEnd(control: Control): boolean {
  return control.kind === 'end' || (control.kind === 'watermark' && control.time === TIME_MAX);
}

function broadcastPortsOf({ inputs }: LogicalNode): ReadonlySet<number> {
  return new Set(inputs.flatMap(({ port, partition }) => (partition.kind === 'broadcast' ? [port] : [])));
}

function keyedPortsOf(node: LogicalNode, state: KeyedState | undefined): ReadonlySet<number> {
  if (!state) return new Set();
  const broadcast = broadcastPortsOf(node);
  return new Set(node.inputs.flatMap(({ port }) => (broadcast.has(port) ? [] : [port])));
}
