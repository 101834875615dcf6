/**
 * Directories, made so that they survive a power cut.
 */
import { posix } from 'node:path';
import type { Storage } from '../core/host.js';

/**
 * Makes a directory and its parents, where missing, one by one, and syncs the parent of each before the next. Also of
 * one that is there: a process may have made it and died a moment later.
 */
export async function ensureDirectory(storage: Storage, path: string): Promise<void> {
  const found = await storage.stat(path);
  if (found?.directory === false)
    throw Object.assign(new Error(`ENOTDIR: not a directory '${path}'`), { code: 'ENOTDIR' });
  const parent = posix.dirname(path);
  if (!found) {
    if (parent !== path) await ensureDirectory(storage, parent);
    await storage.makeDirectory(path);
  }
  try {
    await storage.syncDirectory(parent);
  } catch (error) {
    // A directory that may not be opened, but in which one of ours has long been.
    if (!found || !isForbidden(error)) throw error;
  }
}

function isForbidden(error: unknown): boolean {
  return /^(EACCES|EPERM)$/.test(String((error as { code?: unknown } | null)?.code));
}
