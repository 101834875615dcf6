/**
 * The office that pays and writes letters: a small service over HTTP, with a ledger on disk. Whoever tells it something does
 * so under a key of his own; what it is told again under the same key it does not do again, and says so in the ledger.
 *
 *   PUT /payments/<key>   {"claim","iban","cents"}   → {"payment":"PAY-0001"}
 *   PUT /letters/<key>    {"claim","text"}           → {"letter":"LET-0001"}
 *   GET /payments/<key>   → the same, or 404
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';

/** A line of the ledger. */
export interface Entry {
  readonly kind: 'payments' | 'letters';
  readonly key: string;
  /** Of the payment or letter. */
  readonly id: string;
  /** It was told again, and has done nothing. */
  readonly again: boolean;
  readonly body: { readonly claim: string; readonly cents?: number; readonly iban?: string; readonly text?: string };
}

export interface Office {
  readonly url: string;
  stop(): Promise<void>;
}

/** All that an office has been told. */
export function readLedger(path: string): Entry[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Entry);
}

/** A line that was being written when the process was killed was promised to nobody. */
function cutUnfinished(path: string): void {
  if (existsSync(path)) truncateSync(path, readFileSync(path).lastIndexOf('\n') + 1);
}

export async function startOffice(ledger: string, onEntry: (entry: Entry) => void = () => {}): Promise<Office> {
  mkdirSync(dirname(ledger), { recursive: true });
  cutUnfinished(ledger);
  const known = new Map(readLedger(ledger).map((entry) => [`${entry.kind}/${entry.key}`, entry.id]));
  const file = openSync(ledger, 'a');

  /** What it promises is on disk before it says so. */
  function note(entry: Entry): void {
    writeSync(file, `${JSON.stringify(entry)}\n`);
    fsyncSync(file);
    known.set(`${entry.kind}/${entry.key}`, entry.id);
    onEntry(entry);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, kind, key] = (request.url ?? '').split('/') as [string, Entry['kind'], string];
    const before = known.get(`${kind}/${key}`);
    const name = kind === 'payments' ? 'payment' : 'letter';
    if (request.method === 'PUT') {
      const body = JSON.parse(await textOf(request)) as Entry['body'];
      const id =
        known.get(`${kind}/${key}`) ?? `${name.slice(0, 3).toUpperCase()}-${String(known.size + 1).padStart(4, '0')}`;
      note({ kind, key, id, again: known.has(`${kind}/${key}`), body });
      response.end(JSON.stringify({ [name]: id }));
    } else if (before === undefined) response.writeHead(404).end('{}');
    else response.end(JSON.stringify({ [name]: before }));
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.writeHead(400).end(String(error)));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      closeSync(file);
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}
