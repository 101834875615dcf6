/** What every run in a process of its own hands back: a line of JSON, and rows in a file if they are asked for. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Answer, answerOf, type Table } from '../nexmark/answers.js';

export function printLine(contestant: string, line: object): void {
  console.log(JSON.stringify({ peer: contestant, ...line }));
}

/** Writes a query's final rows, sorted. */
export async function writeAnswer(directory: string, query: string, table: Table): Promise<Answer> {
  const rows = [...table.rows()].sort();
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, `${query}.ndjson`), rows.map((row) => `${row}\n`).join(''));
  return answerOf(rows);
}
