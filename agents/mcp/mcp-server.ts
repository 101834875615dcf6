/**
 * Where MCP servers are to be had.
 */

/** Settings, or what gives them when a connection is made: for secrets. */
export type Given<T> = T | (() => T | Promise<T>);

/** A server that is a program: it is started, and spoken to by its input and output. */
export interface McpProgram {
  readonly command: string;
  readonly args?: readonly string[];
  /** Beside the few variables that are safe to hand on, such as PATH and HOME: it gets no others. */
  readonly env?: Given<Readonly<Record<string, string>>>;
  /** Where it runs; default: where the job does. */
  readonly directory?: string;
}

/** A server that listens: Streamable HTTP. */
export interface McpAddress {
  readonly url: string;
  /** Of every request: `{ authorization: 'Bearer …' }`. */
  readonly headers?: Given<Readonly<Record<string, string>>>;
}

/** An MCP server. */
export type McpServer = McpProgram | McpAddress;

/** For messages. */
export function nameOf(server: McpServer): string {
  if ('url' in server) return new URL(server.url).origin;
  return [server.command, ...(server.args ?? [])].join(' ').slice(0, 200);
}
