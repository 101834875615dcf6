/**
 * Bugs in checkpoints and recovery, planted one at a time: each has to be found by the seeds that pass without it.
 */
import t from 'tap';
import { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import type { Manifest } from '../../checkpoint/manifest.js';
import { encodeRows, type RowsContent, type RowsFile, RowsFileWriter } from '../../checkpoint/rows-file.js';
import { TIME_MIN } from '../../core/time.js';
import { Attempt } from '../../engine/coordinator/attempt.js';
import { MemoryStorage } from '../../engine/host/memory-storage.js';
import type { RowWriter } from '../../state/backend.js';
import { checkCrashSeed } from './check-seed.js';
import { OvertakenChannel } from './overtaken-channel.js';
import { randomJob } from './random-job.js';

type Test = Pick<typeof t, 'ok' | 'teardown'>;

const SEEDS_MAX = 400;

/** `only`: of the general jobs, those whose description matches. */
async function firstFailure(
  faults: Parameters<typeof checkCrashSeed>[1] = {},
  only: RegExp | undefined = undefined,
): Promise<string | undefined> {
  for (let seed = 0, checked = 0; checked < (only ? 3 : 1) * SEEDS_MAX; seed += 1) {
    if (only && (seed % 6 < 2 || !only.test(randomJob(seed, 'files').description))) continue;
    checked += 1;
    const { failure } = await checkCrashSeed(seed, { actionsMax: 30_000, ...faults });
    if (failure) return `seed ${seed}: ${failure}`;
  }
  return undefined;
}

/** Replaces a method for the time of a test. */
function plant<T extends object, N extends keyof T>(t: Test, target: T, name: N, make: (original: T[N]) => T[N]): void {
  const original = target[name];
  target[name] = make(original);
  t.teardown(() => {
    target[name] = original;
  });
}

async function isFound(t: Test, faults?: Parameters<typeof firstFailure>[0], only?: RegExp): Promise<void> {
  const failure = await firstFailure(faults, only);
  t.ok(failure, `found by ${failure}`);
}

t.test('sinks commit before the manifest is durable', async (t) => {
  plant(
    t,
    CheckpointStore.prototype,
    'writeManifest',
    (write) =>
      async function (this: CheckpointStore, manifest: Manifest) {
        void write.call(this, manifest);
      },
  );
  await isFound(t);
});

t.test('a file is not synced', async (t) => {
  plant(
    t,
    MemoryStorage.prototype,
    'write',
    (write) =>
      async function (this: MemoryStorage, path: string, options?: { append?: boolean }) {
        const file = await write.call(this, path, options);
        return {
          ...file,
          write: file.write.bind(file),
          truncate: file.truncate.bind(file),
          close: file.close.bind(file),
          sync: async () => {},
        };
      },
  );
  await isFound(t);
});

t.test('a directory is not synced', async (t) => {
  plant(t, MemoryStorage.prototype, 'syncDirectory', () => async () => {});
  await isFound(t);
});

t.test('a worker acknowledges before its rows are written', async (t) => {
  plant(
    t,
    CheckpointStore.prototype,
    'writeRows',
    (write) =>
      async function (this: CheckpointStore, name: string, file: RowsContent) {
        void afterAWhile().then(() => write.call(this, name, file));
        return { path: `state/${name}.rows`, ...encodeRows(file as RowsFile).facts };
      },
  );
  await isFound(t);
});

t.test('a barrier overtakes records: alignment is lost', async (t) => {
  await isFound(t, { plant: { output: (channel) => new OvertakenChannel(channel, 'barrier', 10) } });
});

/** As a slow disk would. */
async function afterAWhile(): Promise<void> {
  for (let turn = 0; turn < 200; turn += 1) await null;
}

/** What an operator's rows go through on their way into a checkpoint. */
function plantRows(t: Test, wrap: (writer: RowWriter) => RowWriter): void {
  plant(
    t,
    RowsFileWriter.prototype,
    'of',
    (of) =>
      function (this: RowsFileWriter, operator: string) {
        return wrap(of.call(this, operator));
      },
  );
}

t.test('a timer is left out of the checkpoint', async (t) => {
  plantRows(t, (writer) => ({
    put: (table, kind, ...row) => kind === 'timer' || writer.put(table, kind, ...row),
    remove: (...row) => writer.remove(...row),
  }));
  await isFound(t);
});

t.test('removed rows come back', async (t) => {
  plantRows(t, (writer) => ({ put: (...row) => writer.put(...row), remove: () => {} }));
  // A timer and its records, removed together, have to come back together: events that wait to be sorted.
  await isFound(t, {}, /sorted/);
});

t.test('a sealed object is changed before it is written', async (t) => {
  const late: (() => void)[] = [];
  plantRows(t, (writer) => ({
    put: (...row) => void late.push(() => writer.put(...row)),
    remove: (...row) => void late.push(() => writer.remove(...row)),
  }));
  plant(
    t,
    RowsFileWriter.prototype,
    'closeSome',
    (closeSome) =>
      function (this: RowsFileWriter) {
        for (const write of late.splice(0)) write();
        return closeSome.call(this);
      },
  );
  await isFound(t);
});

t.test("an aborted checkpoint's rows are dropped", async (t) => {
  const names = new Map<string, string[]>();
  plant(
    t,
    Attempt.prototype,
    'abort',
    (abort) =>
      function (this: Attempt, id: number) {
        names.set('aborted', [...(names.get('aborted') ?? []), String(id).padStart(12, '0')]);
        abort.call(this, id);
      },
  );
  plant(
    t,
    CheckpointStore.prototype,
    'writeManifest',
    (write) =>
      function (this: CheckpointStore, manifest: Manifest) {
        const aborted = names.get('aborted') ?? [];
        const lost = (path: string): boolean => aborted.some((epoch) => path.startsWith(`state/${epoch}-`));
        const ranges = manifest.ranges.map((range) => ({
          ...range,
          files: range.files.filter(({ path }) => !lost(path)),
        }));
        return write.call(this, { ...manifest, ranges });
      },
  );
  await isFound(t);
});

t.test('a split is handed out between snapshot and barrier', async (t) => {
  plant(
    t,
    CheckpointStore.prototype,
    'writeManifest',
    (write) =>
      function (this: CheckpointStore, manifest: Manifest) {
        // As if the enumerator had been cut before the splits that were dealt with this barrier.
        const sources = Object.entries(manifest.sources).map(([uid, { enumerator, splits }]) => [
          uid,
          { enumerator: typeof enumerator === 'number' ? Math.max(0, enumerator - 1) : enumerator, splits },
        ]);
        return write.call(this, { ...manifest, sources: Object.fromEntries(sources) as Manifest['sources'] });
      },
  );
  await isFound(t);
});

t.test('the watermark is forgotten', async (t) => {
  plant(
    t,
    CheckpointStore.prototype,
    'newest',
    (newest) =>
      async function (this: CheckpointStore) {
        const manifest = await newest.call(this);
        if (!manifest) return manifest;
        const sources = Object.entries(manifest.sources).map(([uid, { enumerator, splits }]) => [
          uid,
          { enumerator, splits: splits.map((split) => ({ ...(split as object), watermark: TIME_MIN })) },
        ]);
        return { ...manifest, watermarks: {}, sources: Object.fromEntries(sources) as Manifest['sources'] };
      },
  );
  await isFound(t);
});
