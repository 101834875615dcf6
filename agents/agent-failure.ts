/**
 * Letters about runs that have failed.
 */
import { asMillraceError, MillraceError } from '../core/errors.js';
import type { RunRecord } from './run-record.js';

/** A run that has failed: all that is needed to see why, and to try again. */
export interface AgentFailure<I = unknown> {
  readonly input: I;
  readonly key: unknown;
  /** Event time of the input, epoch ms; null if it has none. */
  readonly timestamp: number | null;
  readonly error: { readonly code: string; readonly message: string };
  readonly run: RunRecord<I>;
}

export function failureOf(run: RunRecord, error: unknown): AgentFailure {
  const { input, key, timestamp } = run;
  const { code, message } = asMillraceError(error, 'MILL_AGENT_FAILED');
  return { input, key, timestamp, error: { code, message }, run };
}

/** The job has no agent that could end a run. */
export function missingVersion(version: string, operator: string, key: unknown): MillraceError {
  const text = `a run of version ${version} is open, and the job has that version no more`;
  return new MillraceError('MILL_AGENT_VERSION_MISSING', text, { operator, key });
}
