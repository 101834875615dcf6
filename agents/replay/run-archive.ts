/**
 * Archives of runs: NDJSON, as a file sink writes the `runs` of an agent.
 */
import { MillraceError } from '../../core/errors.js';
import type { Storage } from '../../core/host.js';
import type { RunRecord } from '../run-record.js';

const CHUNK_BYTES = 1 << 20;
const NEWLINE = 0x0a;

/** All runs of a file, or of the files of a directory in order of their names. Throws `MILL_FILE_MISSING`, `MILL_FILE_UNREADABLE`. */
export async function* readRuns(storage: Storage, path: string): AsyncGenerator<RunRecord> {
  const stat = await storage.stat(path);
  if (!stat) throw new MillraceError('MILL_FILE_MISSING', `there are no runs at ${path}`, { position: path });
  if (!stat.directory) return yield* runsOfFile(storage, path);
  for (const { name, directory } of await storage.list(path))
    if (!directory && !name.startsWith('.')) yield* runsOfFile(storage, `${path}/${name}`);
}

async function* runsOfFile(storage: Storage, path: string): AsyncGenerator<RunRecord> {
  let line = 0;
  for await (const text of linesOf(storage, path)) {
    line += 1;
    if (text.trim() !== '') yield parsed(text, `${path}:${line}`);
  }
}

async function* linesOf(storage: Storage, path: string): AsyncGenerator<string> {
  const file = await storage.read(path);
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  try {
    for (let position = 0; ; ) {
      const count = await file.read(chunk, position);
      if (count === 0) break;
      position += count;
      rest = Buffer.concat([rest, chunk.subarray(0, count)]);
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
        yield rest.toString('utf8', 0, end);
        rest = rest.subarray(end + 1);
      }
    }
    if (rest.length > 0) yield rest.toString('utf8');
  } finally {
    await file.close();
  }
}

function parsed(text: string, position: string): RunRecord {
  try {
    const run = JSON.parse(text) as RunRecord;
    if (typeof run.id === 'string' && Array.isArray(run.steps)) return run;
  } catch (cause) {
    throw new MillraceError('MILL_FILE_UNREADABLE', `${position} is no JSON`, { position, cause });
  }
  throw new MillraceError('MILL_FILE_UNREADABLE', `${position} is no run of an agent`, { position });
}
