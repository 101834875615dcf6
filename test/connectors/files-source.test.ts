/** Files as a source: compression, following, resuming, and what goes wrong. */
import { isDeepStrictEqual } from 'node:util';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { z } from 'zod';
import { type CsvRow, csv } from '../../connectors/files/csv.js';
import { files } from '../../connectors/files/files-source.js';
import { lines } from '../../connectors/files/lines.js';
import { ndjson } from '../../connectors/files/ndjson.js';
import { NodeStorage } from '../../engine/host/node-storage.js';
import type { Source } from '../../operators/source.js';
import { ManualHost, settle, until } from '../host/manual-host.js';
import { writeText } from '../host/storage-conformance.js';
import { hostWith } from './chopping-storage.js';
import { sourceConformance } from './source-conformance.js';
import { DrivenReader, readAll, splitsOf } from './source-driver.js';

const CSV = 'id,text\r\n1,"a\nb"\r\n\r\n2,c\r\n3,"d ""e"""\r\n4,f';
const ROWS = [
  { id: '1', text: 'a\nb' },
  { id: '2', text: 'c' },
  { id: '3', text: 'd "e"' },
  { id: '4', text: 'f' },
];

sourceConformance(t, {
  name: 'files of CSV',
  host: () => hostWith({ 'in/a.csv': CSV, 'in/b.csv': '\uFEFFid,text\n', 'in/c.csv': '' }),
  source: () => files('in/*.csv', csv()),
  expected: [ROWS, [], []],
});
for (const sizes of [[1], [3, 5], [1_000]]) {
  sourceConformance(t, {
    name: `compressed CSV in chunks of ${sizes}`,
    host: () => hostWith({ 'a.csv.gz': CSV }, sizes),
    source: () => files('a.csv.gz', csv()),
    expected: [ROWS],
  });
}
sourceConformance(t, {
  name: 'files of NDJSON',
  host: () => hostWith({ a: '\uFEFF{"n":1}\n\n{"n":2}\n  \n{"n":3}', b: '"b"\n' }),
  source: () => files(['b', 'a'], ndjson()),
  expected: [['b'], [{ n: 1 }, { n: 2 }, { n: 3 }]],
});
sourceConformance(t, {
  name: 'gzip',
  host: () => hostWithGzip({ 'a.txt.gz': ['one\ntwo\n', 'three\n'] }),
  source: () => files('a.txt.gz', lines()),
  expected: [['one', 'two', 'three']],
});

async function hostWithGzip(contents: Readonly<Record<string, readonly string[]>>): Promise<ManualHost> {
  const host = new ManualHost();
  for (const [path, members] of Object.entries(contents)) {
    const file = await host.storage.write(path);
    for (const member of members) await file.write(gzipSync(member));
  }
  return host;
}

t.test('types follow from formats and schemas', (t) => {
  const exactly = <T>(_source: Source<T>, _sample?: (record: T) => T): void => undefined;
  exactly<unknown>(files('x', ndjson()), (record: unknown) => record);
  exactly<{ n: number }>(files('x', ndjson<{ n: number }>()), (record: { n: number }) => record);
  exactly<CsvRow>(files('x', csv()), (record: CsvRow) => record);
  exactly<string[]>(files('x', csv({ header: false })), (record: string[]) => record);
  exactly<string>(files('x', lines()), (record: string) => record);
  const typed = files('x', csv({ schema: z.object({ n: z.coerce.number() }) }));
  exactly<{ n: number }>(typed, (record: { n: number }) => record);
  // @ts-expect-error a row is not a number
  exactly<number>(files('x', csv()));
  t.end();
});

