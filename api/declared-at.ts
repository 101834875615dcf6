/**
 * Finds the user's own line: the first stack frame outside this folder and that of agents, which add methods to streams.
 */
import { fileURLToPath } from 'node:url';

/** These folders, compiled and, as stacks have it under `--enable-source-maps`, as written; as URLs and as paths. */
const HERE = ['.', '../agents/', '../../api/', '../../agents/'].flatMap((folder) => {
  const { href } = new URL(folder, import.meta.url);
  return [href, fileURLToPath(href)];
});

/** `file:line:column` of whoever called into the API; undefined where stacks are not to be had. */
export function declaredAt(): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 12;
  const { stack } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  const frames = stack?.split('\n').slice(1) ?? [];
  for (const frame of frames) {
    const place = /\(?((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*:\d+:\d+)\)?$/.exec(frame)?.[1];
    if (place && !HERE.some((folder) => place.startsWith(folder))) return place.replace(/^file:\/\//, '');
  }
  return undefined;
}
