/**
 * Answers of steps as they are kept: plain data, errors too.
 */
import { packPlain, unpackPlain } from '../core/codec.js';
import type { Answer } from './run-row.js';

/** A run's reply, or why it is none. */
export function replyOf(value: unknown): { readonly value: unknown } | { readonly error: unknown } {
  try {
    return { value: copyOf(value) };
  } catch (error) {
    return { error };
  }
}

/** Throws what the step threw. */
export function valueOf(answer: Answer): unknown {
  // JSON leaves out a value that is undefined.
  if (!('error' in answer)) return copyOf(answer.value);
  const { name, message, code } = answer.error;
  throw Object.assign(new Error(message), { name }, code === undefined ? {} : { code });
}

export function plainError(error: unknown): {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
} {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message } = error;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? { name, message, code } : { name, message };
}

/** Of plain data; throws `MILL_RECORD_NOT_PLAIN` for what is none. */
export function copyOf<T>(value: T): T {
  return typeof value === 'object' && value !== null ? (unpackPlain(packPlain(value)) as T) : value;
}
