/**
 * A connection to an MCP server: made when a tool is first called, made anew when it has broken, closed when no agent
 * holds it any more.
 *
 * Invariant: there is one at a time for all who call. What is not known to have been refused is called again only where the
 * tool may be called twice.
 */
import { describeThrown, MillraceError } from '../../core/errors.js';
import type { ToolContext } from '../tool.js';
import { type Connected, connect } from './mcp-connect.js';
import { type McpServer, nameOf } from './mcp-server.js';

export interface McpCall {
  /** As the server names the tool. */
  readonly name: string;
  readonly input: unknown;
  /** What it does may happen twice. */
  readonly repeatable: boolean;
}

interface Connection {
  readonly connected: Promise<Connected>;
  readonly controller: AbortController;
}

/** Two in a row are no accident. */
const ATTEMPTS = 2;

/** Ours, not the client's: see `withTimeout`. Its timers go no further. */
const NEVER_MS = 2 ** 31 - 1;

export class McpConnection {
  readonly #server: McpServer;
  #connection: Connection | undefined;
  #holders = 0;

  constructor(server: McpServer) {
    this.#server = server;
  }

  /** Keeps it open between calls, until what is returned is called. */
  hold(): () => Promise<void> {
    this.#holders += 1;
    return async () => {
      this.#holders -= 1;
      if (this.#holders === 0 && this.#connection) await this.#drop(this.#connection);
    };
  }

  /** What the server has answered. Rejects with `MILL_MCP_FAILED`, `MILL_EFFECT_IN_DOUBT`, or what the server complains of. */
  async call(call: McpCall, context: ToolContext): Promise<unknown> {
    const release = this.hold();
    try {
      context.signal.throwIfAborted();
      return await this.#attempt(call, context, 1);
    } finally {
      await release();
    }
  }

  async #attempt(call: McpCall, context: ToolContext, attempt: number): Promise<unknown> {
    const connection = this.#open(context.fetch);
    const { client } = await untilAborted(connection.connected, context.signal);
    try {
      return await client.callTool(
        {
          name: call.name,
          arguments: call.input as Record<string, unknown>,
          _meta: { 'millrace/idempotencyKey': context.idempotencyKey },
        },
        { signal: context.signal, timeout: NEVER_MS },
      );
    } catch (error) {
      if (context.signal.aborted || !isBroken(error)) throw error;
      await this.#drop(connection);
      const refused = isRefused(error);
      if (attempt < ATTEMPTS && (refused || call.repeatable)) return this.#attempt(call, context, attempt + 1);
      throw this.#failure(error, refused || call.repeatable);
    }
  }

  #open(fetch: typeof globalThis.fetch): Connection {
    if (this.#connection) return this.#connection;
    const controller = new AbortController();
    const connected = connect(this.#server, fetch, controller.signal);
    const connection = { connected, controller };
    this.#connection = connection;
    connected.then(
      ({ client }) => {
        client.onclose = () => this.#forget(connection);
      },
      () => this.#forget(connection),
    );
    return connection;
  }

  #forget(connection: Connection): void {
    if (this.#connection === connection) this.#connection = undefined;
  }

  async #drop(connection: Connection): Promise<void> {
    this.#forget(connection);
    connection.controller.abort();
    const connected = await connection.connected.catch(() => undefined);
    await connected?.close();
  }

  #failure(cause: unknown, isHarmless: boolean): MillraceError {
    const text = `the connection to the MCP server ${nameOf(this.#server)} broke: ${describeThrown(cause)}`;
    if (isHarmless) return new MillraceError('MILL_MCP_FAILED', text, { cause });
    return new MillraceError('MILL_EFFECT_IN_DOUBT', `${text}; what was asked of it may have been done`, { cause });
  }
}

interface ClientError {
  readonly code?: unknown;
  readonly status?: unknown;
  readonly cause?: { readonly code?: unknown };
}

const BROKEN: ReadonlySet<unknown> = new Set(['NOT_CONNECTED', 'CONNECTION_CLOSED', 'SEND_FAILED']);
const UNREACHED: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);

/** It has nothing to do with what was asked. A server that was started anew does not know the session: 404, or for some 400. */
function isBroken(error: unknown): boolean {
  const { code } = (error ?? {}) as ClientError;
  return BROKEN.has(code) || error instanceof TypeError || isForeignSession(error);
}

/** It has not come to the server, or not past its door. */
function isRefused(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as ClientError;
  return code === 'NOT_CONNECTED' || isForeignSession(error) || UNREACHED.has(cause?.code);
}

function isForeignSession(error: unknown): boolean {
  const { status } = (error ?? {}) as ClientError;
  return status === 404 || status === 400;
}

/** Others may wait for it: it goes on. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
