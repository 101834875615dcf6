/**
 * What the tests of failures share: how a job failed, the user's line that the error names, and what an output
 * directory shows.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError } from 'millrace';

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly operator: string | undefined;
  readonly key: unknown;
  readonly position: unknown;
  readonly hint: string;
  /** The source text at `declaredAt`, to the end of its line. */
  readonly line: string | undefined;
  readonly cause: string | undefined;
}

/** How `start` failed, whether at once or in the end; throws when it did not, or with something untyped. */
export async function failureOf(start: () => PromiseLike<unknown>): Promise<Failure> {
  try {
    await start();
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    const { code, message, operator, key, position, hint, place, cause } = error;
    const line = place.declaredAt && lineAt(place.declaredAt);
    return { code, message, operator, key, position, hint, line, cause: (cause as Error | undefined)?.message };
  }
  throw new Error('it did not fail');
}

/** The source at `file:line:column`, to the end of the line. */
function lineAt(place: string): string | undefined {
  const [, file, line, column] = /^(.*):(\d+):(\d+)$/.exec(place) as unknown as [string, string, string, string];
  return readFileSync(file, 'utf8')
    .split('\n')
    [Number(line) - 1]?.slice(Number(column) - 1);
}

/** Names of the files that a reader of the directory, or of those below it, finds: temporary names begin with a dot. */
export function visibleFiles(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map(({ name, parentPath }) => join(parentPath, name));
}

/** Records of all NDJSON files below a directory. */
export function readRecords<T = Record<string, unknown>>(directory: string): T[] {
  return visibleFiles(directory).flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T),
  );
}
