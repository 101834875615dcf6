/** The disk and the disk in memory: both keep the laws; each has some of its own. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { MemoryStorage } from '../../engine/host/memory-storage.js';
import { NodeStorage } from '../../engine/host/node-storage.js';
import { readText, storageConformance, writeText } from './storage-conformance.js';

storageConformance(t, 'node', (t) => ({ storage: new NodeStorage(), root: t.testdir() }));
storageConformance(t, 'memory', () => ({ storage: new MemoryStorage(), root: '/' }));

t.test('decompression pulls its input only as its output is taken', async (t) => {
  const storage = new NodeStorage();
  // 64 MiB that compress to 64 KiB: 64 chunks of 1 KiB, about 1 MiB of output each.
  const compressed = gzipSync(Buffer.alloc(64 << 20));
  let pulled = 0;
  let closed = false;
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0; at < compressed.length; at += 1_024) {
        pulled += 1;
        yield compressed.subarray(at, at + 1_024);
      }
    } finally {
      closed = true;
    }
  };
  let taken = 0;
  for await (const chunk of storage.decompress('gzip', chunks())) {
    taken += chunk.length;
    if (taken >= 2 << 20) break;
  }
  t.ok(pulled < 20, `${pulled} of 64 chunks were pulled for 2 MiB`);
  for (let turn = 0; turn < 1_000 && !closed; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  t.equal(closed, true, 'breaking off closes the input');
});

t.test('zstd that is cut off, or that this Node cannot read, is unreadable', async (t) => {
  const frame = Buffer.from('28b52ffd040029000068690a', 'hex');
  for (const storage of [new NodeStorage(), new MemoryStorage()]) {
    const read = async (): Promise<void> => {
      const chunks = (async function* () {
        yield frame;
      })();
      for await (const _ of storage.decompress('zstd', chunks));
    };
    await t.rejects(read(), { code: 'MILL_FILE_UNREADABLE' });
  }
});

t.test('memory renames within a directory only', async (t) => {
  const storage = new MemoryStorage();
  await storage.makeDirectory('/a');
  await writeText(storage, '/x', '');
  await t.rejects(storage.rename('/x', '/a/x'), { code: 'EXDEV' });
});

t.test('memory settles by microtask alone', async (t) => {
  const storage = new MemoryStorage();
  let turned = false;
  setImmediate(() => {
    turned = true;
  });
  await storage.makeDirectory('/a/b');
  await writeText(storage, '/a/b/c', 'text');
  await storage.syncDirectory('/a/b');
  t.equal(await readText(storage, '/a/b/c'), 'text');
  t.equal(turned, false);
});

t.test('a crash keeps what was synced', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })), async (numbers) => {
      const storage = new MemoryStorage();
      await storage.makeDirectory('/d');
      await storage.syncDirectory('/');
      const file = await storage.write('/d/a');
      await file.write(Buffer.from('synced'));
      await file.sync();
      await storage.syncDirectory('/d');
      await file.write(Buffer.from('-unsynced'));
      await storage.rename('/d/a', '/d/b');
      storage.crash(() => numbers.next().value as number);
      const [entry] = await storage.list('/d');
      const text = await readText(storage, `/d/${entry?.name}`);
      return 'synced-unsynced'.startsWith(text) && text.startsWith('synced') && (await storage.list('/d')).length === 1;
    }),
    { numRuns: 200 },
  );
  t.pass('200 crashes');
});

t.test('a crash can take whatever was not synced', async (t) => {
  const worst = async (random: number, act: (storage: MemoryStorage) => Promise<void>): Promise<MemoryStorage> => {
    const storage = new MemoryStorage();
    await act(storage);
    storage.crash(() => random);
    return storage;
  };
  const entryOnly = await worst(0, async (storage) => {
    const file = await storage.write('/a');
    await file.write(Buffer.from('text'));
    await file.sync();
  });
  t.equal(await entryOnly.stat('/a'), undefined, 'a synced file without a synced entry is gone');
  const contentOnly = await worst(0, async (storage) => {
    await writeText(storage, '/a', 'text');
    await storage.syncDirectory('/');
  });
  t.equal(await readText(contentOnly, '/a'), '', 'an entry without synced content is empty');
  const cut = await worst(0.25, async (storage) => {
    const file = await storage.write('/a');
    await file.write(Buffer.from('long text'));
    await file.sync();
    await storage.syncDirectory('/');
    await file.truncate(4);
  });
  t.equal(await readText(cut, '/a'), 'long text', 'a cut that was not synced is forgotten');
  const replaced = await worst(0.75, async (storage) => {
    const file = await storage.write('/a');
    await file.write(Buffer.from('long text'));
    await file.sync();
    await storage.syncDirectory('/');
    await file.truncate(0);
    await file.write(Buffer.from('new'));
  });
  t.equal(await readText(replaced, '/a'), 'new', 'or kept, with part of what came after it');
});

t.test('files opened before a crash are of no use after it', async (t) => {
  const storage = new MemoryStorage();
  const file = await storage.write('/a');
  storage.crash(() => 0.99);
  await t.rejects(file.write(Buffer.from('x')), { code: 'EBADF' });
  await t.rejects(file.sync(), { code: 'EBADF' });
});

t.test('a lock whose files are damaged can be taken, and one that is held cannot', async (t) => {
  const storage = new NodeStorage();
  const root = t.testdir({});
  const path = join(root, 'lock');
  for (let turn = 0; turn < 2; turn += 1) await (await storage.lock(path))?.();
  cpSync(path, join(root, 'kept'), { recursive: true });
  const names = readdirSync(path).filter((name) => !name.startsWith('LO'));
  for (const name of names) {
    const bytes = readFileSync(join(root, 'kept', name));
    for (let at = -1; at < bytes.length; at += 1) {
      const flipped = Buffer.from(bytes);
      if (at >= 0) flipped.writeUInt8(flipped.readUInt8(at) ^ 0x55, at);
      writeFileSync(join(path, name), at < 0 ? '' : flipped);
      const release = await storage.lock(path);
      if (!release || (await storage.lock(path))) t.fail(`byte ${at} of ${name}`);
      await release?.();
      cpSync(join(root, 'kept'), path, { recursive: true });
    }
  }
  const release = await storage.lock(path);
  for (const name of readdirSync(path)) if (name !== 'LOCK') rmSync(join(path, name));
  t.equal(await storage.lock(path), undefined, 'whatever has become of its files');
  await release?.();
});
