/** The laws of `Storage`, for the disk and for memory: `storageConformance(t, 'node', () => ({ storage, root }))`. */
import { gzipSync } from 'node:zlib';
import type { Test } from 'tap';
import type { Storage } from '../../core/host.js';

export interface StorageUnderTest {
  readonly storage: Storage;
  /** An empty directory. */
  readonly root: string;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

export async function writeText(storage: Storage, path: string, text: string, append = false): Promise<void> {
  const file = await storage.write(path, { append });
  await file.write(bytes(text));
  await file.close();
}

export async function readBytes(storage: Storage, path: string): Promise<Buffer> {
  const file = await storage.read(path);
  const into = Buffer.alloc((await storage.stat(path))?.sizeBytes ?? 0);
  const read = await file.read(into, 0);
  await file.close();
  return into.subarray(0, read);
}

export async function readText(storage: Storage, path: string): Promise<string> {
  return (await readBytes(storage, path)).toString();
}

async function* chunksOf(content: Uint8Array, sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += sizeBytes) yield content.subarray(at, at + sizeBytes);
}

async function inflate(storage: Storage, content: Uint8Array, sizeBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of storage.decompress('gzip', chunksOf(content, sizeBytes))) parts.push(part);
  return Buffer.concat(parts);
}

export function storageConformance(t: Test, name: string, make: (t: Test) => StorageUnderTest): void {
  t.test(`${name} conforms as a storage`, async (t) => {
    filesConform(t, make);
    directoriesConform(t, make);
    decompressionConforms(t, make);
  });
}

function filesConform(t: Test, make: (t: Test) => StorageUnderTest): void {
  t.test('what is written is read, from any position', async (t) => {
    const { storage, root } = make(t);
    await writeText(storage, `${root}/a`, 'hello world');
    const file = await storage.read(`${root}/a`);
    const into = Buffer.alloc(5);
    t.equal(await file.read(into, 6), 5);
    t.equal(into.toString(), 'world');
    t.equal(await file.read(into, 9), 2, 'as much as there is');
    t.equal(await file.read(into, 11), 0, 'nothing at the end');
    t.equal(await file.read(into, 99), 0, 'nothing behind it');
    await file.close();
  });

  t.test('writing replaces, appending goes on', async (t) => {
    const { storage, root } = make(t);
    await writeText(storage, `${root}/a`, 'one');
    await writeText(storage, `${root}/a`, 'two', true);
    t.equal(await readText(storage, `${root}/a`), 'onetwo');
    await writeText(storage, `${root}/a`, 'x');
    t.equal(await readText(storage, `${root}/a`), 'x');
    await writeText(storage, `${root}/new`, 'made', true);
    t.equal(await readText(storage, `${root}/new`), 'made');
  });

  t.test('a truncated file goes on where it was cut', async (t) => {
    const { storage, root } = make(t);
    const file = await storage.write(`${root}/a`);
    await file.write(bytes('hello world'));
    await file.truncate(5);
    await file.write(bytes('!'));
    await file.sync();
    await file.close();
    t.equal(await readText(storage, `${root}/a`), 'hello!');
    const more = await storage.write(`${root}/a`, { append: true });
    await more.truncate(2);
    await more.write(bytes('y'));
    await more.close();
    t.equal(await readText(storage, `${root}/a`), 'hey');
  });

  t.test('a reader sees what is appended', async (t) => {
    const { storage, root } = make(t);
    const writer = await storage.write(`${root}/a`);
    const reader = await storage.read(`${root}/a`);
    const into = Buffer.alloc(10);
    t.equal(await reader.read(into, 0), 0);
    await writer.write(bytes('more'));
    t.equal(await reader.read(into, 0), 4);
    await Promise.all([reader.close(), writer.close()]);
  });

  t.test('errors carry the codes of Node', async (t) => {
    const { storage, root } = make(t);
    await writeText(storage, `${root}/file`, '');
    await t.rejects(storage.read(`${root}/none`), { code: 'ENOENT' });
    await t.rejects(storage.write(`${root}/none/file`), { code: 'ENOENT' });
    await t.rejects(storage.write(`${root}/file/below`), { code: 'ENOTDIR' });
    await t.rejects(storage.write(root), { code: 'EISDIR' });
    await t.rejects(storage.list(`${root}/none`), { code: 'ENOENT' });
    await t.rejects(storage.list(`${root}/file`), { code: 'ENOTDIR' });
    await t.rejects(storage.rename(`${root}/none`, `${root}/b`), { code: 'ENOENT' });
    await t.rejects(storage.makeDirectory(`${root}/file/below`), { code: 'ENOTDIR' });
  });
}

