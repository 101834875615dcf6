/** The file sink: exactly once whatever fails, and whenever the power goes. */
import fc from 'fast-check';
import t from 'tap';
import { z } from 'zod';
import { csv } from '../../connectors/files/csv.js';
import { type FileSinkOptions, fileSink } from '../../connectors/files/file-sink.js';
import { lines } from '../../connectors/files/lines.js';
import { ndjson } from '../../connectors/files/ndjson.js';
import { partKind, partNames } from '../../connectors/files/part-name.js';
import { Batch, Inbox } from '../../core/batch.js';
import { MemoryStorage } from '../../engine/host/memory-storage.js';
import { NodeStorage } from '../../engine/host/node-storage.js';
import type { Committer, Sink } from '../../operators/sink.js';
import { FaultyStorage } from '../host/faulty-storage.js';
import { ManualHost, settle, until } from '../host/manual-host.js';
import { readText, writeText } from '../host/storage-conformance.js';
import { BEGINNING, type Checkpoint, DIRECTORY, hiddenIn, namesIn, numbers, SinkRun, visibleIn } from './part-files.js';
import { sinkConformance } from './sink-conformance.js';
import { DrivenWriter, type DriveOptions } from './sink-driver.js';

const byNumber = (a: unknown, b: unknown): number => (a as { n: number }).n - (b as { n: number }).n;

for (const sizeBytes of [1, 20, 1 << 20]) {
  sinkConformance(t, {
    name: `files that roll at ${sizeBytes} bytes`,
    records: numbers(11),
    make: (host) => ({
      sink: fileSink(DIRECTORY, ndjson(), { roll: { sizeBytes } }),
      visible: () => visibleIn(host.storage),
    }),
  });
}

function drivenOn(host: ManualHost, options: FileSinkOptions & DriveOptions = {}): DrivenWriter {
  return new DrivenWriter(fileSink(DIRECTORY, ndjson(), options) as Sink<never>, host, options);
}

function committerOn(host: ManualHost, options: FileSinkOptions = {}): Committer {
  return fileSink(DIRECTORY, ndjson(), options).committer?.({ host, uid: 'out', job: 'job' }) as Committer;
}

