/**
 * Archives of runs: NDJSON, as a file sink writes the `runs` of an agent.
 */
import { MillraceError } from '../../core/errors.js';
import type { Storage } from '../../core/host.js';
import type { RunRecord } from '../run-record.js';
import { readJsonLines } from './json-lines.js';

/** All runs of a file or directory. Throws `MILL_FILE_MISSING`, `MILL_FILE_UNREADABLE`. */
export async function* readRuns(storage: Storage, path: string): AsyncGenerator<RunRecord> {
  for await (const { value, position } of readJsonLines(storage, path)) {
    const run = value as Partial<RunRecord> | null;
    if (typeof run?.id !== 'string' || !Array.isArray(run.steps))
      throw new MillraceError('MILL_FILE_UNREADABLE', `${position} is no run of an agent`, { position });
    yield run as RunRecord;
  }
}
