/**
 * Reads what a job has written as NDJSON, for summaries.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Of a file, or of all files of a directory that are complete: others have a hidden name. */
export function rowsOf<T>(path: string): T[] {
  if (!existsSync(path)) return [];
  const files = path.endsWith('.ndjson')
    ? [path]
    : readdirSync(path)
        .filter((name) => !name.startsWith('.'))
        .map((name) => `${path}/${name}`);
  return files.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as T),
  );
}
