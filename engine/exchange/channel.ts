/**
 * The contract of channels: one producer subtask, one consumer subtask, in order, bounded. Within a worker it is a
 * hand-off (local-channel.ts), between workers a ring of bytes (ring-channel.ts), under another engine whatever that
 * engine offers: nothing here knows of threads.
 */
import type { Batch } from '../../core/batch.js';
import type { Control } from '../../core/control.js';

export interface OutputChannel {
  /**
   * Sends records of `batch` from index `from` on, with their timestamps and key hashes; returns the index of the
   * first one that found no room (`batch.count` when all are sent). The consumer is woken, at the latest by `nudge`.
   * When there was no room the producer is woken once there is some.
   */
  send(batch: Batch, from: number): number;
  /** False when there was no room: nothing was sent; send the same again later. */
  sendControl(control: Control): boolean;
  /** Wakes the consumer if something was sent that it has not been woken for. */
  nudge?(): void;
}

export interface InputChannel {
  /**
   * The next element: a control, or `'records'` when `into` (empty before) now holds records, timestamps and
   * hashes; undefined when there is none. Frees the room that the element took.
   */
  receive(into: Batch): Control | 'records' | undefined;
  /** Whether records arrive with their keys; otherwise only with the keys' hashes. */
  readonly keysTravel?: boolean;
  /** Whether `receive` would give something. */
  readonly ready: boolean;
}

/** Wakes the worker that hosts a subtask. Cheap when it is awake; callable from any thread. */
export interface Doorbell {
  ring(): void;
}
