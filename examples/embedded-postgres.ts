/**
 * A Postgres for examples that needs no installation: PGlite, which is Postgres compiled to WebAssembly, behind the wire
 * protocol, so that any client reaches it from any thread or process by a URL, as it would any other Postgres.
 *
 * PGlite has one session. What a connection sends up to its next Sync is executed in one go; a transaction has the session
 * until it ends.
 */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { PGlite } from '@electric-sql/pglite';

export interface EmbeddedPostgres {
  /** `postgres://…`, for clients. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts one: in memory, or in a directory. A directory that another process has already started one in is that one's: both
 * use it, until it stops.
 */
export async function startPostgres(directory?: string): Promise<EmbeddedPostgres> {
  const place = directory === undefined ? undefined : `${directory}.url`;
  const running = place && (await reachable(place));
  if (running) return { url: running, async stop() {} };
  if (directory !== undefined) mkdirSync(dirname(directory), { recursive: true });
  const database = await PGlite.create(directory === undefined ? {} : { dataDir: directory });
  const session = new Session(database);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    void new Connection(socket, session).serve();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `postgres://postgres@127.0.0.1:${(server.address() as AddressInfo).port}/postgres`;
  if (place) writeFileSync(place, url);
  return {
    url,
    async stop() {
      if (place) rmSync(place, { force: true });
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
      await database.close();
    },
  };
}

/** The URL in a file, if somebody answers there: its process may have been killed. */
async function reachable(place: string): Promise<string | undefined> {
  if (!existsSync(place)) return undefined;
  const url = readFileSync(place, 'utf8');
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
      socket.destroy();
      resolve(url);
    });
    socket.on('error', () => resolve(undefined));
  });
}

/** Of the database: one connection at a time has it. */
class Session {
  #last: Promise<void> = Promise.resolve();

  constructor(readonly database: PGlite) {}

  /** Resolves when it is free, with what frees it again. */
  async take(): Promise<() => void> {
    const before = this.#last;
    let free = (): void => {};
    this.#last = new Promise((resolve) => {
      free = resolve;
    });
    await before;
    return free;
  }
}

const STARTUP = 196_608;
const IDLE = 'I'.charCodeAt(0);

/** Types of messages, as in Postgres's documentation, chapter "Frontend/Backend Protocol". */
const [QUERY, SYNC, TERMINATE] = ['Q', 'S', 'X'].map((letter) => letter.charCodeAt(0));

class Connection {
  #bytes = Buffer.alloc(0);
  /** It has the session. */
  #free: (() => void) | undefined;

  constructor(
    readonly socket: Socket,
    readonly session: Session,
  ) {}

  async serve(): Promise<void> {
    try {
      const incoming = this.socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
      await this.#greet(incoming);
      for (let lot = await this.#lot(incoming); lot; lot = await this.#lot(incoming)) await this.#execute(lot);
    } catch {
      // The client has gone, in the middle of a message.
    } finally {
      if (this.#free) await this.session.database.exec('ROLLBACK').catch(() => {});
      this.#free?.();
      this.socket.destroy();
    }
  }

  /** Everyone may come in, without encryption: the server can be reached from this machine only. */
  async #greet(incoming: AsyncIterator<Buffer>): Promise<void> {
    for (;;) {
      const message = await this.#next(incoming, 0);
      if (!message) return;
      if (message.readInt32BE(4) === STARTUP) break;
      this.socket.write('N');
    }
    const settings = {
      server_version: '17.5',
      server_encoding: 'UTF8',
      client_encoding: 'UTF8',
      DateStyle: 'ISO, MDY',
    };
    const told = Object.entries(settings).map((pair) => messageOf('S', `${pair.join('\0')}\0`));
    this.socket.write(Buffer.concat([messageOf('R', '\0\0\0\0'), ...told, messageOf('Z', 'I')]));
  }

  /** The messages up to one that wants an answer. */
  async #lot(incoming: AsyncIterator<Buffer>): Promise<Buffer[] | undefined> {
    const messages: Buffer[] = [];
    for (;;) {
      const message = await this.#next(incoming, 1);
      if (!message || message[0] === TERMINATE) return undefined;
      messages.push(message);
      if (message[0] === SYNC || message[0] === QUERY) return messages;
    }
  }

  async #execute(messages: readonly Buffer[]): Promise<void> {
    this.#free ??= await this.session.take();
    const answers: Uint8Array[] = [];
    for (const message of messages) answers.push(await this.session.database.execProtocolRaw(message));
    const answer = Buffer.concat(answers);
    // The last message is ReadyForQuery, and its last byte says whether a transaction is open.
    if (answer.at(-1) === IDLE) {
      this.#free();
      this.#free = undefined;
    }
    this.socket.write(answer);
  }

  /** A message begins with so many bytes for its type, then has its length. */
  async #next(incoming: AsyncIterator<Buffer>, typeBytes: number): Promise<Buffer | undefined> {
    for (;;) {
      const length =
        this.#bytes.length < typeBytes + 4 ? Number.POSITIVE_INFINITY : typeBytes + this.#bytes.readInt32BE(typeBytes);
      if (this.#bytes.length >= length) {
        const message = this.#bytes.subarray(0, length);
        this.#bytes = this.#bytes.subarray(length);
        return message;
      }
      const { value, done } = await incoming.next();
      if (done) return undefined;
      this.#bytes = Buffer.concat([this.#bytes, value as Buffer]);
    }
  }
}

function messageOf(type: string, body: string): Buffer {
  const message = Buffer.from(`${type}\0\0\0\0${body}`, 'latin1');
  message.writeInt32BE(message.length - 1, 1);
  return message;
}
