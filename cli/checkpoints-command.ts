/** `millrace checkpoints`: lists, verifies and shows what a state directory or a savepoint holds. */
import { Command } from 'commander';
import { type CheckpointReader, filesOfManifest } from '../checkpoint/checkpoint-reader.js';
import { type Manifest, sizeOf } from '../checkpoint/manifest.js';
import { MillraceError } from '../core/errors.js';
import { columns } from './columns.js';
import { guarded } from './guarded.js';
import { jsonText } from './json.js';
import { count, sizeText, timeText, watermarkText } from './progress-text.js';
import { readerOf, TARGET } from './state-directory.js';

interface Flags {
  readonly job?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const EXAMPLES = `
Examples:
  millrace checkpoints .millrace/orders
  millrace checkpoints list job.ts --json
  millrace checkpoints verify .millrace/orders
  millrace checkpoints inspect .millrace/orders 42
  millrace checkpoints inspect savepoints/monday

All of it also works while the job runs.
Exit codes: 0 all well; 1 a damaged file, which is named, or nothing there.`;

export function checkpointsCommand(): Command {
  return new Command('checkpoints')
    .summary('list, verify and show checkpoints')
    .description('Shows the checkpoints of a state directory, or a savepoint.')
    .addCommand(reading('list', 'list the checkpoints there are, newest first', list), { isDefault: true })
    .addCommand(reading('verify', 'read every file of every checkpoint, and compare digests', verify))
    .addCommand(reading('inspect', 'show all of one checkpoint but keyed state', inspect, true))
    .addHelpText('after', EXAMPLES);
}

function reading(
  name: string,
  summary: string,
  show: (reader: CheckpointReader, checkpoint: string | undefined, flags: Flags) => Promise<number>,
  ofOne = false,
): Command {
  const command = new Command(name).summary(summary).description(`${summary}.`).argument('<target>', TARGET);
  if (ofOne) command.argument('[checkpoint]', 'its name or number; default: the newest');
  command
    .option('--job <name>', 'which job, where the module has several')
    .option('--json', 'print lines of JSON')
    .option('--verbose', 'print the stack of an error')
    .addHelpText('after', EXAMPLES);
  if (ofOne) {
    const action = async (target: string, checkpoint: string | undefined, flags: Flags): Promise<number> =>
      show(await readerOf(target, flags.job), checkpoint, flags);
    return command.action(guarded(action));
  }
  return command.action(
    guarded(async (target: string, flags: Flags) => show(await readerOf(target, flags.job), undefined, flags)),
  );
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

// list

async function list(reader: CheckpointReader, _checkpoint: string | undefined, flags: Flags): Promise<number> {
  const found: { readonly name: string; readonly manifest: Manifest }[] = [];
  for (const name of await reader.names()) found.push({ name, manifest: await reader.manifest(name) });
  if (flags.json)
    for (const each of found) print(jsonText({ type: 'checkpoint', ...factsOf(each.name, each.manifest) }));
  else print(columns([HEADER, ...found.map(({ name, manifest }) => rowOf(name, manifest))], [2, 3, 4]));
  return 0;
}

const HEADER = ['checkpoint', 'taken', 'workers', 'files', 'size', ''];

function rowOf(name: string, manifest: Manifest): string[] {
  const { createdAt, parallelism, files, sizeBytes, ended } = factsOf(name, manifest);
  return [name, timeText(createdAt), String(parallelism), count(files), sizeText(sizeBytes), ended ?? ''];
}

function factsOf(name: string, manifest: Manifest) {
  const { job, epoch, id, createdAt, parallelism, maxParallelism, ended = null } = manifest;
  const files = filesOfManifest(manifest);
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  const sizes = { files: files.length, rows, sizeBytes: sizeOf(manifest) };
  return { name, job, epoch, id, createdAt, parallelism, maxParallelism, ended, ...sizes };
}

// verify

async function verify(reader: CheckpointReader, _checkpoint: string | undefined, flags: Flags): Promise<number> {
  let damaged = 0;
  for (const name of await reader.names()) {
    const outcome = await outcomeOf(reader, name);
    if (!outcome) continue;
    if (flags.json) print(jsonText({ type: 'checkpoint', name, ...outcome }));
    else
      print(
        `${name}   ${outcome.ok ? `ok: ${count(outcome.files)} files, ${sizeText(outcome.sizeBytes)}` : outcome.error}`,
      );
    if (!outcome.ok) damaged += 1;
  }
  return damaged > 0 ? 1 : 0;
}

type Outcome =
  | { readonly ok: true; readonly files: number; readonly sizeBytes: number }
  | { readonly ok: false; readonly code: string; readonly error: string; readonly file: unknown };

/** Undefined for one that the job has removed meanwhile. */
async function outcomeOf(reader: CheckpointReader, name: string): Promise<Outcome | undefined> {
  try {
    const verified = await reader.verify(name);
    return verified && { ok: true, ...verified };
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    return { ok: false, code: error.code, error: `${error.code}: ${error.message}`, file: error.position };
  }
}

// inspect

async function inspect(reader: CheckpointReader, checkpoint: string | undefined, flags: Flags): Promise<number> {
  const open = await reader.open(checkpoint);
  await open.close();
  print(flags.json ? jsonText({ name: open.name, ...open.manifest }) : textOf(open.name, open.manifest));
  return 0;
}

function textOf(name: string, manifest: Manifest): string {
  const { job, epoch, createdAt, parallelism, maxParallelism, ended } = manifest;
  const over = ended === undefined ? '' : `, ${ended}`;
  const title = `${job}, checkpoint ${epoch} (${name}), taken ${timeText(createdAt)} on ${parallelism} workers, ${maxParallelism} key groups${over}`;
  return [
    title,
    ...section('sources', sourceRows(manifest)),
    ...section('watermarks', watermarkRows(manifest)),
    ...section('state that is not keyed', stateRows(manifest)),
    ...section('sinks: handles not known to be committed', sinkRows(manifest)),
    ...section('keyed state', rangeRows(manifest)),
  ].join('\n');
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : ['', title, columns(rows).replace(/^/gm, '  ')];
}

function sourceRows({ sources }: Manifest): string[][] {
  return Object.entries(sources).flatMap(([uid, { enumerator, splits }]) => [
    [uid, 'enumerator', jsonText(enumerator)],
    ...splits.map((split) => [uid, 'split', jsonText(split)]),
  ]);
}

function watermarkRows({ watermarks }: Manifest): string[][] {
  return Object.entries(watermarks).map(([uid, time]) => [
    uid,
    time === Number.NEGATIVE_INFINITY ? watermarkText(undefined) : watermarkText(time),
  ]);
}

function stateRows({ operators }: Manifest): string[][] {
  return Object.entries(operators).flatMap(([uid, states]) => states.map((state) => [uid, jsonText(state)]));
}

function sinkRows({ sinks }: Manifest): string[][] {
  return Object.entries(sinks).flatMap(([uid, handles]) => handles.map((handle) => [uid, jsonText(handle)]));
}

function rangeRows({ ranges }: Manifest): string[][] {
  return ranges.flatMap(({ first, end, files }) =>
    files.map(({ path, rows, sizeBytes }) => [
      `groups ${first} to ${end - 1}`,
      path,
      `${count(rows)} rows`,
      sizeText(sizeBytes),
    ]),
  );
}
