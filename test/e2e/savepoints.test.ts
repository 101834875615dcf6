/**
 * Savepoints, and going back: what has been shown stays exactly once, nothing goes back unasked, and a savepoint needs
 * nothing but its directory.
 */
import { cpSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { callback, fromIterable, generate, type JobHandle, job, type RunOptions, run } from 'millrace';
import t from 'tap';
import { committedNames, committedRows, strayNames } from './committed-rows.js';
import { failureOf } from './failure-of.js';
import { byKey, type Count, counting, countsUpTo } from './jobs/counting.js';

const MODULE = { url: new URL('./jobs/counting.js', import.meta.url).href };
const EVERY = '25ms';

interface Place {
  readonly out: string;
  readonly state: string;
  readonly saved: string;
}

function placeIn(root: string): Place {
  return { out: join(root, 'out'), state: join(root, 'state'), saved: join(root, 'saved') };
}

type Options = RunOptions<(typeof counting)['params']>;

function start({ out, state }: Place, options: Options = {}): JobHandle<unknown> {
  const { params, ...rest } = options;
  return run(counting, { state, checkpointEvery: EVERY, params: { out, ...params }, ...rest });
}

/** To its end, at once. */
function finish(place: Place, options: Options = {}): JobHandle<unknown> {
  return start(place, { ...options, params: { ...options.params, rate: 1e6 } });
}

/** Resolves once so many checkpoints of this run are complete. */
async function checkpoints(handle: JobHandle<unknown>, count: number): Promise<number> {
  for (;;) {
    const { checkpoint, status } = await handle.metrics();
    if (checkpoint && checkpoint.count >= count) return checkpoint.epoch;
    if (status === 'finished' || status === 'failed') throw new Error(`${status} before checkpoint ${count}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const rowsIn = (out: string): Count[] => committedRows<Count>(out).sort(byKey);
const expected = countsUpTo(400);

t.test('stop with a savepoint, and go on from it elsewhere', async (t) => {
  const place = placeIn(t.testdir({}));
  const first = start(place);
  await checkpoints(first, 2);
  await first.stop({ savepoint: place.saved });
  t.equal(first.status, 'stopped');
  const shown = committedNames(place.out);
  rmSync(place.state, { recursive: true });
  // It is moved, and only needs itself.
  const moved = `${place.saved}-moved`;
  renameSync(place.saved, moved);
  const { status, resumed } = await finish(place, { from: moved });
  t.match({ status, resumed }, { status: 'finished', resumed: true });
  t.same(rowsIn(place.out), expected);
  t.same(strayNames(place.out), []);
  const now = committedNames(place.out);
  t.ok(
    shown.every((name) => now.includes(name)),
    'nothing that was shown has been withdrawn',
  );
});

t.test('a savepoint of a running job is started from with other numbers of workers', async (t) => {
  const place = placeIn(t.testdir({}));
  const options = { state: place.state, checkpointEvery: EVERY, params: { out: place.out } } as const;
  const first = run(MODULE, counting, { ...options, workers: 2 });
  const { epoch, sizeBytes } = await first.savepoint(place.saved);
  t.ok(epoch >= 1 && sizeBytes >= 0);
  await first.cancel();
  const other = { ...options, state: `${place.state}-2`, from: place.saved, withdraw: true };
  const result = await run(MODULE, counting, { ...other, workers: 3 });
  t.equal(result.status, 'finished');
  t.same(rowsIn(place.out), expected);
  t.same(strayNames(place.out), []);
});

t.test('going back to a savepoint withdraws what came later, when told so', async (t) => {
  const place = placeIn(t.testdir({}));
  const first = start(place);
  await checkpoints(first, 1);
  const { epoch } = await first.savepoint(place.saved);
  await checkpoints(first, 3);
  await first.stop();
  await finish(place);
  t.same(rowsIn(place.out), expected);
  const shown = committedNames(place.out);
  t.match(await failureOf(() => start(place, { from: place.saved })), {
    code: 'MILL_OUTPUT_AHEAD',
    message: new RegExp(`newer checkpoints than ${epoch}; going back would withdraw \\d+ files of rows`),
  });
  t.same(committedNames(place.out), shown, 'a refusal changes nothing');
  const again = finish(place, { from: place.saved, withdraw: true });
  const { status, resumed, metrics } = await again;
  t.match({ status, resumed }, { status: 'finished', resumed: true });
  t.same(rowsIn(place.out), expected);
  t.same(strayNames(place.out), []);
  t.ok((metrics.checkpoint?.epoch ?? 0) > epoch + 1, 'numbers are not used again');
});

t.test('going back twice, and not to what has been given up', async (t) => {
  const place = placeIn(t.testdir({}));
  const first = start(place);
  await checkpoints(first, 1);
  await first.savepoint(`${place.saved}-1`);
  await checkpoints(first, 4);
  await first.savepoint(`${place.saved}-2`);
  await checkpoints(first, 6);
  await first.stop();
  const back = { withdraw: true };
  const second = start(place, { ...back, from: `${place.saved}-1` });
  await checkpoints(second, 2);
  await second.stop();
  t.match(await failureOf(() => start(place, { ...back, from: `${place.saved}-2` })), {
    code: 'MILL_STATE_MISMATCH',
    message: /has not come by way of .*saved-2/,
  });
  const { status } = await finish(place, { ...back, from: `${place.saved}-1` });
  t.equal(status, 'finished');
  t.same(rowsIn(place.out), expected);
});

t.test('an older checkpoint by its number', async (t) => {
  const place = placeIn(t.testdir({}));
  const first = start(place);
  await checkpoints(first, 2);
  await first.stop();
  const names = readdirSync(join(place.state, 'checkpoints')).sort();
  t.equal(names.length, 2);
  const older = String(Number(names[0]?.slice(0, 12)));
  t.match(await failureOf(() => start(place, { from: '9999' })), {
    code: 'MILL_CHECKPOINT_MISSING',
    message: new RegExp(`9999 is no savepoint, and no checkpoint .*: ${(names[1] ?? '').replace('.manifest', '')}, `),
  });
  t.match(await failureOf(() => start(place, { from: older })), { code: 'MILL_OUTPUT_AHEAD' });
  await finish(place, { from: older, withdraw: true });
  t.same(rowsIn(place.out), expected);
});

t.test('the way out of a damaged checkpoint', async (t) => {
  const place = placeIn(t.testdir({}));
  const first = start(place);
  await checkpoints(first, 2);
  await first.stop();
  const [older, newest] = readdirSync(join(place.state, 'checkpoints')).sort() as [string, string];
  writeFileSync(join(place.state, 'checkpoints', newest), 'damaged');
  const name = older.replace('.manifest', '');
  t.match(await failureOf(() => start(place)), {
    code: 'MILL_CHECKPOINT_DAMAGED',
    message: new RegExp(newest),
    hint: new RegExp(`--from ${name} --withdraw`),
  });
  await finish(place, { from: name, withdraw: true });
  t.same(rowsIn(place.out), expected);
});

t.test('what is refused', async (t) => {
  const place = placeIn(t.testdir({}));
  const first = start(place);
  await checkpoints(first, 2);
  await first.savepoint(place.saved);
  t.match(await failureOf(() => first.savepoint(place.saved)), { code: 'MILL_SAVEPOINT_EXISTS' });
  await first.stop();
  const other = job(
    'other',
    (j) =>
      void j.from('in', fromIterable([1])).to(
        'out',
        callback(() => {}),
      ),
  );
  t.match(await failureOf(() => run(other, { state: `${place.state}-other`, from: place.saved })), {
    code: 'MILL_STATE_MISMATCH',
    message: /belongs to job counting, not other/,
  });
  const damaged = `${place.saved}-damaged`;
  cpSync(place.saved, damaged, { recursive: true });
  const [rows] = readdirSync(join(damaged, 'state')) as [string];
  writeFileSync(join(damaged, 'state', rows), 'x');
  const elsewhere = { ...place, state: `${place.state}-2` };
  t.match(await failureOf(() => start(elsewhere, { from: damaged, withdraw: true })), {
    code: 'MILL_CHECKPOINT_DAMAGED',
    message: new RegExp(rows),
  });
  t.match(await failureOf(async () => start(place, { from: place.saved, fresh: true })), {
    code: 'MILL_OPTION_INVALID',
  });
  const stateless = run(other);
  t.match(await failureOf(() => stateless.savepoint(`${place.saved}-3`)), { code: 'MILL_OPTION_INVALID' });
  await stateless;
});

t.test('sinks that commit and cannot take it back are not gone back past', async (t) => {
  const place = placeIn(t.testdir({}));
  const committed: unknown[] = [];
  const definition = job('irrevocable', (j) => {
    j.from('numbers', generate({ rate: 1_000, make: (n) => n })).to('out', {
      kind: 'ledger',
      description: '',
      writer: () => ({
        write: (inbox) => {
          inbox.cursor = inbox.batch.count;
        },
        prepare: async (checkpoint) => [checkpoint],
        close: () => {},
      }),
      committer: () => ({
        commit: async (handles) => void committed.push(...handles),
        clear: async () => {},
      }),
    });
  });
  const first = run(definition, { state: place.state, checkpointEvery: EVERY });
  await first.savepoint(place.saved);
  await first.stop();
  const back = { state: place.state, from: place.saved, withdraw: true };
  t.match(await failureOf(() => run(definition, back)), {
    code: 'MILL_OUTPUT_AHEAD',
    message: /^out can't take back what was committed after checkpoint \d+$/,
  });
});
