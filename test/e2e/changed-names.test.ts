/** A job whose names have changed since its checkpoint: nothing is lost unsaid, and what is renamed is found again. */
import { join } from 'node:path';
import { type Duration, fileSink, generate, job, ndjson, run, tumbling } from 'millrace';
import t from 'tap';
import { committedRows, strayNames } from './committed-rows.js';
import { failureOf } from './failure-of.js';

interface Names {
  readonly source: string;
  readonly counts: string;
  readonly windows: string | undefined;
  readonly rows: string;
}

const OLD: Names = { source: 'numbers', counts: 'counts', windows: 'windows', rows: 'rows' };

interface Params {
  readonly out: string;
  readonly count: number;
  readonly rate: number;
}

type Renamed = Partial<Record<keyof Names, string>>;

/** The same job under any names; `from` are the old ones that it says it knows. */
function named({ source, counts, windows, rows }: Names, from: Renamed = {}, { out, count, rate }: Params) {
  const roll = { roll: { every: '20ms' as Duration } };
  const was = (name: keyof Names): { renamedFrom: string } | undefined =>
    from[name] === undefined ? undefined : { renamedFrom: from[name] };
  return job('renamed', (j) => {
    const numbers = j
      .from(source, generate({ count, rate, make: (n) => ({ key: n % 5, at: n }) }), was('source'))
      .eventTime((record) => record.at);
    numbers
      .keyBy((record) => record.key)
      .aggregate(counts, (a) => ({ n: a.count() }), was('counts'))
      .to(rows, fileSink(join(out, 'rows'), ndjson(), roll), was('rows'));
    if (windows === undefined) return;
    numbers
      .keyBy((record) => record.key)
      .window(tumbling(1_000))
      .aggregate(windows, (a) => ({ n: a.count() }), was('windows'))
      .to('sums', fileSink(join(out, 'sums'), ndjson()));
  });
}

/** Runs it under its old names for a while. */
async function begun(root: string): Promise<{ state: string; out: string }> {
  const place = { state: join(root, 'state'), out: join(root, 'out') };
  const definition = named(OLD, {}, { ...place, count: 300, rate: 100 });
  const handle = run(definition, { state: place.state, checkpointEvery: '25ms' });
  for (;;) {
    const { checkpoint, events } = await handle.metrics();
    if (events > 20 && (checkpoint?.count ?? 0) >= 2) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await handle.stop();
  return place;
}

function resumed(names: Names, from: Renamed, place: { state: string; out: string }, allowDroppedState = false) {
  const definition = named(names, from, { ...place, count: 300, rate: 1e6 });
  return run(definition, { state: place.state, allowDroppedState });
}

const counted = (out: string): string[] =>
  committedRows<{ key: number; n: number }>(join(out, 'rows'))
    .map(({ key, n }) => `${key}:${n}`)
    .sort();

const EXPECTED = Array.from({ length: 300 }, (_, n) => `${n % 5}:${Math.floor(n / 5) + 1}`).sort();

t.test('what is renamed, and says so, is found again', async (t) => {
  const place = await begun(t.testdir({}));
  const names = { source: 'inputs', counts: 'totals', windows: 'seconds', rows: 'lines' };
  const { status, resumed: wentOn } = await resumed(names, OLD as Renamed, place);
  t.match({ status, wentOn }, { status: 'finished', wentOn: true });
  t.same(counted(place.out), EXPECTED);
  t.same(strayNames(join(place.out, 'rows')), []);
  t.same(
    committedRows<{ key: number; n: number }>(join(place.out, 'sums')).map(({ n }) => n),
    [60, 60, 60, 60, 60],
  );
  const again = await resumed(names, OLD as Renamed, place);
  t.equal(again.alreadyFinished, true, 'the option may stay');
});

t.test('a name that is gone: the difference, and the line to add', async (t) => {
  const place = await begun(t.testdir({}));
  const failure = await failureOf(() => resumed({ ...OLD, counts: 'totals' }, {}, place));
  t.match(failure, {
    code: 'MILL_STATE_MISMATCH',
    message: 'the checkpoint holds state of counts, which the job has no more; new in the job: totals',
    hint: /^If counts is totals now, add \{ renamedFrom: 'counts' \} to totals; .*--allow-dropped-state/,
    line: /^aggregate\(counts/,
  });
  t.match(await failureOf(() => resumed({ ...OLD, rows: 'lines', source: 'inputs' }, {}, place)), {
    message: /state of numbers, rows, .*new in the job: inputs, lines/,
    hint: /^If numbers is inputs now/,
  });
  const { status } = await resumed(OLD, {}, place);
  t.equal(status, 'finished', 'nothing has been touched');
  t.same(counted(place.out), EXPECTED);
});

t.test('state is dropped only when that is said, and then for good', async (t) => {
  const place = await begun(t.testdir({}));
  const without = { ...OLD, windows: undefined };
  t.match(await failureOf(() => resumed(without, {}, place)), {
    code: 'MILL_STATE_MISMATCH',
    message: 'the checkpoint holds state of windows, sums, which the job has no more',
    hint: /renamedFrom: 'windows'/,
  });
  const definition = named(without, {}, { ...place, count: 300, rate: 100 });
  const handle = run(definition, { state: place.state, allowDroppedState: true });
  await handle.stop();
  t.equal(handle.status, 'stopped');
  const { status } = await resumed(OLD, {}, place);
  t.equal(status, 'finished', 'the names are free again');
  t.same(counted(place.out), EXPECTED);
  const sums = committedRows<{ n: number }>(join(place.out, 'sums'));
  const total = sums.reduce((sum, { n }) => sum + n, 0);
  t.ok(total > 0 && total < 300, `${total} of 300: the old windows do not come back`);
});

t.test('names that two would have', async (t) => {
  const names = { ...OLD, source: 'inputs' };
  const renamed = { source: 'old', counts: 'old' };
  t.match(await failureOf(async () => run(named(names, renamed, { out: 'x', count: 1, rate: 1 }))), {
    code: 'MILL_NAME_TAKEN',
    message: 'inputs and counts were both renamed from old',
  });
});
