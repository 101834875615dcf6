/**
 * The `level` backend: `npm run bench -- level [recovery | larger | huge | hits]`.
 *
 *   recovery   1 GB of state of one worker, 1 M rows: a warm start, which lacks one checkpoint of 20 K rows, and a cold one
 *   larger     state ten times the cache, keys in no order: rate, memory and disk over time
 *   huge       likewise, 10 GB of state in a cache of 512 MiB; takes a quarter of an hour and 40 GB of disk, if asked for
 *   hits       what it costs where everything fits: running sums over 20 K keys with a checkpoint a second, against none and
 *              against the memory backend, and over 100 K keys without checkpoints in between, in turn
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JobDefinition, type RunOptions, run } from 'millrace';
import { CheckpointStore } from '../checkpoint/checkpoint-store.js';
import type { FileRef } from '../checkpoint/manifest.js';
import { RowsFileWriter } from '../checkpoint/rows-file.js';
import { hashKey, keyGroupOf } from '../core/key.js';
import { NodeStorage } from '../engine/host/node-storage.js';
import { LevelBackend } from '../engine/worker/level-backend.js';
import keyedSum from './jobs/keyed-sum.js';
import largeState from './jobs/large-state.js';
import { contents } from './soak.js';
import { median } from './statistics.js';

const PARTS = { recovery, larger, hits, huge };
/** Runs when it is asked for by name. */
const LONG = ['huge'];

export async function level(wanted: readonly string[]): Promise<void> {
  for (const [name, measure] of Object.entries(PARTS)) {
    if (wanted.length > 0 ? !wanted.includes(name) : LONG.includes(name)) continue;
    const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
    await measure(directory);
    await rm(directory, { recursive: true, force: true });
  }
}

// Recovery

const ROWS = 1_000_000;
const VALUE_BYTES = 1_000;
const ROWS_PER_FILE = 100_000;
const CHANGED = 20_000;

async function writeFile(store: CheckpointStore, epoch: number, from: number, count: number): Promise<FileRef> {
  const writer = new RowsFileWriter();
  const rows = writer.of('accounts');
  for (let at = from; at < from + count; at += 1) {
    const key = (at * 7_919) % ROWS;
    const text = String(at).padEnd(VALUE_BYTES, '.');
    rows.put('account', 'value', keyGroupOf(hashKey(key), 128), key, undefined, text);
  }
  return { ...(await store.writeRows(`file-${epoch}`, writer.finish())), epoch };
}

async function recovery(directory: string): Promise<void> {
  const storage = new NodeStorage();
  const store = new CheckpointStore(storage, directory);
  await storage.makeDirectory(`${directory}/state`);
  const files: FileRef[] = [];
  for (let from = 0; from < ROWS; from += ROWS_PER_FILE)
    files.push(await writeFile(store, files.length + 1, from, ROWS_PER_FILE));
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  console.log(`recovery of ${(bytes / 1e9).toFixed(2)} GB, ${ROWS} rows, one worker`);
  const open = async (checkpoint: { id: string; epoch: number }, ancestors: readonly string[]): Promise<void> => {
    const identity = { maxParallelism: 128, first: 0, end: 128 };
    const options = { worker: 0, identity, storage, store, cacheBytes: 64 << 20, lagMax: 8 };
    const backend = new LevelBackend({ ...options, fail: (error) => console.error(error), wake: () => {} });
    backend.state('accounts').value('account');
    const nothing = { states: new Map(), watermarks: new Map(), randoms: new Map() };
    const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
    await backend.open({ ...nothing, files, keyGroups: identity, checkpoint, ancestors }, () => {});
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(2);
    const { user, system } = process.cpuUsage(cpu);
    console.log(`  ${backend.recovery}: ${seconds} s, ${((user + system) / 1e6).toFixed(2)} CPU-s`);
    await backend.close();
  };
  await open({ id: 'a', epoch: files.length }, []);
  await open({ id: 'a', epoch: files.length }, []);
  files.push(await writeFile(store, files.length + 1, 0, CHANGED));
  await open({ id: 'b', epoch: files.length }, ['a']);
}

// State larger than memory

interface Large {
  readonly keys: number;
  readonly textBytes: number;
  readonly cacheMb: number;
  readonly windowSeconds: number;
  readonly seconds: number;
}

function larger(directory: string): Promise<void> {
  return watch(directory, { keys: 2_000_000, textBytes: 64, cacheMb: 32, windowSeconds: 10, seconds: 60 });
}

