/**
 * What is told of a run once it has ended, whole: for archives, replays, comparisons, and letters about what has failed.
 */
import type { Fingerprint } from './fingerprint.js';
import type { Answer, StepKind } from './run-row.js';
import type { Reads } from './staged-state.js';

/** A step of a run. */
export interface StepRecord {
  readonly step: number;
  readonly kind: StepKind;
  /** Of the tool, the model, the event … */
  readonly name: string;
  /** What was asked, whole. */
  readonly request: unknown;
  /** Sums of its parts, which outlive a way through JSON. */
  readonly fingerprint: Fingerprint;
  readonly answer: Answer;
  /** Processing time, epoch ms. */
  readonly at: number;
  readonly ms: number;
}

/** What is kept of a run for the runs after it. */
export interface Remembered {
  readonly input: unknown;
  readonly reply: unknown;
}

/** A run that has ended. Plain data. */
export interface RunRecord<I = unknown> {
  readonly id: string;
  readonly operator: string;
  readonly key: unknown;
  /** Among those of its key. */
  readonly number: number;
  /** Of the agent. */
  readonly version: string;
  readonly input: I;
  /** Event time of the input, epoch ms; null if it has none. */
  readonly timestamp: number | null;
  /** State as the run found it, as far as it has read it. */
  readonly reads: Reads;
  /** What it was shown of the runs before it. */
  readonly recent: readonly Remembered[];
  readonly steps: readonly StepRecord[];
  /** What it has replied; undefined where it failed. */
  readonly reply: unknown;
  /** What it has put out on its way. */
  readonly outputs: readonly { readonly to: string; readonly value: unknown }[];
  readonly outcome: 'replied' | 'failed';
  /** Processing time, epoch ms, at which it began, and how long it took, waiting included. */
  readonly at: number;
  readonly ms: number;
}
