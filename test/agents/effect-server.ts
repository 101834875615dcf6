/**
 * A receiver of agents' acts, over real HTTP: it outlives the processes that call it, and remembers what it was told by which
 * idempotency key. It is slow now and then, so that callers die between being heard and being answered.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Random } from '../../core/random.js';

export type Effect = 'once' | 'idempotent' | 'outbox';

export class EffectServer {
  /** How often each key was told, by effect. */
  readonly told: Readonly<Record<Effect, Map<string, number>>> = {
    once: new Map(),
    idempotent: new Map(),
    outbox: new Map(),
  };
  /** How often each prompt was asked. */
  readonly asked = new Map<string, number>();
  private readonly random: Random;
  private readonly server: Server;

  private constructor(seed: number) {
    this.random = new Random(seed);
    this.server = createServer((request, response) => {
      void bodyOf(request).then((body) => {
        const answer = this.answer(request.method ?? '', request.url ?? '', body);
        setTimeout(() => response.end(JSON.stringify(answer)), this.random.below(4) === 0 ? this.random.below(40) : 0);
      });
    });
  }

  static async start(seed: number): Promise<EffectServer> {
    const made = new EffectServer(seed);
    await new Promise<void>((listening) => made.server.listen(0, '127.0.0.1', listening));
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  private answer(method: string, url: string, body: string): unknown {
    const [, what, key] = url.split('/') as [string, string, string];
    if (what === 'model') {
      this.asked.set(body, (this.asked.get(body) ?? 0) + 1);
      return { text: `answer to ${body}` };
    }
    const told = this.told[what as Effect];
    if (method === 'GET') return { has: told.has(key) };
    told.set(key, (told.get(key) ?? 0) + 1);
    return { ref: key };
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += chunk;
  return body;
}
