/**
 * What a run asks of its surroundings: of the operator, or of a replay.
 */
import type { MillraceError } from '../core/errors.js';
import type { Run } from './run.js';
import type { CallEntry, Deadline, KeyRow, StepKind, StepRow } from './run-row.js';

/** What hosts runs. */
export interface RunHost {
  readonly operator: string;
  /** Processing time, epoch ms. */
  now(): number;
  /** The highest watermark that has passed. */
  readonly watermark: number;
  /** No more inputs, events or decisions will come. */
  readonly inputEnded: boolean;
  /** Changes the row of the run's key. */
  change(run: Run, change: (row: KeyRow) => void): void;
  /** Writes an entry into the call journal, if there is one. */
  note(run: Run, entry: CallEntry): void;
  /** Resolves when all entries so far are durable. */
  durable(): Promise<void>;
  /** Resolves when a completed checkpoint holds all that the run has taken in so far. */
  covered(run: Run): Promise<void>;
  /** How a step ended in the run that this one repeats, though it need not be the same; undefined: it is to be asked. */
  recorded?(run: Run, step: number, asked: Asked): StepRow | undefined;
  /** Has the run's waits looked at again at this time. */
  wakeAt(run: Run, deadline: Deadline): void;
  /** The run has something to put out, or has ended, or begins or ceases to wait. */
  progressed(run: Run): void;
  /** Resolves when the run may spend something on a model. */
  allowed(run: Run): Promise<void>;
  /** How a step has ended is part of the run's row now; `asked`: by this execution, and not as the journal has it. */
  kept(run: Run, row: StepRow, asked: boolean): void;
  /** A step has been made, and is not only answered again. */
  made?(row: StepRow): void;
  /** Tells people of an act in doubt, once. */
  tell(run: Run, step: number, request: unknown): void;
  /** The job can't go on. */
  fail(error: MillraceError): void;
}

/** What a step asks. */
export interface Asked {
  readonly kind: StepKind;
  readonly name: string;
  /** Plain data. */
  readonly request: unknown;
  /** What it does is done to state: so it is for checkpoints to hold, and not for the journal. */
  readonly inState?: boolean;
}
