/**
 * The schema of answers about several items: the schema of one, inside of a list.
 */
import type { JsonSchema } from '../model/chat-model.js';

/** Where schemas keep those that they refer to, by `#/$defs/…`: from the root on, so these move there. */
const DEFINITIONS = ['$defs', 'definitions'] as const;

export function batchSchema(one: JsonSchema): JsonSchema {
  const { $schema, $id: _, $defs, definitions, ...schema } = one;
  const refersToItself = JSON.stringify(one).includes('"$ref":"#"');
  const moved = Object.fromEntries(
    DEFINITIONS.flatMap((name) => (one[name] === undefined ? [] : [[name, ownReferences(one[name])]])),
  );
  const itself = refersToItself ? { $defs: { ...(moved.$defs as object), answer: ownReferences(schema) } } : {};
  return {
    ...($schema !== undefined && { $schema }),
    type: 'object',
    properties: {
      answers: {
        type: 'array',
        items: {
          type: 'object',
          properties: { item: { type: 'integer' }, answer: refersToItself ? { $ref: '#/$defs/answer' } : schema },
          required: ['item', 'answer'],
          additionalProperties: false,
        },
      },
    },
    required: ['answers'],
    additionalProperties: false,
    ...moved,
    ...itself,
  };
}

/** What referred to the root refers to the answer. */
function ownReferences(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(ownReferences);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [
      name,
      name === '$ref' && value === '#' ? '#/$defs/answer' : ownReferences(value),
    ]),
  );
}
