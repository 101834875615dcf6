/** Asynchronous calls in running jobs: checkpoints while calls are under way, and what becomes of them. */
import { join } from 'node:path';
import { collect, fileSink, generate, type JobDefinition, job, ndjson, run } from 'millrace';
import t from 'tap';
import { committedRows } from './committed-rows.js';
import { failureOf } from './failure-of.js';
import { until } from './until.js';

t.setTimeout(60_000);

const COUNT = 20_000;

/** Calls wait until they are let go. */
class Service {
  calls = 0;
  aborted = 0;
  #isOpen = false;
  readonly #waiting: (() => void)[] = [];

  readonly call = async ({ n }: { n: number }, { signal }: { signal: AbortSignal }): Promise<{ n: number }> => {
    this.calls += 1;
    signal.addEventListener('abort', () => (this.aborted += 1));
    if (!this.#isOpen) await new Promise<void>((done) => this.#waiting.push(done));
    return { n };
  };

  open(): void {
    this.#isOpen = true;
    for (const done of this.#waiting.splice(0)) done();
  }
}

const calling = (service: Service, out: string): JobDefinition =>
  job('calling', (j) => {
    j.from('numbers', generate({ count: COUNT, make: (n) => ({ n }) }))
      .mapAsync('called', service.call, { capacity: 5 })
      .to('rows', fileSink(out, ndjson(), { roll: { every: 50 } }));
  });

t.test('a full queue holds no checkpoint back; what was under way is called for again', async (t) => {
  const root = t.testdir({});
  const out = join(root, 'out');
  const options = { state: join(root, 'state'), checkpointEvery: '20ms' } as const;
  const stuck = new Service();
  const handle = run(calling(stuck, out), options);
  await until(async () => ((await handle.metrics()).checkpoint?.count ?? 0) >= 3);
  t.equal(stuck.calls, 5);
  await handle.cancel();
  await until(() => stuck.aborted === 5);
  t.same(committedRows(out), []);
  const service = new Service();
  service.open();
  await run(calling(service, out), options);
  const rows = committedRows<{ n: number }>(out).map(({ n }) => n);
  t.same(
    rows.sort((a, b) => a - b),
    Array.from({ length: COUNT }, (_, n) => n),
  );
});

t.test('failures: retried, timed out, dropped', async (t) => {
  const failing = (options: object): JobDefinition<unknown> =>
    job('failing', (j) =>
      j
        .from('numbers', generate({ count: 5, make: (n) => ({ n }) }))
        .mapAsync(
          'called',
          async ({ n }, { attempt }) => {
            if (n === 3 && attempt < 3) throw new Error(`${n} fails`);
            return n;
          },
          options,
        )
        .to('all', collect()),
    );
  const failure = await failureOf(() => run(failing({}), { restart: { kind: 'none' } }));
  t.match(failure, { code: 'MILL_FUNCTION_FAILED', operator: 'called', cause: '3 fails' });
  t.same((await run(failing({ onError: 'skip' }))).collected.all, [0, 1, 2, 4]);
  t.same((await run(failing({ retry: { attempts: 3, delay: 1 } }))).collected.all, [0, 1, 2, 3, 4]);
  const silent = job('silent', (j) => {
    j.from('numbers', generate({ count: 1, make: (n) => n }))
      .mapAsync('called', () => new Promise<number>(() => {}), { timeout: 5 })
      .to('all', collect());
  });
  const late = await failureOf(() => run(silent, { restart: { kind: 'none' } }));
  t.match(late, { code: 'MILL_ASYNC_TIMEOUT', operator: 'called' });
});

t.test('options', (t) => {
  const made = (options: object) => () =>
    job('made', (j) => {
      j.from('numbers', generate({ count: 1, make: (n) => n }))
        .mapAsync('called', (n) => n, options)
        .to('all', collect());
    }).plan();
  for (const options of [
    { capacity: 0 },
    { order: 'none' },
    { timeout: '1 s' },
    { retry: { attempts: 0, delay: 1 } },
    { retry: { attempts: 2, delay: 1, factor: 0.5 } },
  ])
    t.throws(made(options), { code: 'MILL_OPTION_INVALID' });
  t.end();
});
