/** `millrace dlq`: what is in dead letters and failures of agents, and how to try it again. */
import type { WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { Command } from 'commander';
import { readJsonLines } from '../agents/replay/json-lines.js';
import { asMillraceError, MillraceError } from '../core/errors.js';
import { NodeStorage } from '../engine/host/node-storage.js';
import { columns } from './columns.js';
import { guarded } from './guarded.js';

interface Flags {
  readonly code?: string;
  readonly operator?: string;
  readonly key?: string;
  readonly show?: boolean;
  readonly redrive?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** A dead letter of an operator, or a failure of an agent. */
interface Letter {
  readonly operator: string;
  readonly input: unknown;
  readonly key: unknown;
  readonly error: { readonly code: string; readonly message: string };
  readonly position: string;
}

const EXAMPLES = `
Examples:
  millrace dlq failed/                                        what there is, by operator and error
  millrace dlq failed/ --code MILL_AGENT_LIMIT --show         each of these
  millrace dlq failed/ --code MILL_AGENT_LIMIT --redrive again.ndjson

--redrive writes the records, as they were, a line of JSON each: let a source of the job read that file.`;

export function dlqCommand(): Command {
  return new Command('dlq')
    .summary('see dead letters and failures, and try them again')
    .description('Reads dead letters, or failures of agents, that went to files as NDJSON.')
    .argument('<path>', 'a file or directory of letters')
    .option('--code <code>', 'only those with this error')
    .option('--operator <name>', 'only those of this operator or agent')
    .option('--key <json>', 'only those of this key')
    .option('--show', 'print each of them')
    .option('--redrive <file>', 'write their records to a file, to be read again')
    .option('--json', 'print lines of JSON')
    .option('--verbose', 'print the stack of an error')
    .addHelpText('after', EXAMPLES)
    .action(guarded(showLetters));
}

async function showLetters(path: string, flags: Flags): Promise<number> {
  const counts = new Map<string, { operator: string; code: string; letters: number; last: string }>();
  const file = flags.redrive === undefined ? undefined : await newFile(flags.redrive);
  let letters = 0;
  for await (const { value, position } of readJsonLines(new NodeStorage(), path)) {
    const letter = letterOf(value, position);
    if (!isWanted(letter, flags)) continue;
    letters += 1;
    if (flags.show) print(letter, flags);
    if (file && !file.write(`${JSON.stringify(letter.input)}\n`))
      await new Promise<void>((drained) => file.once('drain', () => drained()));
    const { operator, error } = letter;
    const count = counts.get(`${operator} ${error.code}`) ?? { operator, code: error.code, letters: 0, last: '' };
    counts.set(`${operator} ${error.code}`, { ...count, letters: count.letters + 1, last: error.message });
  }
  file?.end();
  if (file) await finished(file);
  if (!flags.show) printCounts([...counts.values()], flags);
  if (flags.redrive !== undefined && !flags.json)
    process.stdout.write(`${letters} records written to ${flags.redrive}\n`);
  return 0;
}

/** Throws `MILL_FILE_UNWRITABLE`, also if there is such a file. */
async function newFile(path: string): Promise<WriteStream> {
  const file = await open(path, 'wx').catch((error: unknown) => {
    throw asMillraceError(error, 'MILL_FILE_UNWRITABLE', { position: path });
  });
  return file.createWriteStream();
}

function letterOf(value: unknown, position: string): Letter {
  const { operator, record, input, key, error, run } = (value ?? {}) as Record<string, unknown>;
  const { code, message } = (error ?? {}) as Partial<Letter['error']>;
  const name = operator ?? (run as { operator?: unknown } | undefined)?.operator;
  if (typeof name !== 'string' || typeof code !== 'string')
    throw new MillraceError('MILL_FILE_UNREADABLE', `${position} is no dead letter`, { position });
  return {
    operator: name,
    input: run === undefined ? record : input,
    key,
    error: { code, message: message ?? '' },
    position,
  };
}

function isWanted({ operator, key, error }: Letter, flags: Flags): boolean {
  if (flags.code !== undefined && error.code !== flags.code) return false;
  if (flags.operator !== undefined && operator !== flags.operator) return false;
  return flags.key === undefined || JSON.stringify(key) === JSON.stringify(keyOf(flags.key));
}

/** Text that is no JSON is a key itself. */
function keyOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function print({ operator, input, key, error, position }: Letter, { json }: Flags): void {
  const text = json
    ? JSON.stringify({ type: 'letter', operator, key, error, input, position })
    : `${position}  ${operator}  ${error.code}: ${error.message}\n  ${JSON.stringify(input)}`;
  process.stdout.write(`${text}\n`);
}

function printCounts(
  counts: readonly { operator: string; code: string; letters: number; last: string }[],
  { json }: Flags,
): void {
  if (json) process.stdout.write(counts.map((count) => `${JSON.stringify({ type: 'letters', ...count })}\n`).join(''));
  else if (counts.length === 0) process.stdout.write('no letters\n');
  else {
    const rows = counts.map(({ operator, code, letters, last }) => [
      operator,
      code,
      String(letters),
      last.slice(0, 80),
    ]);
    process.stdout.write(`${columns([['operator', 'error', 'letters', 'the last one'], ...rows], [2])}\n`);
  }
}