t.test('the real disk', async (t) => {
  const root = t.testdir();
  const host = new ManualHost(new NodeStorage());
  const sink = fileSink(`${root}/a/b/`, ndjson(), { roll: { sizeBytes: 1_000_000 } }) as Sink<never>;
  const driven = new DrivenWriter(sink, host);
  const records = Array.from({ length: 40_000 }, (_, n) => ({ n, text: 'é'.repeat(n % 50) }));
  await driven.write(records.slice(0, 25_000), 1_024);
  const first = await driven.writer.prepare(1, false);
  await driven.write(records.slice(25_000), 1_024);
  const last = await driven.writer.prepare(2, true);
  const committer = sink.committer?.({ host, uid: 'out', job: 'job' }) as Committer;
  await committer.commit(first);
  await committer.commit(last);
  await driven.writer.close();
  const names = (await host.storage.list(`${root}/a/b`)).map((entry) => entry.name);
  t.ok(
    names.length > 1 && names.every((name) => /^out-[0-9a-f]{8}-run1_\d{6}-0-\d{6}\.ndjson$/.test(name)),
    `${names}`,
  );
  const texts = await Promise.all(names.map((name) => readText(host.storage, `${root}/a/b/${name}`)));
  t.equal(texts.join(''), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  await committer.clear();
  t.same(await host.storage.list(`${root}/a/b`), []);
});

t.test('handles say what is complete, and how much of the rest is durable', async (t) => {
  const host = new ManualHost();
  const driven = drivenOn(host, { roll: { sizeBytes: 16 } });
  await driven.write(numbers(3));
  const names = (sequence: number) =>
    partNames({ job: 'job', uid: 'out', runId: 'run1', epoch: 1, subtask: 0, sequence, extension: 'ndjson' });
  const complete = { directory: DIRECTORY, ...names(0), sizeBytes: 16, open: false };
  t.same(await driven.writer.prepare(1, false), [
    complete,
    { directory: DIRECTORY, ...names(1), sizeBytes: 8, open: true },
  ]);
  await driven.write(numbers(1));
  const rolled = { directory: DIRECTORY, ...names(1), sizeBytes: 16, open: false };
  t.same(
    await driven.writer.prepare(2, false),
    [complete, rolled],
    'until a checkpoint is complete, it is in every one',
  );
  driven.writer.onCheckpointComplete?.(1);
  t.same(
    await driven.writer.prepare(3, false),
    [rolled],
    'what checkpoint 1 had as open, its completion does not commit',
  );
  driven.writer.onCheckpointComplete?.(3);
  t.same(await driven.writer.prepare(4, true), []);
  await driven.writer.close();
});

t.test('files roll by age', async (t) => {
  const host = new ManualHost();
  const driven = drivenOn(host, { roll: { every: '10s' } });
  await driven.write(numbers(2));
  host.advance(9_999);
  t.match(await driven.writer.prepare(1, false), [{ open: true, sizeBytes: 16 }]);
  host.advance(1);
  t.match(await driven.writer.prepare(2, false), [{ open: false, sizeBytes: 16 }]);
  await driven.write(numbers(1));
  host.advance(9_999);
  t.match(await driven.writer.prepare(3, false), [{ open: false }, { open: true }], 'the age is that of the file');
  await driven.writer.close();
  t.equal(host.timersPending, 0);
});

t.test('a file that rolls by size leaves no alarm behind for the next', async (t) => {
  const host = new ManualHost();
  const driven = drivenOn(host, { roll: { sizeBytes: 16, every: '10s' } });
  await driven.write(numbers(1));
  host.advance(5_000);
  await driven.write(numbers(2));
  host.advance(6_000);
  t.match(await driven.writer.prepare(1, false), [{ open: false }, { open: true, sizeBytes: 8 }]);
  await driven.writer.close();
});

t.test('complete files that recovery did not commit are in the next checkpoint', async (t) => {
  const host = new ManualHost();
  const driven = drivenOn(host, { roll: { sizeBytes: 16 } });
  await driven.write(numbers(3));
  const handles = await driven.writer.prepare(1, false);
  const again = drivenOn(host, { runId: 'run2' });
  await again.writer.open?.(handles);
  const taken = await again.writer.prepare(2, false);
  t.match(taken, [
    { open: false, sizeBytes: 16 },
    { open: false, sizeBytes: 8 },
  ]);
  await committerOn(host).commit(taken);
  t.same(await visibleIn(host.storage), numbers(3));
  const third = drivenOn(host, { runId: 'run3' });
  await third.writer.open?.(taken);
  t.same(await third.writer.prepare(3, false), [], 'those that were committed are not');
});

t.test('CSV has its header in every file', async (t) => {
  const host = new ManualHost();
  const sink = fileSink(DIRECTORY, csv({ columns: ['n', 'm'] }), { roll: { sizeBytes: 8 } }) as Sink<never>;
  const driven = new DrivenWriter(sink, host);
  await driven.write([{ n: 1, m: 'a,b' }, { n: 2 }]);
  await sink.committer?.({ host, uid: 'out', job: 'job' }).commit(await driven.writer.prepare(1, true));
  const texts = await Promise.all(
    (await namesIn(host.storage)).map((name) => readText(host.storage, `${DIRECTORY}/${name}`)),
  );
  t.same(texts, ['n,m\n1,"a,b"\n', 'n,m\n2,\n']);
});

t.test('records larger than a buffer, and buffers filled to the brim', async (t) => {
  const host = new ManualHost();
  const sink = fileSink(DIRECTORY, lines()) as Sink<never>;
  const driven = new DrivenWriter(sink, host);
  const records = ['a', 'é'.repeat(200_000), 'b'.repeat(87_380), 'c'.repeat(87_381), '€'.repeat(87_381), 'd'];
  await driven.write(records, 1);
  const [handle] = await driven.writer.prepare(1, true);
  const text = records.map((record) => `${record}\n`).join('');
  t.match(handle, { sizeBytes: Buffer.byteLength(text) });
  t.equal(await readText(host.storage, `${DIRECTORY}/${(handle as { temporary: string }).temporary}`), text);
});

t.test('a slow disk holds records back, and wakes when there is room', async (t) => {
  const storage = new MemoryStorage();
  const release: (() => void)[] = [];
  const open = storage.write.bind(storage);
  storage.write = async (path, options) => {
    const file = await open(path, options);
    return { ...file, write: (bytes) => new Promise((resolve) => release.push(() => resolve(file.write(bytes)))) };
  };
  const driven = new DrivenWriter(fileSink(DIRECTORY, lines()) as Sink<never>, new ManualHost(storage));
  const batch = new Batch(100);
  for (let n = 0; n < 100; n += 1) batch.push('x'.repeat(50_000), n);
  const inbox = new Inbox(batch);
  driven.writer.write(inbox);
  const { cursor } = inbox;
  t.ok(cursor > 0 && cursor * 50_000 < 3 * (256 << 10), `${cursor} records were taken`);
  await until(() => release.length === 1, 'the first write');
  driven.writer.write(inbox);
  t.equal(inbox.cursor, cursor, 'no more are, while two buffers wait');
  t.equal(driven.wakes, 0);
  release[0]?.();
  await until(() => driven.wakes === 1, 'a wake');
  driven.writer.write(inbox);
  t.ok(inbox.cursor > cursor);
});

t.test('what cannot be written leaves the cursor on its record and no file behind', async (t) => {
  const host = new ManualHost();
  const driven = drivenOn(host);
  const batch = new Batch(3);
  for (const record of [{ n: 1n }, { n: 2 }]) batch.push(record, 0);
  const inbox = new Inbox(batch);
  t.throws(() => driven.writer.write(inbox), { code: 'MILL_RECORD_NOT_PLAIN' });
  t.equal(inbox.cursor, 0);
  t.same(await driven.writer.prepare(1, false), []);
  inbox.cursor = 1;
  driven.writer.write(inbox);
  await driven.writer.prepare(2, false);
  t.equal((await namesIn(host.storage)).length, 1);
});

const EXPECTED_CODES: Readonly<Record<string, string>> = {
  ENOSPC: 'MILL_DISK_FULL',
  EDQUOT: 'MILL_DISK_FULL',
  EACCES: 'MILL_FILE_UNWRITABLE',
  EROFS: 'MILL_FILE_UNWRITABLE',
  EIO: 'MILL_SINK_FAILED',
};

for (const [code, expected] of Object.entries(EXPECTED_CODES)) {
  t.test(
    `every disk call fails in turn with ${code}: a typed error, nothing partial, and recovery is exact`,
    async (t) => {
      for (let failAt = 1; ; failAt += 1) {
        const disk = new MemoryStorage();
        const faulty = new FaultyStorage(disk, failAt, code);
        let checkpoint: Checkpoint = BEGINNING;
        const failing = new SinkRun(faulty, BEGINNING);
        const outcome = await failing
          .recover()
          .then(() => failing.run(9, 4, (complete) => (checkpoint = complete)))
          .catch((error: unknown) => error);
        await failing.driven.writer.close();
        if (faulty.failed === undefined) {
          t.same((await visibleIn(disk)).sort(byNumber), numbers(9));
          t.ok(failAt > 30, `${failAt - 1} calls failed`);
          break;
        }
        // Only what cleans up behind the last commit may fail unnoticed.
        if (outcome !== undefined)
          t.match(outcome, { code: expected, operator: 'out' }, `${faulty.failed} (${failAt})`);
        // The sink's directory lies in one that may not be opened to be synced, and has been there before.
        else t.match(faulty.failed, code === 'EACCES' ? /^(remove|close) |^sync directory \.$/ : /^(remove|close) /);
        const visible = (await visibleIn(disk)).sort(byNumber);
        t.same(visible, numbers(visible.length), `whole records after ${faulty.failed}`);
        t.ok(visible.length <= checkpoint.count, 'nothing is visible that no checkpoint has');
        const again = new SinkRun(disk, checkpoint, { runId: 'run2' });
        await again.recover();
        await again.run(9, 4, () => undefined);
        t.same((await visibleIn(disk)).sort(byNumber), numbers(9), `recovered from ${faulty.failed} (${failAt})`);
        t.same(await hiddenIn(disk), [], 'nothing is left behind');
      }
    },
  );
}

t.test('power cuts, again and again: every record once', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(1, 20, 1_000),
      fc.boolean(),
      async (chance, cuts, every, sizeBytes, sameRunId) => {
        const disk = new MemoryStorage();
        let checkpoint: Checkpoint = BEGINNING;
        for (const [attempt, failAt] of [...cuts, Number.POSITIVE_INFINITY].entries()) {
          // The failing call stands for the power cut: what comes after it finds its files gone.
          const faulty = new FaultyStorage(disk, failAt, 'EIO');
          const runId = sameRunId ? 'run' : `run-${attempt}`;
          const run = new SinkRun(faulty, checkpoint, { runId, roll: { sizeBytes } });
          const done = await run
            .recover()
            .then(() => run.run(12, every, (complete) => (checkpoint = complete)))
            .then(() => true)
            .catch(() => false);
          if (done) break;
          disk.crash(() => chance.next().value as number);
          const visible = (await visibleIn(disk)).sort(byNumber);
          t.same(visible, numbers(visible.length));
          await settle();
        }
        t.same((await visibleIn(disk)).sort(byNumber), numbers(12));
        t.same(await hiddenIn(disk), []);
      },
    ),
    { numRuns: 400 },
  );
});

