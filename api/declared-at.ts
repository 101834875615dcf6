/**
 * Finds the user's own line: the first stack frame outside this folder.
 */
const HERE = new URL('.', import.meta.url).href;

/** `file:line:column` of whoever called into the API; undefined where stacks are not to be had. */
export function declaredAt(): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 12;
  const { stack } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  const frames = stack?.split('\n').slice(1) ?? [];
  for (const frame of frames) {
    const place = /\(?((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*:\d+:\d+)\)?$/.exec(frame)?.[1];
    if (place && !place.startsWith(HERE)) return place.replace(/^file:\/\//, '');
  }
  return undefined;
}