t.test('the real disk, larger than a chunk', async (t) => {
  const root = t.testdir();
  const storage = new NodeStorage();
  const host = new ManualHost(storage);
  const rows = Array.from({ length: 50_000 }, (_, n) => ({ n, text: `row number ${n}` }));
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  await writeText(storage, `${root}/plain.ndjson`, text);
  const file = await storage.write(`${root}/packed.ndjson.gz`);
  await file.write(gzipSync(text));
  await file.close();
  for (const name of ['plain.ndjson', 'packed.ndjson.gz']) {
    t.ok(isDeepStrictEqual(await readAll(files(`${root}/${name}`, ndjson()), host, 1_024), rows), name);
    const first = new DrivenReader(files('', ndjson()), { id: `${root}/${name}` }, undefined, host);
    await first.read({ capacity: 1_000, count: 33_333 });
    const second = new DrivenReader(files('', ndjson()), { id: `${root}/${name}` }, first.reader.position(), host);
    await second.read({ capacity: 1_000 });
    t.ok(isDeepStrictEqual(second.records, rows.slice(33_333)), `${name}, resumed`);
    await Promise.all([first.reader.close(), second.reader.close()]);
  }
});

t.test('at most a few chunks are read ahead', async (t) => {
  const host = await hostWith({ a: 'x'.repeat(99).concat('\n').repeat(30_000) });
  const { storage } = host;
  let reads = 0;
  const open = storage.read.bind(storage);
  storage.read = async (path) => {
    const file = await open(path);
    return {
      read: (into, position) => {
        reads += 1;
        return file.read(into, position);
      },
      close: () => file.close(),
    };
  };
  const driven = new DrivenReader(files('a', lines()), { id: 'a' }, undefined, host);
  driven.poll(1);
  for (let turn = 0; turn < 20; turn += 1) await settle();
  t.equal(reads, 2);
  await driven.read({ capacity: 1_024, count: 1_024 });
  await settle();
  t.equal(reads, 3, 'the next comes when one has been taken');
  await driven.reader.close();
});

t.test('what is missing, unreadable or damaged has a name', async (t) => {
  const host = await hostWithGzip({ 'ok.gz': ['text\n'] });
  await writeText(host.storage, 'bad.gz', 'no gzip');
  await t.rejects(splitsOf(files('none/*.csv', csv()), host), { code: 'MILL_FILE_MISSING', message: /none\/\*\.csv/ });
  await t.rejects(splitsOf(files(['ok.gz', 'none'], csv()), host), { code: 'MILL_FILE_MISSING', position: 'none' });
  await t.rejects(readAll(files('bad.gz', lines()), host), { code: 'MILL_FILE_UNREADABLE', message: /^bad\.gz: / });
  const gone = new DrivenReader(files('ok.gz', lines()), { id: 'gone' }, undefined, host);
  await t.rejects(gone.read(), { code: 'MILL_FILE_MISSING', message: /gone/ });
  const short = new DrivenReader(files('x', lines()), { id: 'bad.gz' }, { bytes: 99, line: 9 }, host);
  await t.rejects(short.read(), { code: 'MILL_FILE_UNREADABLE' });
  const plain = files('bad.gz', lines(), { compression: 'none' });
  t.same(await readAll(plain, host), ['no gzip']);
  t.same(await readAll(files('ok.gz', lines(), { compression: 'gzip' }), host), ['text']);
  const shorter = new DrivenReader(plain, { id: 'bad.gz' }, { bytes: 99, line: 9 }, host);
  await t.rejects(shorter.read(), { code: 'MILL_FILE_UNREADABLE', message: /shorter/ });
  host.storage.read = () => Promise.reject(Object.assign(new Error('EACCES: denied'), { code: 'EACCES' }));
  await t.rejects(readAll(plain, host), {
    code: 'MILL_FILE_UNREADABLE',
    message: 'cannot read bad.gz: EACCES: denied',
  });
  host.storage.read = () => Promise.reject(Object.assign(new Error('EIO: torn'), { code: 'EIO' }));
  await t.rejects(readAll(plain, host), { code: 'MILL_SOURCE_FAILED' });
});

