/**
 * Directories that a sink needs, made so that they survive a power cut.
 */
import { posix } from 'node:path';
import type { Storage } from '../../core/host.js';

/** Makes a directory and its parents, where missing, and syncs the parent of each that it made. */
export async function ensureDirectory(storage: Storage, path: string): Promise<void> {
  const found = await storage.stat(path);
  if (found?.directory === true) return;
  if (found !== undefined) throw Object.assign(new Error(`ENOTDIR: not a directory '${path}'`), { code: 'ENOTDIR' });
  const parent = posix.dirname(path);
  if (parent !== path) await ensureDirectory(storage, parent);
  await storage.makeDirectory(path);
  await storage.syncDirectory(parent);
}
