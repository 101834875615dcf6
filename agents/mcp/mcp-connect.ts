/**
 * How a connection to an MCP server is made. The client is an optional package, loaded here, when something is first asked of a
 * server; so no file of types that users see may name it.
 */
import type { Client, Transport } from '@modelcontextprotocol/client';
import { describeThrown, MillraceError } from '../../core/errors.js';
import { type Given, type McpAddress, type McpProgram, type McpServer, nameOf } from './mcp-server.js';

/** A message may have so many bytes. */
const MESSAGE_BYTES_MAX = 10 << 20;
/** Of what a program has written to its standard error, for the message if it can't be reached. */
const STDERR_CHARS = 1_000;
/** For a program to start, or a server to greet: less than a call has, so that it can say what is wrong. */
const GREETING_MS = 30_000;

export interface Connected {
  readonly client: Client;
  /** Ends the session, and the program. */
  close(): Promise<void>;
}

/** Rejects with `MILL_MCP_FAILED`, and `MILL_PACKAGE_MISSING` without the client's package. */
export async function connect(
  server: McpServer,
  fetch: typeof globalThis.fetch | undefined,
  signal: AbortSignal | undefined,
): Promise<Connected> {
  try {
    // To ask a program which version of the protocol it speaks would take starting it twice.
    return await greet(server, 'url' in server ? 'auto' : 'legacy', fetch, signal);
  } catch (error) {
    const newest = newestVersion(error);
    if (newest === undefined) throw error;
    return greet(server, { pin: newest }, fetch, signal);
  }
}

type Negotiation = 'auto' | 'legacy' | { readonly pin: string };

async function greet(
  server: McpServer,
  mode: Negotiation,
  fetch: typeof globalThis.fetch | undefined,
  signal: AbortSignal | undefined,
): Promise<Connected> {
  const { Client } = await load(() => import('@modelcontextprotocol/client'));
  const client = new Client({ name: 'millrace', version: '1' }, { versionNegotiation: { mode } });
  const said = { text: '' };
  const transport = 'url' in server ? await httpTransport(server, fetch) : await programTransport(server, said);
  try {
    await client.connect(transport, { timeout: GREETING_MS, ...(signal && { signal }) });
  } catch (cause) {
    await transport.close().catch(() => undefined);
    const noise = said.text.trim() === '' ? '' : `; it said: ${said.text.trim()}`;
    const text = `the MCP server ${nameOf(server)} could not be reached: ${describeThrown(cause)}${noise}`;
    throw new MillraceError('MILL_MCP_FAILED', text, { cause });
  }
  return { client, close: () => closed(client, transport) };
}

/** That a server speaks which refuses an older one: it says so. */
function newestVersion(error: unknown): string | undefined {
  const { data } = ((error as Error | undefined)?.cause ?? {}) as { readonly data?: { readonly supported?: unknown } };
  const supported = Array.isArray(data?.supported) ? data.supported : [];
  return supported
    .filter((version) => typeof version === 'string')
    .sort()
    .at(-1);
}

async function programTransport(server: McpProgram, said: { text: string }): Promise<Transport> {
  const { command, args = [], env, directory } = server;
  const { StdioClientTransport } = await load(() => import('@modelcontextprotocol/client/stdio'));
  const transport = new StdioClientTransport({
    command,
    args: [...args],
    env: { ...(await given(env)) },
    stderr: 'pipe',
    maxBufferSize: MESSAGE_BYTES_MAX,
    ...(directory !== undefined && { cwd: directory }),
  });
  transport.stderr?.on('data', (bytes: Uint8Array) => {
    said.text = (said.text + new TextDecoder().decode(bytes)).slice(-STDERR_CHARS);
  });
  return transport;
}

async function httpTransport(
  server: McpAddress,
  fetch: typeof globalThis.fetch | undefined,
): Promise<Transport & { terminateSession?(): Promise<void> }> {
  const { StreamableHTTPClientTransport } = await load(() => import('@modelcontextprotocol/client'));
  return new StreamableHTTPClientTransport(new URL(server.url), {
    requestInit: { headers: { ...(await given(server.headers)) } },
    ...(fetch && { fetch: boundedFetch(fetch) }),
  });
}

/** Answers have an end. The stream of what a server says by itself (a GET) has none. */
function boundedFetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (init?.method !== 'POST' || !response.body) return response;
    let size = 0;
    const counted = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(bytes, controller) {
          size += bytes.length;
          if (size <= MESSAGE_BYTES_MAX) controller.enqueue(bytes);
          else controller.error(new RangeError(`the answer is longer than ${MESSAGE_BYTES_MAX} bytes`));
        },
      }),
    );
    const { status, statusText, headers } = response;
    return new Response(counted, { status, statusText, headers });
  };
}

async function closed(client: Client, transport: Transport & { terminateSession?(): Promise<void> }): Promise<void> {
  // A server that is gone has no session to end.
  await transport.terminateSession?.().catch(() => undefined);
  await client.close().catch(() => undefined);
}

function given<T>(settings: Given<T> | undefined): T | undefined | Promise<T> {
  return typeof settings === 'function' ? (settings as () => T | Promise<T>)() : settings;
}

async function load<T>(imported: () => Promise<T>): Promise<T> {
  try {
    return await imported();
  } catch (cause) {
    throw new MillraceError(
      'MILL_PACKAGE_MISSING',
      'tools of MCP servers need the package @modelcontextprotocol/client',
      {
        hint: 'npm install @modelcontextprotocol/client@2',
        cause,
      },
    );
  }
}
