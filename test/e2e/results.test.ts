/**
 * Results in the program that runs the job: each is handed out once, a slow reader holds the job back, nothing is kept
 * without bound, and a failure is not to be missed.
 */
import { type JobHandle, type RunOptions, run } from 'millrace';
import t from 'tap';
import { LIMITS } from '../../core/limits.js';
import { program, runToEnd } from './child.js';
import { failureOf } from './failure-of.js';
import { counting, streaming } from './jobs/living.js';
import { until } from './until.js';

t.setTimeout(120_000);

const MODULE = { url: new URL('./jobs/living.js', import.meta.url).href };
const HOWS: readonly RunOptions[] = [
  { inline: true, state: false },
  { workers: 2, state: false },
];

const eventsOf = async (handle: JobHandle<unknown>): Promise<number> => (await handle.metrics()).events;

/** Waits until the source, once it has begun, puts out nothing more. */
async function standstill(handle: JobHandle<unknown>): Promise<number> {
  let [events, same] = [-1, 0];
  await until(async () => {
    const now = await eventsOf(handle);
    same = now > 0 && now === events ? same + 1 : 0;
    events = now;
    return same > 50;
  });
  return events;
}

/** Batches that may be between the source and the loop: with the reader, on the way, in the chain. */
const AHEAD_MAX = (LIMITS.resultBatches + 4) * LIMITS.batchRecords;

for (const how of HOWS) {
  const named = JSON.stringify(how);

  t.test(`a slow loop holds an endless source back: ${named}`, async (t) => {
    const handle = run(MODULE, streaming, how);
    let expected = 0;
    for await (const { n } of handle) {
      if (n !== expected) t.fail(`expected ${expected}, got ${n}`);
      expected += 1;
      if (n % 4_000 === 0) {
        const events = await standstill(handle);
        t.ok(events - n <= AHEAD_MAX, `${events} made when ${n} were read`);
      }
      if (n === 12_000) break;
    }
    await handle.cancel();
    t.ok((await eventsOf(handle)) <= 12_000 + AHEAD_MAX);
  });

  t.test(`leaving a loop lets the job go on without it: ${named}`, async (t) => {
    const handle = run(MODULE, counting, { ...how, params: { count: 100_000 } });
    const read: number[] = [];
    for await (const n of handle) if (read.push(n) === 3) break;
    t.same(read, [0, 1, 2]);
    t.match(await handle, { status: 'finished', results: [], metrics: { events: 100_000 } });
    for await (const n of handle) t.fail(`${n} came after the loop was left`);
  });

  t.test(`a job that nobody reads can be stopped: ${named}`, async (t) => {
    const handle = run(MODULE, streaming, how);
    const events = await standstill(handle);
    t.ok(events > 0 && events <= AHEAD_MAX, `${events} made for nobody`);
    await handle.stop();
    t.equal(handle.status, 'stopped');
  });

  t.test(`awaiting during and after a loop: ${named}`, async (t) => {
    const handle = run(MODULE, counting, { ...how, params: { count: 5_000 } });
    let count = 0;
    let awaited: PromiseLike<unknown> | undefined;
    for await (const n of handle) {
      awaited ??= handle.then(({ results }) => t.same(results, [], 'the loop has taken all'));
      if (n !== count) t.fail(`expected ${count}, got ${n}`);
      count += 1;
    }
    await awaited;
    t.equal(count, 5_000);
    t.match(await handle, { status: 'finished', results: [], metrics: { events: 5_000 } });
    for await (const n of handle) t.fail(`${n} was handed out twice`);
  });
}

t.test('more results than are kept for whoever awaits them', async (t) => {
  const failure = await failureOf(() => run(counting, { params: { count: LIMITS.resultsMax + 100_000 } }));
  t.match(failure, { code: 'MILL_RESULTS_OVERFLOW', operator: 'results', line: /^to\('results'/, hint: /Iterate/ });
});

t.test('a loop over a job without a result stream', async (t) => {
  const handle = run(counting, { params: { count: 1 } });
  const failure = await failureOf(async () => {
    for await (const n of handle.results('absent')) t.fail(`${n}`);
  });
  t.match(failure, { code: 'MILL_OPTION_INVALID', message: /absent/ });
  t.same((await handle).results, [0]);
});

t.test('a failure that nobody awaits ends the program', async (t) => {
  const { code, stderr, stdout } = await runToEnd(program('not-awaited'));
  t.equal(code, 1);
  t.match(stderr, /MILL_FUNCTION_FAILED/);
  t.match(stderr, /nobody is listening/);
  t.equal(stdout, 'started\n');
});

t.test('a program of one file: what follows run happens once', async (t) => {
  const { code, stdout, stderr } = await runToEnd(program('one-file'));
  t.equal(code, 0, stderr);
  const lines = stdout.trim().split('\n').sort();
  t.same(lines, ['after: 1000 events', 'before', 'before', 'before', 'before', 'result: 499500']);
});
