/**
 * The contract between the engine and every operator. The engine knows operators by this file alone.
 *
 * An operator belongs to one subtask and is called by one thread, one call at a time. It reads its inbox and
 * appends to output batches; the engine drains those before it calls again. Back-pressure is a return: an operator
 * that finds its output full, or has to wait for something, returns with work left and is called again later.
 */
import type { Batch, Inbox } from '../core/batch.js';
import type { Host } from '../core/host.js';
import type { Meter } from '../core/meter.js';
import type { KeyedState } from '../state/backend.js';
import type { CallJournal } from './call-journal.js';

export interface OperatorContext {
  /** The operator's uid: its name in the job. */
  readonly uid: string;
  readonly subtask: number;
  readonly parallelism: number;
  readonly host: Host;
  /** Where results go. Stop pushing when `output.full`; one call of a user function may overshoot. */
  readonly output: Batch;
  /** The batch of a side output that the node declares. */
  side(name: string): Batch;
  /** State of the records' keys. Only operators whose node is keyed may touch it. */
  readonly state: KeyedState;
  /** The highest watermark that has arrived. */
  readonly watermark: number;
  /**
   * The watermark that had passed an operator at the checkpoint that this one starts from, if it is the first of its chain;
   * TIME_MIN if it is not, or without a checkpoint.
   */
  restoredWatermark?(uid: string): number;
  /** A checkpoint has begun whose barrier is on its way to this operator. */
  readonly awaitsBarrier: boolean;
  /** Where calls to the outside are noted; undefined: the job takes no checkpoints. */
  readonly calls: CallJournal | undefined;
  /** Asks for a checkpoint ahead of its time: something waits for one. */
  askForCheckpoint(): void;
  /** Has the operator called again soon; callable at any time, from any callback. */
  wake(): void;
  /** Fails the subtask: for errors that arrive outside a call. */
  fail(error: unknown): void;
  /**
   * Gives a record up after an asynchronous failure, as the node's error policy says: throws, drops it, or sends a
   * dead letter.
   */
  reject(error: unknown, record: unknown, timestamp: number): void;
  /** Random number in [0, 1) from the subtask's own generator, whose state is in checkpoints. */
  random(): number;
}

/**
 * Methods that return a boolean return true once they are done. False means "call again": either the output is
 * full, or `wake` will be called when there is more to do.
 */
export interface Operator {
  /** Once, before anything else. State is restored already. */
  open?(): void | Promise<void>;
  /**
   * Works on `inbox` from its cursor and moves the cursor past the records done with; returns when drained, when
   * an output is full or when it has to wait. When a user function throws, the cursor stays on its record.
   */
  process(inbox: Inbox): void;
  /** Event time has advanced to `watermark`; the engine passes it on once this returns true. */
  onWatermark?(watermark: number): boolean;
  /**
   * Only of operators that make watermarks: the watermark after all records processed so far. It replaces those
   * that arrive, except the final one.
   */
  ownWatermark?(): number;
  /** The input falls idle, so that its watermark no longer counts; passed on once this returns true. */
  readyForIdle?(): boolean;
  /** Wall-clock time has reached a timer of this operator's state. */
  onProcessingTime?(now: number): boolean;
  /** The time to live of keyed state has come to `until` in one of the times. */
  onExpiry?(time: 'event' | 'processing', until: number): void;
  /**
   * Records may still come out of it though its input has come to its end, and it may take checkpoints until then: the final
   * watermark and the end stay behind, and barriers overtake them.
   */
  holdsEnd?(): boolean;
  /** No more records will come (after the last watermark, which is TIME_MAX unless the job was stopped). */
  onEnd?(): boolean;
  /** Called when woken with nothing in the inbox: put out what has become ready. */
  onWake?(): void;
  /**
   * Cuts the operator's own state, apart from `context.state`, at a barrier: plain data. What it holds in flight
   * must be part of it, or `readyForBarrier` must have held the barrier back until there was none.
   */
  snapshot?(checkpoint: number, last: boolean): OperatorSnapshot;
  readyForBarrier?(): boolean;
  /** The checkpoint is complete: what waited for it may happen. */
  onCheckpointComplete?(checkpoint: number): void;
  onCheckpointAborted?(checkpoint: number): void;
  /** What it measures of itself, in this subtask; asked only when somebody wants to see it. */
  meters?(): readonly Meter[];
  /** Last call, also after a failure. */
  close?(): void | Promise<void>;
}

export interface OperatorSnapshot {
  /** Small, not keyed; handed to `restore` of some subtask. */
  readonly state?: unknown;
  /** Resolves, with sink handles if any, when all that the snapshot rests on is durable. */
  readonly durable?: Promise<readonly unknown[]>;
}

/** Makes the operator of one subtask. `restored` holds the `state` of every old subtask dealt to this one. */
export type OperatorFactory = (context: OperatorContext, restored: readonly unknown[]) => Operator;