t.test('a failed sink takes away what no checkpoint knows, and keeps what one may', async (t) => {
  const host = new ManualHost();
  const driven = drivenOn(host, { roll: { sizeBytes: 16 } });
  await driven.write(numbers(3));
  await driven.writer.prepare(1, false);
  await driven.write(numbers(5));
  await settle();
  t.equal((await hiddenIn(host.storage)).length, 4);
  await driven.writer.close();
  t.same(
    (await hiddenIn(host.storage)).map((name) => name.slice(-25)),
    ['run1-0-000000.ndjson.inprogress', 'run1-0-000001.ndjson.inprogress'].map((name) => name.slice(-25)),
  );
  t.same(await visibleIn(host.storage), []);
});

t.test("clearing removes this sink's files and no others", async (t) => {
  const host = new ManualHost();
  const { storage } = host;
  await storage.makeDirectory(`${DIRECTORY}/sub`);
  const name = { runId: 'r', epoch: 1, subtask: 0, sequence: 1, extension: 'ndjson' };
  const own = partNames({ job: 'job', uid: 'out', ...name });
  const others = [
    ...Object.values(partNames({ job: 'job', uid: 'out-2', ...name })),
    ...Object.values(partNames({ job: 'job', uid: 'ou', ...name })),
    ...Object.values(partNames({ job: 'other', uid: 'out', ...name })),
    'out.ndjson',
    `${own.final}.bak`,
    `x${own.final}`,
    own.final.replace('-r_', '-r-x_'),
    '.part-notes',
  ];
  for (const each of [...others, own.final, own.temporary]) await writeText(storage, `${DIRECTORY}/${each}`, '');
  const sink = fileSink(DIRECTORY, csv());
  const committer = sink.committer?.({ host, uid: 'out', job: 'job' }) as Committer;
  await committer.clear();
  t.same(await namesIn(storage), [...others, 'sub'].sort());
  await fileSink('nowhere', csv()).committer?.({ host, uid: 'out', job: 'job' }).clear();
  t.equal(await storage.stat('nowhere'), undefined, 'clearing makes no directory');
  t.equal(
    partKind(partNames({ job: 'j', uid: 'a-b', ...name, runId: '../x-y' }).final, { job: 'j', uid: 'a-b' }),
    'final',
  );
  t.notMatch(partNames({ job: 'j', uid: 'a', ...name, runId: '../x' }).final, /\//);
});

t.test('a committed file that is gone is an error, unless others may take it', async (t) => {
  const host = new ManualHost();
  const driven = drivenOn(host);
  await driven.write(numbers(2));
  const handles = await driven.writer.prepare(1, true);
  const committer = committerOn(host);
  await committer.commit(handles);
  const [name] = await namesIn(host.storage);
  await host.storage.remove(`${DIRECTORY}/${name}`);
  await t.rejects(committer.commit(handles), { code: 'MILL_FILE_MISSING', message: /neither/, hint: /takenByOthers/ });
  await committerOn(host, { takenByOthers: true }).commit(handles);
});

t.test('files that were changed behind the back of a checkpoint are refused', async (t) => {
  const host = new ManualHost();
  const driven = drivenOn(host);
  await driven.write(numbers(2));
  const open = await driven.writer.prepare(1, false);
  const complete = await driven.writer.prepare(2, true);
  const [name] = await hiddenIn(host.storage);
  const committer = committerOn(host);
  await writeText(host.storage, `${DIRECTORY}/${name}`, 'x');
  await t.rejects(committer.commit(complete), {
    code: 'MILL_FILE_UNREADABLE',
    message: /has 1 bytes, the checkpoint 16/,
  });
  await t.rejects(async () => drivenOn(host).writer.open?.(open), { code: 'MILL_FILE_UNREADABLE' });
  await host.storage.remove(`${DIRECTORY}/${name}`);
  await t.rejects(async () => drivenOn(host).writer.open?.(open), { code: 'MILL_FILE_MISSING' });
  t.same(await visibleIn(host.storage), []);
});

t.test('going back to an older checkpoint withdraws what a later one made visible', async (t) => {
  const disk = new MemoryStorage();
  const host = new ManualHost(disk);
  const committer = committerOn(host);
  const driven = drivenOn(host);
  await driven.write(numbers(2));
  const older = await driven.writer.prepare(1, false);
  await driven.write([{ n: 2 }, { n: 3 }]);
  await committer.commit(await driven.writer.prepare(2, true));
  t.same(await visibleIn(host.storage), numbers(4));
  const again = drivenOn(host, { runId: 'run2' });
  await again.writer.open?.(older);
  t.same(await visibleIn(disk), []);
  disk.crash(() => 0);
  t.same(await visibleIn(disk), [], 'and a power cut does not bring it back');
  await committer.commit(await again.writer.prepare(2, true));
  t.same(await visibleIn(disk), numbers(2));
});

t.test('a directory that is a file, and options that are none', async (t) => {
  const host = new ManualHost();
  await host.storage.makeDirectory('data');
  await writeText(host.storage, DIRECTORY, '');
  const driven = drivenOn(host);
  await driven.write(numbers(1));
  await t.rejects(driven.writer.prepare(1, true), { code: 'MILL_FILE_UNWRITABLE', operator: 'out', subtask: 0 });
  t.match(driven.failure, { code: 'MILL_FILE_UNWRITABLE' });
  const batch = new Batch(1);
  batch.push({}, 0);
  const inbox = new Inbox(batch);
  driven.writer.write(inbox);
  t.equal(inbox.cursor, 0, 'a failed writer takes nothing more');
  await driven.writer.close();
  t.throws(() => fileSink('', ndjson()), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => fileSink('a', ndjson(), { roll: { sizeBytes: 0 } }), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => fileSink('a', ndjson(), { roll: { every: 'soon' as never } }), { code: 'MILL_OPTION_INVALID' });
  t.equal(fileSink('out/', ndjson()).description, 'out (ndjson)');
});

t.test('types follow from the format', (t) => {
  const accepts = <T>(sink: Sink<T>): Sink<T> => sink;
  accepts<{ a: number }>(fileSink('x', ndjson()));
  accepts<{ a: number }>(fileSink('x', csv()));
  accepts<string>(fileSink('x', lines()));
  accepts<{ n: number }>(fileSink('x', ndjson({ schema: z.object({ n: z.number() }) })));
  // @ts-expect-error lines take strings
  accepts<number>(fileSink('x', lines()));
  t.end();
});
