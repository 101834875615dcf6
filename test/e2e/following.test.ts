/**
 * Batch and stream by one flag: a job over finished files ends by itself; the same job follows them as they grow and as
 * others come, until it is told to stop, and comes to the same.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JobHandle, type RunOptions, run } from 'millrace';
import t from 'tap';
import { perMinute, type Word, words } from './jobs/following.js';

t.setTimeout(120_000);

const MODULE = { url: new URL('./jobs/following.js', import.meta.url).href };
const HOWS: readonly RunOptions[] = [
  { inline: true, state: false },
  { workers: 2, state: false },
];

interface Count {
  readonly key: string;
  readonly n: number;
}

const line = (word: string, at = 0): string => `${JSON.stringify({ word, at } satisfies Word)}\n`;
const lines = (...all: string[]): string => all.map((word) => line(word)).join('');

/** The next results, however long they take; in order of key and count. */
async function next(results: AsyncIterator<Count>, count: number): Promise<string[]> {
  const found: string[] = [];
  while (found.length < count) {
    const { value, done } = await results.next();
    if (done) throw new Error(`ended after ${found.length} of ${count} results`);
    found.push(`${value.key} ${value.n}`);
  }
  return found.sort();
}

for (const how of HOWS) {
  const named = JSON.stringify(how);

  t.test(`finished files: the job ends by itself: ${named}`, async (t) => {
    const directory = t.testdir({
      'a.ndjson': lines('to', 'be'),
      'b.ndjson': lines('or', 'not', 'to', 'be').trimEnd(),
    });
    const { status, results } = await run(MODULE, words, { ...how, params: { input: join(directory, '*.ndjson') } });
    t.equal(status, 'finished');
    t.same(results.map(({ key, n }) => `${key} ${n}`).sort(), ['be 1', 'be 2', 'not 1', 'or 1', 'to 1', 'to 2']);
  });

  t.test(`files that grow: the job follows them until it is stopped: ${named}`, async (t) => {
    const directory = t.testdir({ 'a.ndjson': lines('to', 'be') });
    const [a, b] = [join(directory, 'a.ndjson'), join(directory, 'b.ndjson')];
    const params = { input: join(directory, '*.ndjson'), follow: true };
    const handle: JobHandle<Count> = run(MODULE, words, { ...how, params });
    const results = handle[Symbol.asyncIterator]();
    t.same(await next(results, 2), ['be 1', 'to 1'], 'what is there');
    appendFileSync(a, lines('or', 'not'));
    t.same(await next(results, 2), ['not 1', 'or 1'], 'what is appended');
    // Half a line is none; the marker behind it in another file shows that it has been seen and left.
    const half = line('to').length >> 1;
    appendFileSync(a, line('to').slice(0, half));
    writeFileSync(b, lines('marker'));
    t.same(await next(results, 1), ['marker 1'], 'a new file');
    appendFileSync(a, line('to').slice(half));
    t.same(await next(results, 1), ['to 2'], 'a line once it is whole');
    appendFileSync(b, lines('be'));
    t.same(await next(results, 1), ['be 2'], 'the new file grows, too');
    t.equal(handle.status, 'running');
    await handle.stop();
    t.equal(handle.status, 'stopped');
    t.same(await results.next(), { value: undefined, done: true });
  });

  t.test(
    `windows over followed files close as event time goes on, and are those of finished files: ${named}`,
    async (t) => {
      const minute = 60_000;
      const early = line('a', 1) + line('a', 2) + line('b', minute - 1);
      const late = line('a', minute) + line('c', 3 * minute);
      const directory = t.testdir({ 'log.ndjson': early, 'whole.ndjson': early + late });
      const log = join(directory, 'log.ndjson');
      const handle: JobHandle<Count> = run(MODULE, perMinute, { ...how, params: { input: log, follow: true } });
      const results = handle[Symbol.asyncIterator]();
      const closed = next(results, 3);
      appendFileSync(log, late);
      const fired = await closed;
      await handle.stop({ drain: true });
      fired.push(...(await next(results, 1)));
      const whole = await run(MODULE, perMinute, { ...how, params: { input: join(directory, 'whole.ndjson') } });
      t.same(fired, ['a 1', 'a 2', 'b 1', 'c 1']);
      t.same([...fired].sort(), whole.results.map(({ key, n }) => `${key} ${n}`).sort());
    },
  );
}
