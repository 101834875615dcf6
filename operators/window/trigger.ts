/**
 * When a window fires: what a trigger is, and what it may use. The built-in ones are in triggers.ts.
 *
 * A trigger is plain functions; all that it knows about a key's window is in `context.state`, which is part of checkpoints.
 */
import type { Window } from './assigners.js';

/**
 * What is to happen with a window. `fire`: its result comes out, its contents stay. `purge`: its contents go. Both:
 * `fire-and-purge`. Nothing: `continue`, or undefined.
 */
export type TriggerResult = 'continue' | 'fire' | 'purge' | 'fire-and-purge' | undefined;

/** What a trigger may use: all of it is of one key and window. */
export interface TriggerContext<S> {
  readonly window: Window;
  /** Which time the window is of. */
  readonly time: 'event' | 'processing';
  /** The trigger's own state of the key and window: plain data, undefined at first. */
  state: S | undefined;
  readonly watermark: number;
  /** Processing time, epoch ms. */
  now(): number;
  /** Has `onEventTime` called when the watermark reaches `time`; a time already reached comes with the next watermark. */
  addEventTimer(time: number): void;
  /** Of a time for which none is set: nothing. */
  removeEventTimer(time: number): void;
  /** Has `onProcessingTime` called when the clock reaches `time`. */
  addProcessingTimer(time: number): void;
  /** Of a time for which none is set: nothing. */
  removeProcessingTimer(time: number): void;
}

/**
 * Decides when windows fire. Flink's Trigger. Made by `trigger.…`, or an object of your own.
 *
 * @example
 * const onBigOrder: Trigger<Order, never> = {
 *   name: 'big order',
 *   onRecord: (order) => (order.cents > 100_000 ? 'fire' : 'continue'),
 * }
 */
export interface Trigger<T, S = unknown> {
  /** For plans. */
  readonly name: string;
  /** After a record has been added. `timestamp`: its event time, -Infinity if it has none. */
  onRecord(record: T, timestamp: number, context: TriggerContext<S>): TriggerResult;
  /** The watermark has come to a timer of the window. */
  onEventTime?(time: number, context: TriggerContext<S>): TriggerResult;
  /** The clock has come to a timer of the window. */
  onProcessingTime?(time: number, context: TriggerContext<S>): TriggerResult;
  /**
   * Sessions have merged: `context` is of the one that they are now, without state and timers. `merged`: the states of those
   * that there were, the record's own left out. A trigger without it can't be used for sessions.
   */
  onMerge?(merged: readonly S[], context: TriggerContext<S>): void;
}
