/**
 * A JSON Schema that is given, as a schema like any other: of tools that servers describe, or written by hand. It is
 * interpreted, never compiled: it may come from outside.
 */
import { Validator } from '@cfworker/json-schema';
import { describeValue, MillraceError } from '../core/errors.js';
import type { StandardSchemaV1 } from '../core/schema.js';
import type { JsonSchema } from './model/chat-model.js';

type Draft = '4' | '7' | '2019-09' | '2020-12';

/** As servers and tools say it in `$schema`; without it they mean the newest. */
const DRAFTS: readonly [mark: string, draft: Draft][] = [
  ['draft-04', '4'],
  ['draft-06', '7'],
  ['draft-07', '7'],
  ['2019-09', '2019-09'],
];

/** These say no more than that something inside of them does not fit. */
const OUTER: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  'additionalProperties',
  'items',
  'prefixItems',
  '$ref',
  'allOf',
]);

/**
 * A schema from its JSON Schema, for tools, replies and `infer`. `T` is what fits it: it is taken at its word. Nothing is
 * converted and no default filled in. Throws `MILL_OPTION_INVALID` for what is no schema.
 *
 * @example
 * const order = jsonSchema<{ order: string }>({
 *   type: 'object',
 *   properties: { order: { type: 'string' } },
 *   required: ['order'],
 * })
 */
export function jsonSchema<T = unknown>(schema: JsonSchema): StandardSchemaV1<T, T> {
  const validator = validatorOf(schema);
  const validate = (value: unknown): StandardSchemaV1.Result<T> => {
    const issues = issuesOf(validator, value);
    return issues ? { issues } : { value: value as T };
  };
  const input = (): JsonSchema => schema;
  const standard = { version: 1, vendor: 'millrace', validate, jsonSchema: { input, output: input } } as const;
  return { '~standard': standard };
}

function validatorOf(schema: JsonSchema): Validator {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
    throw new MillraceError('MILL_OPTION_INVALID', `${describeValue(schema)} is no JSON Schema`);
  const said = typeof schema.$schema === 'string' ? schema.$schema : '';
  const draft = DRAFTS.find(([mark]) => said.includes(mark))?.[1] ?? '2020-12';
  try {
    return new Validator(schema as never, draft, false);
  } catch (cause) {
    throw new MillraceError('MILL_OPTION_INVALID', `${describeValue(schema)} is no JSON Schema`, { cause });
  }
}

function issuesOf(validator: Validator, value: unknown): readonly StandardSchemaV1.Issue[] | undefined {
  try {
    // What JSON would leave out is not there.
    const { valid, errors } = validator.validate(withoutUndefined(value));
    if (valid) return undefined;
    const inner = errors.filter(({ keyword }) => !OUTER.has(keyword) && keyword !== 'false');
    const told = inner.length > 0 ? inner : errors;
    return told.map(({ instanceLocation, error }) => ({ message: error, path: pathOf(instanceLocation) }));
  } catch (error) {
    return [{ message: `the schema can't be applied: ${error instanceof Error ? error.message : String(error)}` }];
  }
}

/** `#/items/0` → items, 0. */
function pathOf(location: string): (string | number)[] {
  const segments = location.split('/').slice(1);
  return segments.map((segment) => {
    const name = decodeURIComponent(segment).replaceAll('~1', '/').replaceAll('~0', '~');
    return /^\d+$/.test(name) ? Number(name) : name;
  });
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutUndefined(field)]));
}
