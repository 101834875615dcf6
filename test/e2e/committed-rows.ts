/** Reads what a file sink has made visible. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names of visible files, sorted. */
export function committedNames(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => !name.startsWith('.'))
    .sort();
}

/** Rows of all visible files. */
export function committedRows<T>(directory: string): T[] {
  return committedNames(directory).flatMap((name) => {
    const lines = readFileSync(join(directory, name), 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T);
  });
}

/** Files in progress: none are left when a job has ended. */
export function strayNames(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).filter((name) => name.startsWith('.')) : [];
}
