/** `millrace state`: lists, reads and dumps keyed state, of a state directory or a savepoint. */
import { Command } from 'commander';
import type { OpenCheckpoint } from '../checkpoint/checkpoint-reader.js';
import type { KeyGroupRange } from '../checkpoint/manifest.js';
import { newestRows } from '../checkpoint/newest-rows.js';
import type { StoredRow } from '../checkpoint/rows-file.js';
import { compareKeys, hashKey, keyGroupOf, sameKey } from '../core/key.js';
import { filesOf } from '../engine/coordinator/recovery.js';
import { columns } from './columns.js';
import { guarded } from './guarded.js';
import { jsonText } from './json.js';
import { parseValue } from './parse-params.js';
import { count, sizeText } from './progress-text.js';
import { readerOf, TARGET } from './state-directory.js';

interface Flags {
  readonly checkpoint?: string;
  readonly operator?: string;
  readonly job?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const EXAMPLES = `
Examples:
  millrace state .millrace/orders
  millrace state list savepoints/monday --json
  millrace state read .millrace/orders ann
  millrace state read job.ts '["JFK",1385856000000]' --operator causes
  millrace state dump .millrace/orders --operator totals | jq .

It is the state of the newest checkpoint; that of a running job is newer by up to an interval.
Keys are JSON where they parse as JSON, text otherwise: 17 is a number, '"17"' a text.`;

export function stateCommand(): Command {
  return new Command('state')
    .summary('list, read and dump keyed state')
    .description('Shows keyed state as a checkpoint has it.')
    .addCommand(
      reading('list', 'list operators and their tables: keys, rows, bytes').action(
        guarded((target: string, flags: Flags) => withCheckpoint(target, flags, list)),
      ),
      { isDefault: true },
    )
    .addCommand(
      reading('read', 'show all state of a key as JSON', (command) =>
        command.argument('<key>', 'as JSON or text'),
      ).action(
        guarded((target: string, key: string, flags: Flags) =>
          withCheckpoint(target, flags, (checkpoint) => read(checkpoint, parseValue(key), flags)),
        ),
      ),
    )
    .addCommand(
      reading('dump', 'print all rows, a line of JSON each').action(
        guarded((target: string, flags: Flags) => withCheckpoint(target, flags, dump)),
      ),
    )
    .addHelpText('after', EXAMPLES);
}

function reading(name: string, summary: string, more: (command: Command) => Command = (command) => command): Command {
  const command = new Command(name).summary(summary).description(`${summary}.`).argument('<target>', TARGET);
  return more(command)
    .option('--operator <name>', 'of this operator only')
    .option('--checkpoint <name>', 'of an older checkpoint, by its name or number')
    .option('--job <name>', 'which job, where the module has several')
    .option('--json', 'print lines of JSON')
    .option('--verbose', 'print the stack of an error')
    .addHelpText('after', EXAMPLES);
}

async function withCheckpoint(
  target: string,
  flags: Flags,
  use: (checkpoint: OpenCheckpoint, flags: Flags) => Promise<number>,
): Promise<number> {
  const checkpoint = await (await readerOf(target, flags.job)).open(flags.checkpoint);
  try {
    return await use(checkpoint, flags);
  } finally {
    await checkpoint.close();
  }
}

/** The newest rows of some key groups, or of all. */
async function* rowsOf(checkpoint: OpenCheckpoint, flags: Flags, only?: KeyGroupRange): AsyncIterable<StoredRow> {
  const { ranges } = checkpoint.manifest;
  for (const range of only ? [only] : ranges) {
    for await (const row of newestRows(checkpoint, filesOf(ranges, range), range))
      if (flags.operator === undefined || row.operator === flags.operator) yield row;
  }
}

// list

interface Table {
  readonly operator: string;
  readonly table: string;
  readonly kind: string;
  readonly keys: Set<string>;
  rows: number;
  sizeBytes: number;
}

async function list(checkpoint: OpenCheckpoint, flags: Flags): Promise<number> {
  const tables = new Map<string, Table>();
  for await (const row of rowsOf(checkpoint, flags)) countIn(tables, row);
  const found = [...tables.values()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  if (flags.json) {
    for (const { keys, ...table } of found) print(jsonText({ type: 'table', ...table, keys: keys.size }));
    return 0;
  }
  const rows = found.map(({ operator, table, kind, keys, rows, sizeBytes }) => [
    ...[operator, table, kind, count(keys.size), count(rows), sizeText(sizeBytes)],
  ]);
  print(columns([['operator', 'table', 'kind', 'keys', 'rows', 'size'], ...rows], [3, 4, 5]));
  return 0;
}

const nameOf = ({ operator, table }: Table): string => `${operator}\0${table}`;

function countIn(tables: Map<string, Table>, { operator, table, kind, key, sizeBytes }: StoredRow): void {
  const name = `${operator}/${kind}/${table}`;
  const found = tables.get(name) ?? { operator, table, kind, keys: new Set(), rows: 0, sizeBytes: 0 };
  tables.set(name, found);
  found.keys.add(jsonText([typeof key, key]));
  found.rows += 1;
  found.sizeBytes += sizeBytes;
}

// read

async function read(checkpoint: OpenCheckpoint, key: unknown, flags: Flags): Promise<number> {
  const group = keyGroupOf(hashKey(key), checkpoint.manifest.maxParallelism);
  const rows: StoredRow[] = [];
  for await (const row of rowsOf(checkpoint, flags, { first: group, end: group + 1 }))
    if (sameKey(row.key, key)) rows.push(row);
  rows.sort((a, b) => compareKeys(a.subkey ?? null, b.subkey ?? null));
  const state: Record<string, Record<string, unknown>> = {};
  for (const row of rows) place((state[row.operator] ??= {}), row);
  print(jsonText(state, flags.json ? 0 : 2));
  return Object.keys(state).length > 0 ? 0 : 1;
}

/** Values as they are, lists in order, entries of maps and panes as pairs, times of timers. */
function place(state: Record<string, unknown>, { table, kind, subkey, value }: StoredRow): void {
  if (kind === 'value') state[table] = value;
  else if (kind === 'list') ((state[table] ??= []) as unknown[])[Number(subkey)] = value;
  else if (kind === 'timer') ((state[`${table} timers`] ??= []) as unknown[]).push(subkey);
  else ((state[table] ??= []) as unknown[]).push([subkey, value]);
}

// dump

async function dump(checkpoint: OpenCheckpoint, flags: Flags): Promise<number> {
  for await (const { operator, table, kind, keyGroup, key, subkey, value } of rowsOf(checkpoint, flags)) {
    const line = `${jsonText({ operator, table, kind, keyGroup, key, subkey, value })}\n`;
    if (!process.stdout.write(line)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
  return 0;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