function directoriesConform(t: Test, make: (t: Test) => StorageUnderTest): void {
  t.test('directories list their entries, sorted', async (t) => {
    const { storage, root } = make(t);
    t.same(await storage.list(root), []);
    for (const name of ['b', 'a', 'Z', '.hidden']) await writeText(storage, `${root}/${name}`, '');
    await storage.makeDirectory(`${root}/sub/deeper`);
    await storage.makeDirectory(`${root}/sub`);
    t.same(
      (await storage.list(root)).map(({ name, directory }) => `${name}${directory ? '/' : ''}`),
      ['.hidden', 'Z', 'a', 'b', 'sub/'],
    );
    await storage.syncDirectory(root);
  });

  t.test('stat tells files, directories and nothing apart', async (t) => {
    const { storage, root } = make(t);
    await writeText(storage, `${root}/a`, 'four');
    t.match(await storage.stat(`${root}/a`), { sizeBytes: 4, directory: false });
    t.match(await storage.stat(root), { directory: true });
    t.equal(await storage.stat(`${root}/none`), undefined);
    t.equal(await storage.stat(`${root}/a/below`), undefined);
  });

  t.test('renaming replaces, removing what is not there is no error', async (t) => {
    const { storage, root } = make(t);
    await writeText(storage, `${root}/a`, 'new');
    await writeText(storage, `${root}/b`, 'old');
    await storage.rename(`${root}/a`, `${root}/b`);
    t.equal(await readText(storage, `${root}/b`), 'new');
    t.equal(await storage.stat(`${root}/a`), undefined);
    await storage.remove(`${root}/b`);
    await storage.remove(`${root}/b`);
    t.same(await storage.list(root), []);
  });
}

function decompressionConforms(t: Test, make: (t: Test) => StorageUnderTest): void {
  const text = Array.from({ length: 20_000 }, (_, n) => `line ${(n * 7919) % 1_009}\n`).join('');

  t.test('gzip comes out as it went in, in chunks of any size', async (t) => {
    const { storage } = make(t);
    for (const sizeBytes of [1, 7, 1_000, 1 << 20]) {
      t.equal((await inflate(storage, gzipSync(text), sizeBytes)).toString(), text, `chunks of ${sizeBytes}`);
    }
    t.equal((await inflate(storage, gzipSync(''), 10)).length, 0);
  });

  t.test('a file of several gzip members is all of them', async (t) => {
    const { storage } = make(t);
    const members = Buffer.concat([gzipSync('one\n'), gzipSync(''), gzipSync('two\n')]);
    for (const sizeBytes of [1, 5, 1_000])
      t.equal((await inflate(storage, members, sizeBytes)).toString(), 'one\ntwo\n');
  });

  t.test('damaged and cut-off gzip is an error', async (t) => {
    const { storage } = make(t);
    const whole = gzipSync(text);
    const flipped = Buffer.from(whole);
    flipped[whole.length >> 1] = (flipped[whole.length >> 1] as number) ^ 0xff;
    for (const wrong of [
      whole.subarray(0, -1),
      whole.subarray(0, whole.length >> 1),
      flipped,
      bytes('no gzip at all'),
    ]) {
      await t.rejects(inflate(storage, wrong, 512), { code: 'MILL_FILE_UNREADABLE' });
    }
  });

  t.test('an error of the chunks comes through as it is', async (t) => {
    const { storage } = make(t);
    const torn = async function* (): AsyncGenerator<Uint8Array> {
      yield gzipSync(text).subarray(0, 100);
      throw Object.assign(new Error('EIO: torn'), { code: 'EIO' });
    };
    await t.rejects(
      async () => {
        for await (const _ of storage.decompress('gzip', torn()));
      },
      { code: 'EIO' },
    );
  });
}
