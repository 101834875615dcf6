/**
 * A small HTTP server for the services of the example: routes by method and path, JSON in and out.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  /** What stands for each `:name` of the route. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

/** Routes by `GET /plans/:key`; what a handler returns is answered as JSON, what it throws as an error. */
export type Routes = Readonly<Record<string, (asked: Asked) => unknown>>;

/** Thrown by a handler: answered with this status. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export interface HttpService {
  readonly url: string;
  stop(): Promise<void>;
}

export async function serve(routes: Routes): Promise<HttpService> {
  const server = createServer(async (request, response) => {
    const { status, body } = await answer(routes, request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function answer(routes: Routes, request: IncomingMessage): Promise<{ status: number; body: unknown }> {
  try {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://localhost');
    for (const [route, handle] of Object.entries(routes)) {
      const path = pathOf(route, `${request.method} ${pathname}`);
      if (path) return { status: 200, body: (await handle({ path, query, body: await bodyOf(request) })) ?? null };
    }
    return { status: 404, body: { error: `there is no ${request.method} ${pathname}` } };
  } catch (error) {
    return { status: error instanceof HttpError ? error.status : 500, body: { error: (error as Error).message } };
  }
}

function pathOf(route: string, asked: string): Record<string, string> | undefined {
  const [names, parts] = [route.split('/'), asked.split('/')];
  if (names.length !== parts.length) return undefined;
  const path: Record<string, string> = {};
  for (const [at, name] of names.entries()) {
    if (name.startsWith(':')) path[name.slice(1)] = decodeURIComponent(parts[at] as string);
    else if (name !== parts[at]) return undefined;
  }
  return path;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text === '' ? undefined : JSON.parse(text);
}

/** The JSON of an answer. Throws what the service says is wrong. */
export async function jsonOf<T>(answer: Promise<Response>): Promise<T> {
  const response = await answer;
  const body = (await response.json()) as T & { error?: string };
  if (!response.ok) throw new Error(body.error ?? `status ${response.status}`);
  return body;
}
