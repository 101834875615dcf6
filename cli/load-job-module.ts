/** Imports a user's job module, TypeScript as it is: by Node itself where it can strip types, by tsx elsewhere. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { asMillraceError, MillraceError } from '../core/errors.js';

/** The namespace of the module at `path`, relative to the working directory. */
export async function loadJobModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  const file = resolve(path);
  if (!existsSync(file)) throw new MillraceError('MILL_FILE_MISSING', `There is no job module ${file}`);
  if (needsCompiler(file)) await registerCompiler();
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    throw asMillraceError(error, 'MILL_JOB_MODULE_FAILED', { position: file });
  }
}

function needsCompiler(file: string): boolean {
  const features: { readonly typescript?: string | false } = process.features as object;
  return /\.[mc]?tsx?$/.test(file) && !features.typescript;
}

async function registerCompiler(): Promise<void> {
  const { register } = await import('tsx/esm/api');
  register();
}
