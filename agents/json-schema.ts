/**
 * Schemas as models read them: the JSON Schema of whatever speaks Standard JSON Schema (zod from 4.2 on, arktype …).
 */
import { MillraceError } from '../core/errors.js';
import type { StandardSchemaV1 } from '../core/schema.js';
import type { JsonSchema } from './model/chat-model.js';

interface ToJsonSchema {
  input(options: { readonly target: string }): Record<string, unknown>;
}

/** What a value must look like to be taken in. Throws `MILL_OPTION_INVALID` if the schema does not say. */
export function jsonSchemaOf(schema: StandardSchemaV1, what: string): JsonSchema {
  const { jsonSchema, vendor } = schema['~standard'] as StandardSchemaV1['~standard'] & { jsonSchema?: ToJsonSchema };
  try {
    if (jsonSchema) return jsonSchema.input({ target: 'draft-2020-12' });
  } catch (cause) {
    throw new MillraceError('MILL_OPTION_INVALID', `the schema of ${what} (${vendor}) has no JSON Schema`, {
      hint: 'Use what JSON has: texts, numbers, booleans, null, arrays and objects; no dates, bigints, maps or sets.',
      cause,
    });
  }
  throw new MillraceError('MILL_OPTION_INVALID', `the schema of ${what} (${vendor}) has no JSON Schema`, {
    hint: 'Use a library that speaks Standard JSON Schema: zod from 4.2 on, for instance.',
  });
}
