/**
 * Lines of JSON out of files, as file sinks write them.
 */
import { MillraceError } from '../../core/errors.js';
import type { Storage } from '../../core/host.js';

/** A line, parsed, and where it stands: `runs/0001.ndjson:17`. */
export interface JsonLine {
  readonly value: unknown;
  readonly position: string;
}

const CHUNK_BYTES = 1 << 20;
const NEWLINE = 0x0a;

/**
 * All lines of a file, or of the files of a directory in order of their names; those of hidden ones and empty lines not. Throws
 * `MILL_FILE_MISSING`, `MILL_FILE_UNREADABLE`.
 */
export async function* readJsonLines(storage: Storage, path: string): AsyncGenerator<JsonLine> {
  const stat = await storage.stat(path);
  if (!stat) throw new MillraceError('MILL_FILE_MISSING', `there is nothing at ${path}`, { position: path });
  if (!stat.directory) return yield* linesOfFile(storage, path);
  for (const { name, directory } of await storage.list(path))
    if (!directory && !name.startsWith('.')) yield* linesOfFile(storage, `${path}/${name}`);
}

async function* linesOfFile(storage: Storage, path: string): AsyncGenerator<JsonLine> {
  let line = 0;
  for await (const text of textsOf(storage, path)) {
    line += 1;
    const position = `${path}:${line}`;
    if (text.trim() !== '') yield { value: parsed(text, position), position };
  }
}

async function* textsOf(storage: Storage, path: string): AsyncGenerator<string> {
  const file = await storage.read(path);
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  try {
    for (let position = 0; ; ) {
      const count = await file.read(chunk, position);
      if (count === 0) break;
      position += count;
      rest = Buffer.concat([rest, chunk.subarray(0, count)]);
      let from = 0;
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, from)) {
        yield rest.toString('utf8', from, end);
        from = end + 1;
      }
      rest = rest.subarray(from);
    }
    if (rest.length > 0) yield rest.toString('utf8');
  } finally {
    await file.close();
  }
}

function parsed(text: string, position: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MillraceError('MILL_FILE_UNREADABLE', `${position} is no JSON`, { position, cause });
  }
}