t.test('options are checked', (t) => {
  t.throws(() => files([], lines()), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => files('a', lines(), { recordBytesMax: 0 }), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => files('a', lines(), { follow: { every: '1 hour' as never } }), { code: 'MILL_OPTION_INVALID' });
  t.equal(files('a', lines()).bounded, true);
  t.equal(files('a', lines(), { follow: true }).bounded, false);
  t.equal(files(['a', 'b/*'], csv()).description, 'a, b/* (csv)');
  t.end();
});

t.test('a malformed record fails the job where its onError says so', async (t) => {
  const host = await hostWith({ a: '1\nx\n' });
  const driven = new DrivenReader(files('a', ndjson()), { id: 'a' }, undefined, host, { strict: true });
  await t.rejects(driven.read(), { code: 'MILL_RECORD_MALFORMED', position: 'a:2 (byte 2)', kind: 'fix-data' });
});

t.test('followed files give each line once it is complete', async (t) => {
  const host = await hostWith({ 'log/a': 'one\ntw' });
  const append = (text: string): Promise<void> => writeText(host.storage, 'log/a', text, true);
  const source = files('log/*', lines(), { follow: { every: 100 } });
  const driven = new DrivenReader(source, { id: 'log/a' }, undefined, host);
  const pass = async (): Promise<unknown[]> => {
    await until(() => host.timersPending > 0, 'the reader waits for more');
    host.advance(100);
    await until(() => host.timersPending > 0, 'the reader has looked');
    while (driven.poll(10) === 'more');
    return driven.records;
  };
  await until(() => driven.wakes > 0, 'a wake');
  t.equal(driven.poll(10), 'wait');
  t.same(driven.records, ['one']);
  t.same(driven.reader.position(), { bytes: 4, line: 2 });
  t.same(await pass(), ['one']);
  await append('o\nthree\nfo');
  t.same(await pass(), ['one', 'two', 'three']);
  const resumed = new DrivenReader(source, { id: 'log/a' }, driven.reader.position(), host);
  await append('ur\n');
  t.same((await pass()).at(-1), 'four');
  host.advance(200);
  t.same(await resumed.read({ count: 1 }), ['four']);
  await driven.reader.close();
  await resumed.reader.close();
  t.equal(host.timersPending, 0);
});

t.test('a followed file that becomes shorter is an error', async (t) => {
  const host = await hostWith({ a: 'one\ntwo\n' });
  const driven = new DrivenReader(files('a', lines(), { follow: true }), { id: 'a' }, undefined, host);
  await driven.read({ count: 2 });
  await until(() => host.timersPending > 0, 'the reader waits for more');
  await writeText(host.storage, 'a', '1\n');
  host.advance(1_000);
  await until(() => host.timersPending > 0 || driven.failure !== undefined, 'the reader has looked');
  host.advance(1_000);
  await until(() => driven.failure !== undefined, 'a failure');
  t.match(driven.failure, { code: 'MILL_FILE_UNREADABLE', message: /shorter/ });
});

t.test('following discovers new files, each once', async (t) => {
  const host = await hostWith({ 'log/b': '' });
  const source = files(['log/*', 'later'], lines(), { follow: { every: '2s' } });
  const enumerator = source.enumerator({ host, parallelism: 1 });
  t.equal(enumerator.everyMs, 2_000);
  t.same(await enumerator.discover(), [{ id: 'log/b' }]);
  t.same(await enumerator.discover(), []);
  await writeText(host.storage, 'log/a', '');
  await writeText(host.storage, 'later', '');
  t.same(await enumerator.discover(), [{ id: 'log/a' }, { id: 'later' }]);
  const restored = source.enumerator({ host, parallelism: 1 });
  restored.restore(structuredClone(enumerator.snapshot()));
  await writeText(host.storage, 'log/c', '');
  t.same(await restored.discover(), [{ id: 'log/c' }]);
});

t.test('compressed files among followed ones are read once', async (t) => {
  const host = await hostWithGzip({ 'a.gz': ['one\n'] });
  const driven = new DrivenReader(files('a.gz', lines(), { follow: true }), { id: 'a.gz' }, undefined, host);
  t.same(await driven.read(), ['one']);
  t.equal(driven.ended, true);
});
