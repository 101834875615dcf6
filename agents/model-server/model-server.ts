/**
 * A model that answers by rules, over real HTTP, as OpenAI's API does: for tests, examples and CI. It belongs to no job, so it
 * has its own clock and sockets.
 */
import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Decided, type ModelScript, RuleBook } from './rules.js';
import { completion, completionChunks, type EmbeddingsBody, embeddings, type WireAnswer } from './wire.js';

/** A request that a model server has had. */
export interface ModelServerRequest {
  readonly path: string;
  readonly body: unknown;
  /** The rule that decided, by its number; -1: none. */
  readonly rule: number;
}

/** Where a model server listens, and what it is told of requests. */
export interface ModelServerOptions {
  /** Default: any free one. */
  readonly port?: number;
  /** Default 127.0.0.1: nobody else can reach it. */
  readonly host?: string;
  readonly onRequest?: (request: ModelServerRequest) => void;
}

const BODY_BYTES_MAX = 64 << 20;
const REQUESTS_KEPT = 10_000;

/**
 * A scripted model. Stop it when you are done.
 *
 * @example
 * const server = await startModelServer({ rules: [{ when: { user: 'refund' }, answer: { json: { refund: true } } }] })
 * const model = openAiCompatible({ model: 'scripted', baseUrl: server.url })
 */
export async function startModelServer(script: ModelScript, options: ModelServerOptions = {}): Promise<ModelServer> {
  const server = new ModelServer(new RuleBook(script), options);
  await server.listen(options);
  return server;
}

/** A running model server. */
export class ModelServer {
  /** The last 10,000 that it has been asked, in order. */
  readonly requests: ModelServerRequest[] = [];
  readonly #rules: RuleBook;
  readonly #options: ModelServerOptions;
  readonly #server: Server;
  readonly #stopped = new AbortController();
  #calls = 0;

  /** @internal */
  constructor(rules: RuleBook, options: ModelServerOptions) {
    this.#rules = rules;
    this.#options = options;
    // One for each answer that takes its time.
    setMaxListeners(0, this.#stopped.signal);
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy());
    });
  }

  /** Of the API: give it to `openAiCompatible` as `baseUrl`. */
  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address.includes(':') ? `[${address}]` : address}:${port}/v1`;
  }

  /** Begins to take requests. @internal */
  listen({ port = 0, host = '127.0.0.1' }: ModelServerOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
  }

  /** Closes all connections. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').replace(/^\/v1/, '').split('?')[0] as string;
    const text = await bodyOf(request);
    if (path === '/models') return send(response, 200, { object: 'list', data: [{ id: 'scripted', object: 'model' }] });
    let body: EmbeddingsBody & { messages?: never[]; stream?: boolean };
    try {
      body = JSON.parse(text);
    } catch {
      return send(response, 400, { error: { message: 'the body is no JSON' } });
    }
    if (path === '/embeddings') return this.#embed(response, path, body);
    if (path !== '/chat/completions') return send(response, 404, { error: { message: `there is no ${path}` } });
    const decided = this.#rules.decide({ model: body.model ?? '', messages: body.messages ?? [] });
    this.#note({ path, body, rule: decided.rule });
    this.#calls += 1;
    const id = `call-${this.#calls}`;
    const wire: WireAnswer = { id, model: body.model ?? 'scripted', asked: text, answer: decided.answer };
    await this.#wait(decided.latencyMs);
    if (decided.fault) return this.#fail(response, decided, wire, body.stream === true);
    if (body.stream) return this.#stream(response, completionChunks(wire), decided.chunkMs);
    return send(response, 200, completion(wire));
  }

  async #embed(response: ServerResponse, path: string, body: EmbeddingsBody): Promise<void> {
    const texts = [body.input ?? []].flat();
    const content = texts.join('\n');
    const asked = { of: 'embeddings', model: body.model ?? '', messages: [{ role: 'user', content }] } as const;
    const decided = this.#rules.decide(asked);
    this.#note({ path, body, rule: decided.rule });
    await this.#wait(decided.latencyMs);
    if (decided.rule >= 0 && decided.fault)
      return this.#fail(response, decided, { id: '', model: asked.model, asked: content, answer: {} }, false);
    return send(response, 200, embeddings(texts, body));
  }

  async #stream(response: ServerResponse, chunks: readonly unknown[], chunkMs: number): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const chunk of chunks) {
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
      await this.#wait(chunkMs);
    }
    response.end('data: [DONE]\n\n');
  }

  /** A stream goes wrong in its middle, an answer in its text. */
  async #fail(response: ServerResponse, { fault, chunkMs }: Decided, wire: WireAnswer, stream: boolean): Promise<void> {
    switch (fault?.kind) {
      case 'status': {
        const { status, retryAfter, message = `a fault: ${status}` } = fault;
        if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter);
        return send(response, status, { error: { message } });
      }
      case 'malformed':
        return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices": [oops');
      case 'truncated': {
        if (!stream) return void response.writeHead(200).end(JSON.stringify(completion(wire)).slice(0, -20));
        const chunks = completionChunks(wire);
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (const chunk of chunks.slice(0, Math.ceil(chunks.length / 2))) {
          response.write(`data: ${JSON.stringify(chunk)}\n\n`);
          await this.#wait(chunkMs);
        }
        return void response.end();
      }
      case 'disconnect':
        return void response.destroy();
      default:
        // Nothing comes until the caller or the server has had enough.
        return;
    }
  }

  async #wait(ms: number): Promise<void> {
    if (ms > 0) await delay(ms, undefined, { signal: this.#stopped.signal });
  }

  #note(request: ModelServerRequest): void {
    this.requests.push(request);
    if (this.requests.length > REQUESTS_KEPT) this.requests.shift();
    this.#options.onRequest?.(request);
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) throw new RangeError('the body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
