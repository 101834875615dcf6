/**
 * A disk that is full at each call that needs room, in turn, until a run gets through without one: the job restarts as
 * its strategy says, or fails with a typed error and goes on with its next start. Committed rows come out once, and
 * nothing is left lying about.
 */
import { fileSink, generate, type JobDefinition, job, MillraceError, ndjson, tumbling } from 'millrace';
import t from 'tap';
import { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import { pathsOf } from '../../checkpoint/manifest.js';
import { Random } from '../../core/random.js';
import type { Coordinator } from '../../engine/coordinator/coordinator.js';
import type { RestartPolicy } from '../../engine/coordinator/restart-strategy.js';
import type { EngineSettings } from '../../engine/worker/settings.js';
import { FullDisk } from '../host/full-disk.js';
import { type Life, linesOn, live, STATE } from './life.js';

const OUT = '/out';
const COUNT = 48;
const KEYS = 3;
const WINDOW = 6;

/** Values, timers and windows; each row is there once if all went well. */
const counting: JobDefinition = job('counting', (j) => {
  const numbers = j
    .from('numbers', generate({ count: COUNT, rate: 600, make: (n) => ({ key: n % KEYS, n }) }))
    .eventTime(({ n }) => n);
  const counts = numbers
    .keyBy(({ key }) => key)
    .aggregate('counts', (a) => ({ n: a.count() }))
    .map(({ key, n }) => `count ${key} ${n}`);
  const windows = numbers
    .keyBy(({ key }) => key)
    .window(tumbling(WINDOW))
    .aggregate('windows', (a) => ({ sum: a.sum(({ n }) => n) }))
    .map(({ key, window, sum }) => `window ${key} ${window.start} ${sum}`);
  counts.union(windows).to('rows', fileSink(OUT, ndjson(), { roll: { every: 20 } }));
});

const EXPECTED = [
  ...Array.from({ length: COUNT }, (_, n) => `"count ${n % KEYS} ${Math.floor(n / KEYS) + 1}"`),
  ...Array.from({ length: COUNT / WINDOW }, (_, at) => at * WINDOW).flatMap((start) =>
    Array.from({ length: KEYS }, (_, key) => `"window ${key} ${start} ${2 * start + 2 * key + KEYS}"`),
  ),
].sort();

const BACKENDS: Readonly<Record<string, Partial<EngineSettings>>> = {
  memory: { backend: 'memory' },
  // Nothing stays in memory beyond the batch at hand.
  level: { backend: 'level', stateBytes: 0 },
};

const RESTARTS: RestartPolicy = { kind: 'fixed-delay', attempts: 2, delay: 2 };

interface Ended {
  readonly outcome: string;
  readonly restarts: number;
}

/** Its outcome, or the code of its failure; it has to come to either. */
async function liveOn(disk: FullDisk, seed: number, life: Partial<Life> = {}): Promise<Ended> {
  let restarts = 0;
  const meanwhile = async (coordinator: Coordinator): Promise<void> => {
    await coordinator.done.catch(() => {});
    restarts = coordinator.restarts;
  };
  try {
    const outcome = await live({ disk, seed, definition: counting, workers: 2, meanwhile, ...life });
    return { outcome: outcome ?? 'died', restarts };
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    return { outcome: error.code, restarts };
  }
}

/** The disk has room again, and whatever has been left is gone on from: by other workers. */
async function finishes(disk: FullDisk, seed: number, settings: Partial<EngineSettings>): Promise<void> {
  disk.free();
  const { outcome } = await liveOn(disk, seed, { settings, workers: 1 + (seed % 3) });
  if (outcome !== 'finished') throw new Error(`the next start ended as ${outcome}`);
  await isExact(disk);
}

async function isExact(disk: FullDisk): Promise<void> {
  const rows = await linesOn(disk, OUT);
  const at = EXPECTED.findIndex((row, index) => row !== rows[index]);
  if (at >= 0 || rows.length !== EXPECTED.length)
    throw new Error(`${rows.length} rows, expected ${EXPECTED.length}; at ${at}: ${rows[at]}, not ${EXPECTED[at]}`);
}

/** Nothing lies in the state directory but what its checkpoints rest on. */
async function isTidy(disk: FullDisk): Promise<void> {
  const store = new CheckpointStore(disk, STATE);
  const names = await store.list();
  const files = (await Promise.all(names.map((name) => store.manifest(name)))).flatMap(pathsOf);
  for (const folder of ['checkpoints', 'state']) {
    for (const { name } of await disk.list(`${STATE}/${folder}`)) {
      const known = names.includes(name) || files.includes(`${folder}/${name}`) || name.startsWith('run-');
      if (!known) throw new Error(`a stray ${folder}/${name}`);
    }
  }
}

/** Calls `check` with a disk that fails at its 1st, 2nd, … n-th call, until it has not failed. Returns the calls that have. */
async function atEachCall(failures: number, check: (disk: FullDisk, at: number) => Promise<void>): Promise<string[]> {
  const failed: string[] = [];
  for (let at = 1; ; at += 1) {
    const disk = new FullDisk();
    disk.fillAt(at, failures);
    try {
      await check(disk, at);
    } catch (error) {
      throw new Error(`call ${at}, ${disk.failed[0]}: ${(error as Error).message}`, { cause: error });
    }
    const [what] = disk.failed;
    if (what === undefined) return failed;
    failed.push(what);
  }
}

/** What a run has to come by, so that the test is known to test it. */
const KINDS: Readonly<Record<string, readonly RegExp[]>> = {
  memory: [
    /^lock/,
    /^make directory .*state/,
    /^make directory .out/,
    ...['make', 'write', 'sync'].flatMap((call) => [
      new RegExp(`^${call} .*inprogress`),
      new RegExp(`^${call} .*rows`),
      new RegExp(`^${call} .*run-.*rows`),
      new RegExp(`^${call} .*manifest`),
    ]),
    /^rename .*manifest/,
    /^rename .*inprogress/,
    /^sync directory .state.checkpoints/,
    /^sync directory .state.state/,
    /^sync directory .out/,
  ],
  get level() {
    return [...(this.memory as RegExp[]), /^open store/, /^write store/];
  },
};

const missingIn = (failed: readonly string[], name: string): string[] =>
  (KINDS[name] ?? []).filter((kind) => !failed.some((what) => kind.test(what))).map(String);

const FULL = 'MILL_DISK_FULL';

/** What is written to the base when the job is over is not waited for: it is a cache. */
function isUnnoticed({ failed }: FullDisk, { outcome }: Ended): boolean {
  return outcome === 'finished' && failed.every((what) => what.startsWith('write store'));
}

function expectEqual(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Error(`${what}: ${found}, not ${wanted}`);
}

for (const [name, settings] of Object.entries(BACKENDS)) {
  t.test(`${name}: without restarts it fails, and the next start goes on, also after a power cut`, async (t) => {
    const random = new Random(1);
    const failed = await atEachCall(1, async (disk, at) => {
      const ended = await liveOn(disk, 1, { settings });
      if (isUnnoticed(disk, ended)) return isExact(disk);
      expectEqual('it ended as', ended.outcome, FULL);
      const cut = at % 2 === 0;
      if (cut) disk.crash(() => random.next());
      await finishes(disk, at, settings);
      if (!cut) await isTidy(disk);
    });
    t.same(missingIn(failed, name), [], 'every kind of call has failed');
  });

  t.test(`${name}: with restarts it goes on by itself`, async (t) => {
    const failed = await atEachCall(1, async (disk, at) => {
      const ended = await liveOn(disk, 1, { settings, restart: RESTARTS });
      // Before it has its directory there is nothing to start again.
      if (!disk.locked) return finishes(disk, at, settings);
      expectEqual('it ended as', ended.outcome, 'finished');
      if (!isUnnoticed(disk, ended)) expectEqual('restarts', ended.restarts, 1);
      await isExact(disk);
      await isTidy(disk);
    });
    t.ok(failed.length > 80, `${failed.length} calls failed`);
  });

  t.test(`${name}: it stays full until all restarts are used up`, async (t) => {
    const failed = await atEachCall(Number.POSITIVE_INFINITY, async (disk, at) => {
      const ended = await liveOn(disk, 1, { settings, restart: RESTARTS });
      if (isUnnoticed(disk, ended)) return isExact(disk);
      expectEqual('it ended as', ended.outcome, FULL);
      if (disk.locked) expectEqual('restarts', ended.restarts, 2);
      await finishes(disk, at, settings);
      await isTidy(disk);
    });
    t.ok(failed.length > 80, `${failed.length} calls failed`);
  });
}

t.test(
  'a manifest whose name could not be made durable, and then a power cut at any call of the next start',
  async (t) => {
    let manifests = 0;
    let deaths = 0;
    for (let at = 1; manifests < 2; at += 1) {
      const isSync = async (disk: FullDisk): Promise<boolean> => {
        disk.fillAt(at, 1);
        await liveOn(disk, 1);
        return disk.failed[0] === `sync directory ${STATE}/checkpoints`;
      };
      if (!(await isSync(new FullDisk()))) continue;
      manifests += 1;
      for (let diesAt = 1; diesAt <= 40; diesAt += 1) {
        const disk = new FullDisk();
        await isSync(disk);
        const { outcome } = await liveOn(disk, diesAt, { diesAt });
        if (outcome === 'died') deaths += 1;
        // Nothing survives that was not synced.
        disk.crash(() => 0);
        await finishes(disk, diesAt, {});
      }
    }
    t.ok(deaths > 60, `${deaths} deaths`);
  },
);
