/**
 * Takes over the files of a checkpoint that a job goes on from.
 */
import { MillraceError } from '../../core/errors.js';
import type { Storage } from '../../core/host.js';
import { writeError } from './file-errors.js';
import type { PartHandle } from './part-name.js';

/**
 * Completes a file that was in progress: cut to what the checkpoint has of it, durably. One that a later checkpoint
 * has made visible (the job goes back to an older one) is withdrawn first. Returns the handle of what is to be
 * committed, or undefined for a complete file that is committed already.
 */
export async function takeOver(storage: Storage, handle: PartHandle): Promise<PartHandle | undefined> {
  const temporary = `${handle.directory}/${handle.temporary}`;
  try {
    if (!handle.open) return (await storage.stat(temporary)) === undefined ? undefined : handle;
    await withdraw(storage, handle);
    await cut(storage, temporary, handle.sizeBytes);
    return { ...handle, open: false };
  } catch (thrown) {
    throw writeError(temporary, thrown);
  }
}

async function withdraw(storage: Storage, handle: PartHandle): Promise<void> {
  const temporary = `${handle.directory}/${handle.temporary}`;
  const final = `${handle.directory}/${handle.final}`;
  if ((await storage.stat(temporary)) !== undefined) return;
  if ((await storage.stat(final)) === undefined) throw gone(handle);
  await storage.rename(final, temporary);
  await storage.syncDirectory(handle.directory);
}

async function cut(storage: Storage, path: string, sizeBytes: number): Promise<void> {
  const found = await storage.stat(path);
  if (found === undefined || found.sizeBytes < sizeBytes) throw damaged(path, found?.sizeBytes ?? 0, sizeBytes);
  const file = await storage.write(path, { append: true });
  try {
    await file.truncate(sizeBytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A file that a checkpoint names is neither in progress nor visible. */
export function gone(handle: PartHandle): MillraceError {
  return new MillraceError(
    'MILL_FILE_MISSING',
    `${handle.directory} has neither ${handle.temporary} nor ${handle.final}, which the checkpoint names`,
    {
      position: `${handle.directory}/${handle.final}`,
      hint: 'Bring the file back; where other programs may take files as soon as they are visible, set takenByOthers.',
    },
  );
}

/** A file that a checkpoint names has another size than it had. */
export function damaged(path: string, sizeBytes: number, expectedBytes: number): MillraceError {
  return new MillraceError(
    'MILL_FILE_UNREADABLE',
    `${path} has ${sizeBytes} bytes, the checkpoint ${expectedBytes} of it`,
    {
      position: path,
      hint: 'The file was changed by another program, or the disk has lost synced data: restore it, or go on from an older checkpoint.',
    },
  );
}
