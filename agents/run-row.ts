/**
 * What is kept of runs: rows of keyed state, and entries of the call journal. Plain data, all of it.
 *
 * A run is a function that is executed again from its beginning after a failure; what it has asked of the outside before is
 * answered from its steps. So the input and the steps, by number, say all there is to say about it.
 */
import { createHash } from 'node:crypto';
import { packPlain } from '../core/codec.js';
import type { Fingerprint } from './fingerprint.js';

/** What a step of a run asks for. */
export type StepKind = 'model' | 'tool' | 'step' | 'wait' | 'guard' | 'clock' | 'random';

/** How a step has ended. */
export type Answer =
  | { readonly value: unknown }
  | { readonly error: { readonly name: string; readonly message: string; readonly code?: string } };

export interface StepRow {
  readonly kind: StepKind;
  readonly name: string;
  readonly request: Fingerprint;
  readonly answer: Answer;
  /** Processing time, epoch ms, at which it began, and how long it took. */
  readonly at: number;
  readonly ms: number;
}

/** Until when a wait goes on. */
export interface Deadline {
  readonly at: number;
  readonly time: 'event' | 'processing';
}

/** A run that has begun. */
export interface RunRow {
  readonly id: string;
  /** Its number among those of its key. */
  readonly number: number;
  /** Of the agent that it began with, and ends with. */
  readonly version: string;
  readonly input: unknown;
  readonly timestamp: number;
  /** Processing time, epoch ms. */
  readonly startedAt: number;
  /** By number; null where a later one was answered first. */
  readonly steps: (StepRow | null)[];
  /** Acts that may have been made, by step: the journal says so too, but no longer than to the next checkpoint. */
  readonly begun: number[];
  /** Sums of the outputs that are out: what goes on side by side may put them out in another order when it is executed again. */
  readonly emitted: number[];
  /** Of the waits that have begun, by step. */
  readonly deadlines: { [step: number]: Deadline };
  /** Acts in doubt about which somebody has been asked, and what has been decided, by step. */
  readonly doubts: { [step: number]: { readonly decision?: unknown } };
}

/** A run that has asked for nothing yet. */
export function newRunRow(of: Pick<RunRow, 'id' | 'number' | 'version' | 'input' | 'timestamp' | 'startedAt'>): RunRow {
  return { ...of, steps: [], begun: [], emitted: [], deadlines: {}, doubts: {} };
}

/** Something that came for a run, and that it has not taken. */
export interface Arrived {
  readonly from: 'events' | 'decisions';
  readonly value: unknown;
  readonly timestamp: number;
}

/** Inputs whose runs have not begun. */
export type Waiting = readonly [input: unknown, timestamp: number, number: number];

/** Of one key. Changed in place, but only between being read from its table and set again. */
export interface KeyRow {
  readonly waiting: Waiting[];
  run: RunRow | null;
  arrived: Arrived[];
  /** What the journal has of its runs that their steps do not. */
  ahead: CallEntry[];
  /** Messages that their receivers may not have yet. */
  outbox: OutboxRow[];
}

export function newKeyRow(): KeyRow {
  return { waiting: [], run: null, arrived: [], ahead: [], outbox: [] };
}

export function isEmpty(row: KeyRow): boolean {
  return isIdle(row) && row.arrived.length === 0 && row.outbox.length === 0;
}

/** It has no run, and no input that will be one. */
export function isIdle({ waiting, run }: KeyRow): boolean {
  return waiting.length === 0 && run === null;
}

/** An entry of the call journal: that an act is about to be made, or how a step has ended. */
export interface CallEntry {
  readonly key: unknown;
  readonly run: string;
  readonly step: number;
  /** Undefined: it was about to be made. */
  readonly row?: StepRow | undefined;
}

/** A message to be sent until its receiver has it. */
export interface OutboxRow {
  readonly tool: string;
  readonly version: string;
  readonly input: unknown;
  readonly idempotencyKey: string;
}

/** The identity of a run: an older savepoint brings numbers back, with other inputs. */
export function runId(operator: string, key: unknown, number: number, input: unknown): string {
  return createHash('sha256')
    .update(packPlain([operator, key, number, input]))
    .digest('hex')
    .slice(0, 24);
}

export function idempotencyKeyOf(run: string, step: number): string {
  return `${run}-${step}`;
}
