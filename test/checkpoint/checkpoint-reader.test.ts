/** Reading beside a running job: what is open stays readable, what goes away meanwhile is given up for what is newer. */
import t from 'tap';
import { CheckpointReader } from '../../checkpoint/checkpoint-reader.js';
import { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import type { FileRef, Manifest } from '../../checkpoint/manifest.js';
import { mergeRows } from '../../checkpoint/merge.js';
import { newestRows } from '../../checkpoint/newest-rows.js';
import { RowsFileWriter } from '../../checkpoint/rows-file.js';
import { Savepoint } from '../../checkpoint/savepoint.js';
import type { ReadableFile } from '../../core/host.js';
import { MemoryStorage } from '../../engine/host/memory-storage.js';

const STATE = 'state/job';

function manifest(epoch: number, files: readonly FileRef[]): Manifest {
  return {
    job: 'job',
    id: `id${epoch}`,
    parent: undefined,
    ancestors: [],
    epoch,
    path: [{ branch: 'a', epoch }],
    rewoundTo: undefined,
    maxParallelism: 8,
    parallelism: 1,
    createdAt: 0,
    ended: undefined,
    ranges: [{ first: 0, end: 8, files }],
    sources: {},
    operators: {},
    sinks: {},
    watermarks: {},
    randoms: {},
    uids: ['op'],
  };
}

/** A disk on which something happens when a file of rows is opened. */
class WatchedStorage extends MemoryStorage {
  onOpen: (() => Promise<void>) | undefined;

  override async read(path: string): Promise<ReadableFile> {
    const { onOpen } = this;
    if (path.endsWith('.rows') && onOpen) {
      this.onOpen = undefined;
      await onOpen();
    }
    return super.read(path);
  }
}

/** A job's directory, and what takes its next checkpoint: one row, `n`, in a file of its own. */
async function jobOn(storage: MemoryStorage): Promise<{ store: CheckpointStore; take(n: number): Promise<void> }> {
  const store = new CheckpointStore(storage, STATE);
  await store.open();
  const take = async (n: number): Promise<void> => {
    const rows = new RowsFileWriter();
    rows.of('op').put('table', 'value', 1, 'key', undefined, n);
    await store.writeManifest(manifest(n, [await store.writeRows(`file-${n}`, rows.finish())]));
    await store.prune();
  };
  return { store, take };
}

async function valuesOf(reader: CheckpointReader, wanted?: string): Promise<unknown[]> {
  const open = await reader.open(wanted);
  const values: unknown[] = [];
  const files = open.manifest.ranges.flatMap((range) => range.files);
  for await (const { value } of newestRows(open, files, { first: 0, end: 8 })) values.push(value);
  await open.close();
  return values;
}

t.test('names, newest first; by name, by number; what is not there', async (t) => {
  const storage = new MemoryStorage();
  const reader = new CheckpointReader(storage, STATE);
  await t.rejects(reader.names(), { code: 'MILL_CHECKPOINT_MISSING', message: /state\/job holds no checkpoint/ });
  const { take } = await jobOn(storage);
  for (const n of [1, 2, 3]) await take(n);
  t.same(await reader.names(), ['000000000003-id3', '000000000002-id2']);
  t.same(await valuesOf(reader), [3]);
  t.same(await valuesOf(reader, '2'), [2]);
  t.same(await valuesOf(reader, '000000000002-id2.manifest'), [2]);
  await t.rejects(valuesOf(reader, '1'), {
    code: 'MILL_CHECKPOINT_MISSING',
    message: /no checkpoint 1; it has 0+3-id3, /,
  });
});

t.test('what is open stays readable though the job has removed it', async (t) => {
  const storage = new MemoryStorage();
  const { take } = await jobOn(storage);
  await take(1);
  const open = await new CheckpointReader(storage, STATE).open();
  for (const n of [2, 3, 4]) await take(n);
  t.equal(await storage.stat(`${STATE}/state/file-1.rows`), undefined);
  t.same(await open.verify(), { files: 1, sizeBytes: open.manifest.ranges[0]?.files[0]?.sizeBytes });
});

t.test('what goes away while it is being opened is given up for the newest', async (t) => {
  const storage = new WatchedStorage();
  const { take } = await jobOn(storage);
  await take(1);
  const reader = new CheckpointReader(storage, STATE);
  storage.onOpen = async () => {
    for (const n of [2, 3, 4]) await take(n);
  };
  t.same(await valuesOf(reader), [4]);
  storage.onOpen = async () => {
    for (const n of [5, 6, 7]) await take(n);
  };
  t.equal(await reader.verify('000000000004-id4'), undefined, 'one that is gone is not damaged');
});

t.test('damage is told from absence, and named', async (t) => {
  const storage = new MemoryStorage();
  const { take } = await jobOn(storage);
  await take(1);
  const path = `${STATE}/state/file-1.rows`;
  const reader = new CheckpointReader(storage, STATE);
  const bytes = new Uint8Array((await storage.stat(path))?.sizeBytes ?? 0);
  const content = await storage.read(path);
  await content.read(bytes, 0);
  for (const damage of [bytes.subarray(1), new Uint8Array(bytes.length), Uint8Array.from([...bytes, 0])]) {
    const file = await storage.write(path);
    await file.write(damage);
    await t.rejects(reader.verify('000000000001-id1'), { code: 'MILL_CHECKPOINT_DAMAGED', position: path });
  }
  await storage.remove(path);
  await t.rejects(reader.open(), { code: 'MILL_CHECKPOINT_DAMAGED', position: path });
});

t.test('a savepoint is read like a state directory', async (t) => {
  const storage = new MemoryStorage();
  const { take } = await jobOn(storage);
  await take(1);
  const open = await new CheckpointReader(storage, STATE).open();
  const savepoint = new Savepoint(storage, 'saved');
  await savepoint.write(open.manifest, (task) => mergeRows(open, task, savepoint));
  const reader = new CheckpointReader(storage, 'saved');
  t.same(await reader.names(), ['savepoint']);
  t.same(await valuesOf(reader), [1]);
  t.match(await reader.verify('savepoint'), { files: 1 });
  t.same(
    (await storage.list('saved')).map(({ name }) => name),
    ['savepoint.manifest', 'state'],
  );
  storage.crash(() => 0);
  t.same(await valuesOf(reader), [1], 'it is durable');
});
