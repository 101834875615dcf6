/**
 * Going back to a savepoint, under another name of an operator too, with the process dying at each of its calls of the
 * disk in turn: whatever the crash leaves, the next start comes to the same rows, each once.
 */
import { fileSink, generate, type JobDefinition, job, ndjson } from 'millrace';
import t from 'tap';
import { Random } from '../../core/random.js';
import type { Coordinator } from '../../engine/coordinator/coordinator.js';
import { MemoryStorage } from '../../engine/host/memory-storage.js';
import { linesOn, live } from './life.js';

const SAVED = '/saved';
const OUT = '/out';
const COUNT = 60;

const counting = (name: string, renamedFrom?: string): JobDefinition =>
  job('counting', (j) => {
    j.from('numbers', generate({ count: COUNT, rate: 2_000, make: (n) => ({ key: n % 3 }) }))
      .keyBy((record) => record.key)
      .aggregate(name, (a) => ({ n: a.count() }), renamedFrom === undefined ? {} : { renamedFrom })
      .to('rows', fileSink(OUT, ndjson(), { roll: { every: 3 } }));
  });

/** To its end, with a savepoint on the way. */
async function finishedJob(seed: number): Promise<MemoryStorage> {
  const disk = new MemoryStorage();
  const meanwhile = async (coordinator: Coordinator): Promise<void> => void (await coordinator.savepoint(SAVED));
  await live({ disk, seed, definition: counting('counts'), workers: 2, meanwhile });
  return disk;
}

const EXPECTED = Array.from({ length: COUNT }, (_, n) =>
  JSON.stringify({ key: n % 3, n: Math.floor(n / 3) + 1 }),
).sort();

/** Dies at the `diesAt`-th call after having been told to go back; then starts again, with or without being told so. */
async function dieAt(diesAt: number, again: boolean): Promise<'died' | 'lived'> {
  const disk = await finishedJob(diesAt);
  const random = new Random(diesAt);
  const start = { from: SAVED, withdraw: true };
  const renamed = counting('totals', 'counts');
  const outcome = await live({ disk, seed: diesAt + 1, definition: renamed, start, diesAt, workers: 3 });
  if (outcome === undefined) {
    disk.crash(() => random.next());
    await live({ disk, seed: diesAt + 2, definition: renamed, workers: 1, start: again ? start : {} });
  }
  const rows = await linesOn(disk, OUT);
  const at = EXPECTED.findIndex((row, index) => row !== rows[index]);
  if (at >= 0 || rows.length !== EXPECTED.length)
    throw new Error(`call ${diesAt}: ${rows.length} rows, at ${at} ${rows[at]} instead of ${EXPECTED[at]}`);
  return outcome === undefined ? 'died' : 'lived';
}

for (const again of [false, true]) {
  t.test(
    `dying at each call of the disk, then started ${again ? 'as before' : 'without being told to go back'}`,
    async (t) => {
      let deaths = 0;
      for (let diesAt = 1; (await dieAt(diesAt, again)) === 'died'; diesAt += 1) deaths += 1;
      t.ok(deaths > 60, `${deaths} deaths`);
    },
  );
}

t.test('without a death it has really gone back', async (t) => {
  const disk = await finishedJob(7);
  const before = (await disk.list(OUT)).map(({ name }) => name);
  const start = { from: SAVED, withdraw: true };
  t.equal(await live({ disk, seed: 8, definition: counting('counts'), start, workers: 2 }), 'finished');
  const after = (await disk.list(OUT)).map(({ name }) => name);
  t.ok(
    before.some((name) => !after.includes(name)),
    'files have been withdrawn',
  );
  t.same(await linesOn(disk, OUT), EXPECTED);
});
