/**
 * Chooses the operator for a kind of window.
 */
import type { OperatorFactory } from '../operator.js';
import type { WindowAssigner } from './assigners.js';
import { SessionOperator } from './session-operator.js';
import type { WindowFold } from './window-fold.js';
import { WindowOperator } from './window-operator.js';

/** The side output of records that came too late for all of their windows. */
export const LATE = 'late';

// biome-ignore lint/suspicious/noExplicitAny: folds of every record, accumulator and result
export type AnyWindowFold = WindowFold<any, any, any>;

export interface WindowSpec {
  readonly assigner: WindowAssigner;
  readonly latenessMs: number;
  readonly fold: AnyWindowFold;
}

export function windowFactory({ assigner, latenessMs, fold }: WindowSpec): OperatorFactory {
  return (context) =>
    assigner.kind === 'session'
      ? new SessionOperator({ context, assigner, latenessMs, fold })
      : new WindowOperator({ context, assigner, latenessMs, fold });
}
