/** Finds the user's own line in a stack. */
import { fileURLToPath } from 'node:url';

const FRAME = /\(?((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*:\d+:\d+)\)?$/;

/** The package's own folders, compiled and, as stacks have them under source maps, as written. */
const OWN = ['../', '../../'].flatMap((root) =>
  ['api', 'checkpoint', 'cli', 'connectors', 'core', 'engine', 'operators', 'state', 'testing'].map((folder) =>
    fileURLToPath(new URL(`${root}${folder}/`, import.meta.url)),
  ),
);

/** `file:line:column` of the innermost frame that is neither Node's, nor a package's, nor ours. */
export function userFrame(thrown: unknown): string | undefined {
  const stack = thrown instanceof Error && typeof thrown.stack === 'string' ? thrown.stack : '';
  return stack
    .split('\n')
    .map((line) => FRAME.exec(line)?.[1]?.replace(/^file:\/\//, ''))
    .find((place) => place && !place.includes('node_modules') && !OWN.some((folder) => place.startsWith(folder)));
}
