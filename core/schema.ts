/**
 * Validation at the borders of a job, by any library that speaks Standard Schema (zod, valibot, arktype …).
 *
 * Validation is synchronous: it runs between two records of a batch, where nothing can be awaited.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describeValue, MillraceError } from './errors.js';

export type { StandardSchemaV1 };

/** The type of what a schema lets through. */
export type InferOutput<S extends StandardSchemaV1> = StandardSchemaV1.InferOutput<S>;

const ISSUES_SHOWN_MAX = 5;

/**
 * What `schema` makes of `value`: the same value, or a converted one.
 *
 * Throws `MILL_RECORD_REJECTED`, listing the issues with their paths, when it does not fit, and `MILL_OPTION_INVALID`
 * when the schema is asynchronous. Costs what the library costs, and one call.
 *
 * @example
 * const order = validate(z.object({ id: z.string(), cents: z.coerce.number() }), { id: 'a', cents: '12' })
 */
export function validate<S extends StandardSchemaV1>(schema: S, value: unknown): InferOutput<S> {
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) throw asynchronous(schema, result);
  if (result.issues !== undefined) throw rejected(result.issues, value);
  return result.value as InferOutput<S>;
}

function asynchronous(schema: StandardSchemaV1, result: Promise<unknown>): MillraceError {
  result.catch(() => undefined);
  return new MillraceError(
    'MILL_OPTION_INVALID',
    `the schema (${schema['~standard'].vendor}) validates asynchronously, which a stream of records cannot wait for`,
    {
      hint: 'Leave asynchronous refinements out of the schema; call them in an asynchronous operator behind the source.',
    },
  );
}

function rejected(issues: readonly StandardSchemaV1.Issue[], value: unknown): MillraceError {
  const shown = issues.slice(0, ISSUES_SHOWN_MAX).map(describeIssue).join('; ');
  const more = issues.length > ISSUES_SHOWN_MAX ? `; and ${issues.length - ISSUES_SHOWN_MAX} more` : '';
  return new MillraceError(
    'MILL_RECORD_REJECTED',
    `the record does not fit its schema: ${shown}${more}; it is ${describeValue(value)}`,
  );
}

function describeIssue(issue: StandardSchemaV1.Issue): string {
  const path = (issue.path ?? [])
    .map((segment) => describeSegment(typeof segment === 'object' ? segment.key : segment))
    .join('');
  return path === '' ? issue.message : `${path.replace(/^\./, '')}: ${issue.message}`;
}

function describeSegment(key: PropertyKey): string {
  return typeof key === 'number' ? `[${key}]` : `.${String(key)}`;
}
