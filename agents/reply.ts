/**
 * Answers of models that are to fit a schema: read, or refused with what is to be told the model.
 */
import { describeValue, MillraceError } from '../core/errors.js';
import { type InferOutput, type StandardSchemaV1, validate } from '../core/schema.js';
import type { ChatAnswer } from './model/chat-model.js';

/** How often one that does not fit may be mended. */
export const REPAIRS = 1;

/** Asks for another one. */
export function repairText(error: MillraceError): string {
  return `That does not fit: ${error.message}. Answer again, with JSON that fits.`;
}

/** What a model's answer is by the schema, or what is wrong with it. */
export function readReply<S extends StandardSchemaV1>(
  schema: S,
  { text, finish }: ChatAnswer,
): { readonly value: InferOutput<S> } | { readonly error: MillraceError } {
  if (finish === 'length') return { error: invalidReply('the answer was cut off at its greatest length') };
  if (finish === 'filter') return { error: invalidReply('the provider has withheld the answer') };
  try {
    return { value: validate(schema, JSON.parse(text)) };
  } catch (error) {
    return { error: invalidReply(error instanceof SyntaxError ? `no JSON: ${describeValue(text)}` : messageOf(error)) };
  }
}

export function invalidReply(text: string, about?: unknown): MillraceError {
  return new MillraceError('MILL_AGENT_OUTPUT_INVALID', text, about === undefined ? {} : { about });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
