/** `millrace model-server`: a scripted model over HTTP. */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { startModelServer } from '../agents/model-server/model-server.js';
import type { ModelScript } from '../agents/model-server/rules.js';
import { MillraceError } from '../core/errors.js';
import { guarded } from './guarded.js';

interface ModelServerFlags {
  readonly port: number;
  readonly host: string;
  readonly log?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const EXAMPLES = `
Examples:
  millrace model-server rules.json
  millrace model-server rules.json --port 8080 --log requests.ndjson

rules.json: { "rules": [ { "when": { "user": "refund (?<order>\\\\d+)" }, "answer": { "json": { "order": "{{order}}" } } } ] }
It speaks the API of OpenAI: give the printed URL as baseUrl. Ctrl-C ends it.`;

export function modelServerCommand(): Command {
  return new Command('model-server')
    .summary('answer as a scripted model')
    .description('Serves a model that answers by rules: for tests, examples and CI, without a key or a network.')
    .argument('<rules>', 'the rules, JSON')
    .option('--port <port>', 'where to listen', portOf, 8080)
    .option('--host <address>', 'on which address', '127.0.0.1')
    .option('--log <file>', 'append each request as a line of JSON')
    .option('--json', 'print an error as one line of JSON')
    .option('--verbose', 'print the stack of an error')
    .addHelpText('after', EXAMPLES)
    .action(guarded(serve));
}

async function serve(path: string, { port, host, log }: ModelServerFlags): Promise<number> {
  const script = await scriptOf(path);
  const file = log === undefined ? undefined : (await opened(log)).createWriteStream();
  const server = await startModelServer(script, {
    port,
    host,
    onRequest: (request) => file?.write(`${JSON.stringify(request)}\n`),
  }).catch((cause: unknown) => {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause;
    throw new MillraceError('MILL_OPTION_INVALID', `nothing can listen at ${host}:${port}: ${cause.message}`, {
      cause,
    });
  });
  process.stdout.write(`${server.url}\n`);
  await new Promise<void>((ended) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended());
  });
  await server.stop();
  file?.end();
  return 0;
}

function opened(log: string): Promise<FileHandle> {
  return open(log, 'a').catch((cause: unknown) => {
    throw new MillraceError('MILL_FILE_UNWRITABLE', `${log} can't be written`, { position: log, cause });
  });
}

async function scriptOf(path: string): Promise<ModelScript> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new MillraceError('MILL_FILE_MISSING', `there are no rules at ${path}`, { position: path, cause });
  });
  try {
    return JSON.parse(text) as ModelScript;
  } catch (cause) {
    throw new MillraceError('MILL_FILE_UNREADABLE', `${path} is no JSON`, { position: path, cause });
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new InvalidArgumentError('Expected a port, 0 to 65535.');
}
