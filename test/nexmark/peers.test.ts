/**
 * Comparisons with peers: what is made of runs, and that what a run lacks is said while the rest goes on. Needs no Java.
 */
import { execFile } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { OURS } from '../../bench/peers/contestants.js';
import { compare, type Sample } from '../../bench/peers/figures.js';
import { finished } from '../../bench/process-cost.js';

const MAIN = fileURLToPath(new URL('../../bench/main.js', import.meta.url));

/** A run of 100 events, 60 of them warm, at so many CPU-seconds an event. */
const sample = (warm: number, cold: number): Sample => ({
  warm: { events: 60, cpuSeconds: 60 * warm },
  cold: { events: 100, cpuSeconds: 100 * cold },
});
const generator = (cost: number) => [{ events: 10, cpuSeconds: 10 * cost }];

t.test('ratios are those of neighbouring runs, and their median', async (t) => {
  const ours = { samples: [sample(1, 4), sample(2, 4), sample(4, 4)], generator: generator(0.5) };
  const theirs = { samples: [sample(8, 8), sample(6, 8), sample(8, 40)], generator: generator(1) };
  const { warm, cold, ratio } = compare('peer', 'q0', ours, theirs);
  t.same(warm, { ours: 1 / 2, peer: 1 / 8 });
  t.same(cold, { ours: 1 / 4, peer: 1 / 8 });
  t.same(ratio.warm, { median: 3, least: 2, most: 8 });
  t.same(ratio.warmNet, { median: 5 / 1.5, least: 2, most: 14 }, 'each less its own generator');
  t.same(ratio.cold, { median: 2, least: 2, most: 10 });
});

t.test('a run tells what it cost when it was warm, and its process what it cost in all', async (t) => {
  const settings = {
    events: 20_000,
    rate: 10_000,
    workers: 1,
    state: 'memory',
    miniBatch: false,
    checkpointMs: 0,
  } as const;
  const { lines, cpuSeconds } = await finished(OURS.command(['q2'], settings));
  const [{ query, warm, cold }] = lines as [{ query: string; warm: Sample['warm']; cold: Sample['cold'] }];
  t.equal(query, 'q2');
  t.ok(warm.events > 0 && warm.events <= 40_000 / 3, `${warm.events} of the last two thirds`);
  t.ok(warm.cpuSeconds > 0 && warm.cpuSeconds < cold.cpuSeconds);
  t.ok(cpuSeconds > 0.9 * cold.cpuSeconds, 'the end of the process is later');
  await t.rejects(finished([process.execPath, '-e', 'throw new Error("broken")']), /broken/);
});

t.test('without Java its peers are left out, and the rest runs', async (t) => {
  const path = t.testdir();
  symlinkSync('/bin/sh', join(path, 'sh'));
  const args = ['nexmark', 'q2', '--peers', 'flink-sql,node-streams', '--events', '2000', '--answers-only'];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN, ...args], { env: { PATH: path } });
  t.match(stderr, /flink-sql is left out, for want of Java 17/);
  t.match(stdout, /node-streams +q2 +equal, \d+ rows/);
});
