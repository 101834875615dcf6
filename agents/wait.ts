/**
 * What runs wait for: an event, a person or a time.
 */
import type { Arrived, Deadline } from './run-row.js';

/** How a wait has ended. */
export type WaitOutcome = { readonly value: unknown } | { readonly timedOut: true } | { readonly ended: true };

export interface WaitFor {
  readonly from: Arrived['from'] | undefined;
  readonly matches: (value: unknown) => boolean;
  readonly timeoutMs: number | undefined;
  /** Epoch ms; in place of a time-out. */
  readonly untilMs?: number | undefined;
  readonly time: Deadline['time'];
}

/** A wait that has begun. */
export interface Wait {
  readonly id: number;
  readonly from: Arrived['from'] | undefined;
  readonly matches: (value: unknown) => boolean;
  readonly deadline: Deadline | undefined;
  /** Keeps the outcome at once: a barrier may come before the run goes on. */
  settle(outcome: WaitOutcome): void;
  reject(error: unknown): void;
}

/** Until when a wait goes on that begins at `from`; undefined: for ever, or nobody knows. */
export function deadlineFrom({ timeoutMs, untilMs, time }: WaitFor, from: number): Deadline | undefined {
  if (untilMs !== undefined) return { at: untilMs, time };
  return timeoutMs === undefined || !Number.isFinite(from) ? undefined : { at: from + timeoutMs, time };
}
