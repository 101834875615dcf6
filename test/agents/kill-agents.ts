/**
 * Runs acting agents in a process of their own, kills it at random instants and starts it again, with other numbers of
 * workers; then compares what the receiver was told with what the job has put out.
 */
import { spawn } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../../core/random.js';
import { EVENTS, EVERY } from './acting-numbers.js';
import { EffectServer } from './effect-server.js';

const CHILD = fileURLToPath(new URL('./acting-job.js', import.meta.url));
const WORKERS = [2, 3, 1] as const;

export interface AgentKillReport {
  readonly kills: number;
  readonly rescales: number;
  /** Times that a `once` tool was asked for again and had been heard. */
  readonly runs: number;
  /** Prompts that were asked more than once: their answers were not durable. */
  readonly askedAgain: number;
  readonly failures: readonly string[];
}

export interface AgentKillOptions {
  readonly seed: number;
  readonly kills: number;
  readonly directory: string;
  /** What comes of an event depends on how two splits have mixed. */
  readonly counted: boolean;
}

export async function killAgents({ seed, kills, directory, counted }: AgentKillOptions): Promise<AgentKillReport> {
  const random = new Random(seed);
  const server = await EffectServer.start(seed);
  await rm(directory, { recursive: true, force: true });
  const count = { kills: 0, rescales: 0 };
  let workers = 0;
  try {
    for (;;) {
      if (random.below(3) === 0) {
        workers = (workers + 1) % WORKERS.length;
        count.rescales += 1;
      }
      const args = ['--url', server.url, '--out', join(directory, 'out'), '--state', join(directory, 'state')];
      const backend = random.below(2) === 0 ? ['--backend', 'level'] : [];
      const more = [...backend, ...(counted ? ['--counted'] : [])];
      const lifeMs = random.below(4) === 0 ? 80 + random.below(300) : 400 + random.below(1_000);
      const end = await live(
        [...args, '--workers', String(WORKERS[workers]), ...more],
        count.kills < kills ? lifeMs : undefined,
      );
      if (end === 'killed') count.kills += 1;
      else if (end === 'finished') break;
      else return { ...count, runs: 0, askedAgain: 0, failures: [`seed ${seed}, after ${count.kills} kills: ${end}`] };
    }
    const replies = await rowsOf(join(directory, 'out', 'replies'));
    const failures = [
      ...differences(replies, server, counted),
      ...(await rowsOf(join(directory, 'out', 'failures'))).map((row) => JSON.stringify(row)),
    ];
    const askedAgain = [...server.asked.values()].filter((times) => times > 1).length;
    return { ...count, runs: replies.length, askedAgain, failures: failures.map((text) => `seed ${seed}: ${text}`) };
  } finally {
    await server.stop();
  }
}

async function live(args: readonly string[], lifeMs: number | undefined): Promise<string> {
  const child = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      output += text;
    });
  const timer = lifeMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), lifeMs);
  const code = await new Promise<number | null>((closed) => child.on('close', closed));
  clearTimeout(timer);
  if (code === null) return 'killed';
  return code === 0 ? output.trim() : `exit code ${code}: ${output}`;
}

interface Reply {
  readonly key: number;
  readonly n: number;
  readonly text: string;
  readonly marked: string;
  readonly paid: string;
}

async function rowsOf(directory: string): Promise<Reply[]> {
  const names = await readdir(directory).catch(() => [] as string[]);
  const texts = await Promise.all(
    names.filter((name) => !name.startsWith('.')).map((name) => readFile(join(directory, name), 'utf8')),
  );
  return texts.flatMap((text) => text.split('\n').filter(Boolean)).map((line) => JSON.parse(line) as Reply);
}

function differences(replies: readonly Reply[], { told }: EffectServer, counted: boolean): string[] {
  const found: string[] = [];
  const expected = EVENTS / EVERY;
  if (replies.length !== expected) found.push(`${replies.length} replies, not ${expected}`);
  if (!counted) {
    const numbers = replies.map(({ n }) => n).sort((a, b) => a - b);
    if (numbers.some((n, at) => n !== at * EVERY)) found.push('replies to other inputs');
  }
  for (const { key, n, text } of replies) if (text !== `answer to ${key}/${n}`) found.push(`reply ${n} has ${text}`);
  const sameKeys = (what: string, keys: Iterable<string>, wanted: Iterable<string>): void => {
    const [got, should] = [new Set(keys), new Set(wanted)];
    for (const key of got) if (!should.has(key)) found.push(`${what}: a stray ${key}`);
    for (const key of should) if (!got.has(key)) found.push(`${what}: ${key} was not made`);
  };
  sameKeys(
    'once',
    told.once.keys(),
    replies.map(({ paid }) => paid),
  );
  sameKeys(
    'idempotent',
    told.idempotent.keys(),
    replies.map(({ marked }) => marked),
  );
  if (told.outbox.size !== replies.length) found.push(`${told.outbox.size} messages for ${replies.length} replies`);
  for (const [key, times] of told.once) if (times > 1) found.push(`once: ${key} was told ${times} times`);
  return found;
}
