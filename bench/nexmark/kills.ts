/**
 * `npm run bench -- kills [q5 …]`: runs queries in real processes, kills each with SIGKILL in the middle, once a checkpoint has
 * been taken, starts it again, and compares the final rows with those of a run that nobody kills. On one worker and two, with
 * state in memory and in LevelDB. `--peers flink-sql` compares with that peer's answers besides.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PEERS } from '../peers/contestants.js';
import { finished } from '../process-cost.js';
import { answerOf } from './answers.js';
import { rowsOf } from './nexmark.js';
import { QUERIES } from './queries.js';
import { rowsIn } from './resumable.js';

const CHILD = fileURLToPath(new URL('./resumable.js', import.meta.url));

interface Setting {
  readonly query: string;
  readonly events: number;
  readonly rate: number;
  readonly workers: number;
  readonly backend: 'memory' | 'level';
  readonly perSecond: number;
  readonly kills: number;
}

/** Whether all rows are those of the run without kills. */
export async function kills(args: readonly string[]): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      events: { type: 'string', default: '500000' },
      rate: { type: 'string', default: '10000' },
      workers: { type: 'string', default: '1,2' },
      state: { type: 'string', default: 'memory,level' },
      kills: { type: 'string', default: '1' },
      'per-second': { type: 'string', default: '250000' },
      peers: { type: 'string', default: '' },
      answers: { type: 'string' },
    },
  });
  // It is of processing time: what it counts depends on when it runs.
  const queries = positionals.length > 0 ? positionals : Object.keys(QUERIES).filter((query) => query !== 'q12');
  const [events, rate] = [Number(values.events), Number(values.rate)];
  let equal = true;
  for (const query of queries) {
    const plain = { query, events, rate, splits: 1, workers: 1, backend: 'memory' } as const;
    const expected = [...(await rowsOf(plain))].sort();
    const { rows, checksum } = answerOf(expected);
    console.log(`${query} rows=${rows} checksum=${checksum}`);
    for (const peer of values.peers.split(',').filter(Boolean)) {
      const verdict = await peerSays(peer, query, { events, rate }, expected);
      console.log(`  ${peer}: ${verdict}`);
      if (verdict.startsWith('DIFFERENT')) equal = false;
    }
    for (const workers of values.workers.split(',').map(Number))
      for (const backend of values.state.split(',') as Setting['backend'][]) {
        const [perSecond, count] = [Number(values['per-second']), Number(values.kills)];
        const setting = { query, events, rate, workers, backend, perSecond, kills: count };
        const verdict = await killedAndResumed(setting, expected, values.answers);
        console.log(`  ${workers} workers, ${backend}: ${verdict}`);
        if (verdict.startsWith('DIFFERENT')) equal = false;
      }
  }
  return equal;
}

/** A busy machine may not get to the kill before the input is through: then it is done once more, at half the rate. */
const ATTEMPTS = 4;

async function killedAndResumed(
  setting: Setting,
  expected: readonly string[],
  into: string | undefined,
): Promise<string> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const slower = { ...setting, perSecond: setting.perSecond / 2 ** attempt };
    const verdict = await attempted(slower, expected, into);
    if (verdict !== undefined) return verdict;
  }
  return 'DIFFERENT: it was through each time before it could be killed, give it a smaller --per-second';
}

/** Undefined: a kill came too late to be in the middle. */
async function attempted(
  setting: Setting,
  expected: readonly string[],
  into: string | undefined,
): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-kills-'));
  try {
    const killedAt: number[] = [];
    for (let kill = 1; kill <= setting.kills; kill += 1) {
      const share = kill / (setting.kills + 1);
      const events = await lived(setting, directory, share * setting.events);
      if (events === undefined || events >= setting.events) return undefined;
      killedAt.push(events);
    }
    await lived(setting, directory, undefined);
    const rows = await rowsIn(directory);
    if (into !== undefined) {
      await mkdir(into, { recursive: true });
      await writeFile(join(into, `${setting.query}.ndjson`), rows.map((row) => `${row}\n`).join(''));
    }
    return `${differenceOf(rows, expected)}, killed at ${killedAt.map((at) => at.toLocaleString('en')).join(', ')} events`;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** One life of the process. How many events it had made since its start when it was killed; undefined: it has ended by itself. */
async function lived(setting: Setting, directory: string, killAt: number | undefined): Promise<number | undefined> {
  const { query, events, rate, workers, backend, perSecond } = setting;
  const args = Object.entries({ directory, events, rate, workers, state: backend, 'per-second': perSecond });
  const child = spawn(process.execPath, [CHILD, query, ...args.flatMap(([name, value]) => [`--${name}`, `${value}`])], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  let killed: number | undefined;
  let status = '';
  createInterface(child.stdout).on('line', (line) => {
    if (!line.startsWith('{')) status = line;
    else if (killAt !== undefined && killed === undefined) {
      const at = JSON.parse(line) as { readonly events: number; readonly checkpoints: number };
      if (at.events < killAt || at.checkpoints < 1) return;
      killed = at.events;
      child.kill('SIGKILL');
    }
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (killed !== undefined && code === null) return killed;
  if (code !== 0 || status !== 'finished') throw new Error(`${query} ended with code ${code} ${status}\n${errors}`);
  return undefined;
}

async function peerSays(
  name: string,
  query: string,
  { events, rate }: { readonly events: number; readonly rate: number },
  expected: readonly string[],
): Promise<string> {
  const peer = PEERS.find((each) => each.name === name);
  if (!peer) return `there is no such peer; there are ${PEERS.map((each) => each.name)}`;
  if (!peer.queries.includes(query)) return 'it cannot run this query';
  const missing = peer.prepare();
  if (missing !== undefined) return `left out, for want of ${missing}`;
  const into = await mkdtemp(join(tmpdir(), 'millrace-answers-'));
  try {
    const settings = { events, rate, workers: 1, state: 'memory', miniBatch: false, checkpointMs: 0 } as const;
    await finished(peer.command([query, '--answers', into], settings));
    const text = await readFile(join(into, `${query}.ndjson`), 'utf8');
    return differenceOf(text.split('\n').filter(Boolean).sort(), expected);
  } finally {
    await rm(into, { recursive: true, force: true });
  }
}

/** `equal, 5 rows`, or what differs. */
export function differenceOf(rows: readonly string[], expected: readonly string[]): string {
  const at = Array.from({ length: Math.max(rows.length, expected.length) }).findIndex(
    (_, index) => rows[index] !== expected[index],
  );
  if (at < 0) return `equal, ${rows.length.toLocaleString('en')} rows`;
  return `DIFFERENT: ${rows.length} rows, not ${expected.length}; row ${at}: ${rows[at]}, not ${expected[at]}`;
}