function huge(directory: string): Promise<void> {
  return watch(directory, { keys: 10_000_000, textBytes: 1_000, cacheMb: 512, windowSeconds: 60, seconds: 900 });
}

async function watch(directory: string, large: Large): Promise<void> {
  const { keys, textBytes, cacheMb, windowSeconds, seconds } = large;
  const estimated = (keys * (textBytes + 40)) / 2 ** 20;
  console.log(`${keys} keys, about ${Math.round(estimated)} MiB, in a cache of ${cacheMb} MiB, one worker`);
  const options = { checkpointEvery: '1s', backend: 'level', stateMemoryMb: cacheMb } as const;
  const handle = start('large-state', largeState, { ...options, params: { keys, textBytes }, state: directory });
  let before = (await handle.metrics()).events;
  for (let at = windowSeconds; at <= seconds; at += windowSeconds) {
    await pause(windowSeconds * 1_000);
    const { events, checkpoint } = await handle.metrics();
    const rate = (events - before) / windowSeconds;
    before = events;
    const memory = Math.round(process.memoryUsage().rss / 2 ** 20);
    const disk = Math.round((await contents(directory)).bytes / 2 ** 20);
    const live = Math.round((Math.min(events, keys) * (textBytes + 40)) / 2 ** 20);
    console.log(
      `  ${String(at).padStart(3)} s: ${Math.round(rate / 1_000)} K/s, RSS ${memory} MiB, disk ${disk} MiB, live state ${live} MiB, checkpoint ${checkpoint?.epoch} in ${Math.round(checkpoint?.durationMs ?? 0)} ms`,
    );
  }
  await handle.cancel();
}

// Hits

const PAIRS = 5;
const HIT_SECONDS = 6;

type Variant = Pick<RunOptions, 'backend' | 'checkpointEvery'> & { readonly state: boolean };

const MEMORY = { state: true, backend: 'memory' } as const;
const LEVEL = { state: true, backend: 'level' } as const;

async function hits(directory: string): Promise<void> {
  const often = { checkpointEvery: '1s' } as const;
  const never = { checkpointEvery: '1h' } as const;
  const [one, other] = [join(directory, 'a'), join(directory, 'b')];
  await compare(
    '20 K keys, level with a checkpoint a second / no state',
    20_000,
    { ...LEVEL, ...often },
    { state: false },
    one,
  );
  await compare(
    '20 K keys, a checkpoint a second, level / memory',
    20_000,
    { ...LEVEL, ...often },
    { ...MEMORY, ...often },
    other,
  );
  const third = join(directory, 'c');
  await compare(
    '100 K keys, no checkpoint in between, level / memory',
    100_000,
    { ...LEVEL, ...never },
    { ...MEMORY, ...never },
    third,
  );
}

async function compare(what: string, keys: number, a: Variant, b: Variant, directory: string): Promise<void> {
  const [ratios, wallRatios]: [number[], number[]] = [[], []];
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const order = pair % 2 === 0 ? [a, b] : [b, a];
    const rates = new Map<Variant, Rates>();
    for (const [at, variant] of order.entries()) {
      const state = variant.state && join(directory, `${pair}-${at}`);
      rates.set(variant, await rateOf({ ...variant, params: { keys }, state }));
    }
    const [of, against] = [rates.get(a) as Rates, rates.get(b) as Rates];
    ratios.push(of.perCpuSecond / against.perCpuSecond);
    wallRatios.push(of.perSecond / against.perSecond);
  }
  const shown = (all: readonly number[]): string =>
    `${median(all).toFixed(3)} (${all.map((ratio) => ratio.toFixed(3)).join(', ')})`;
  console.log(`running sum, ${what}: records a second ${shown(wallRatios)}, a CPU-second ${shown(ratios)}`);
}

interface Rates {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

async function rateOf(options: RunOptions<{ keys: number }>): Promise<Rates> {
  const handle = start('keyed-sum', keyedSum, options);
  await pause(3_000);
  const [before, cpu, startedAt] = [(await handle.metrics()).events, process.cpuUsage(), performance.now()];
  await pause(HIT_SECONDS * 1_000);
  const { user, system } = process.cpuUsage(cpu);
  const events = (await handle.metrics()).events - before;
  const seconds = (performance.now() - startedAt) / 1_000;
  await handle.cancel();
  return { perSecond: events / seconds, perCpuSecond: events / ((user + system) / 1e6) };
}

function start<P>(name: string, job: JobDefinition<unknown, P>, options: RunOptions<P>) {
  return run({ url: new URL(`./jobs/${name}.js`, import.meta.url).href }, job, { workers: 1, ...options });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
