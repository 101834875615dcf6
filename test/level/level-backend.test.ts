/**
 * Recovery of a worker's base: warm where it is on the manifest's chain of checkpoints, cold otherwise, right in any
 * case; and the bugs that would make it wrong, planted.
 */

import t, { type Test } from 'tap';
import type { RowsFile } from '../../checkpoint/rows-file.js';
import type { Storage } from '../../core/host.js';
import { MemoryStorage } from '../../engine/host/memory-storage.js';
import { NodeStorage } from '../../engine/host/node-storage.js';
import { LevelBackend } from '../../engine/worker/level-backend.js';
import { LevelState } from '../../state/level/level-state.js';
import { Rig, type Taken } from './rig.js';

const STORAGES: Readonly<Record<string, (t: Test) => { storage: Storage; root: string }>> = {
  memory: () => ({ storage: new MemoryStorage(), root: '/job' }),
  LevelDB: (t) => ({ storage: new NodeStorage(), root: t.testdir() }),
};

/** Replaces a method until the test ends. */
function plant(t: Test, prototype: object, method: string, replacement: (...given: never[]) => unknown): void {
  const original = Object.getOwnPropertyDescriptor(prototype, method) as PropertyDescriptor;
  Object.defineProperty(prototype, method, { ...original, value: replacement });
  t.teardown(() => Object.defineProperty(prototype, method, original));
}

/** A base that holds two checkpoints, and what it was left with. */
async function twoCheckpoints(storage: Storage, root: string): Promise<readonly [Taken, Taken]> {
  const rig = await Rig.open(storage, root);
  await rig.set({ a: 1, b: 1, c: 1 });
  const first = await rig.checkpoint('one');
  await rig.set({ a: 2, d: 2 });
  await rig.remove('b');
  const second = await rig.checkpoint('two');
  await rig.backend.close();
  return [first, second];
}

for (const [name, make] of Object.entries(STORAGES)) {
  t.test(`${name}: what has left memory comes back`, async (t) => {
    const { storage, root } = make(t);
    const rig = await Rig.open(storage, root);
    await rig.set({ a: { n: 1 }, b: 2 });
    await rig.evictAll();
    t.equal(rig.state.heldBytes > 0, true, 'nothing leaves before a checkpoint holds it');
    await rig.checkpoint('one');
    await rig.evictAll();
    t.equal(rig.state.heldBytes, 0);
    t.same(await rig.get('a'), { n: 1 });
    t.equal(await rig.get('b'), 2);
    t.equal(await rig.get('never'), undefined);
    await rig.backend.close();
  });

  t.test(`${name}: warm recovery applies what came later, and loads no key`, async (t) => {
    const { storage, root } = make(t);
    const rig = await Rig.open(storage, root);
    await rig.set({ a: 1, b: 1 });
    await rig.checkpoint('one');
    await rig.set({ a: 2 });
    await rig.remove('b');
    rig.complete(await rig.take('two'));
    await rig.set({ c: 3 });
    const third = await rig.take('three');
    rig.complete(third);
    await rig.backend.close();
    const again = await Rig.open(storage, root, third);
    t.equal(again.backend.recovery, 'warm');
    t.equal(again.state.heldBytes, 0);
    t.same([await again.get('a'), await again.get('b'), await again.get('c')], [2, undefined, 3]);
    await again.backend.close();
  });

  t.test(`${name}: timers are in memory after a warm start, and fire once their keys are there`, async (t) => {
    const { storage, root } = make(t);
    const rig = await Rig.open(storage, root);
    await rig.set({ a: 1, b: 2 });
    const [a, b] = await rig.slotsOf(['a', 'b']);
    rig.state.timers('event').add(a as number, 20);
    rig.state.timers('event').add(b as number, 10);
    const taken = await rig.checkpoint('one');
    await rig.backend.close();
    const again = await Rig.open(storage, root, taken);
    t.equal(again.state.nextTimer('event'), 10);
    const fired: unknown[] = [];
    for (;;) {
      while (!again.state.prepareTimers('event', 100)) await again.turn();
      const slot = again.state.timers('event').take(100);
      if (slot < 0) break;
      fired.push(again.state.keyOf(slot), again.state.value('v').get(slot));
      await again.evictAll();
    }
    t.same(fired, ['b', 2, 'a', 1]);
    await again.backend.close();
  });

  t.test(`${name}: a base that does not fit is made anew`, async (t) => {
    const { storage, root } = make(t);
    const [first, second] = await twoCheckpoints(storage, root);
    const expect = async (from: Taken, recovery: string, values: unknown[], range?: { first: number; end: number }) => {
      const rig = await Rig.open(storage, root, from, range ? { range } : {});
      t.equal(rig.backend.recovery, recovery);
      const found: unknown[] = [];
      for (const key of ['a', 'b', 'c', 'd']) found.push(await rig.get(key));
      if (!range) t.same(found, values);
      await rig.backend.close();
    };
    await expect(second, 'warm', [2, undefined, 1, 2]);
    await expect(first, 'cold', [1, 1, 1, undefined]);
    await expect(second, 'warm', [2, undefined, 1, 2]);
    await expect(second, 'cold', [], { first: 0, end: 64 });
    await expect(second, 'cold', [2, undefined, 1, 2]);
    const merged = second.files.map((file) => ({ ...file, merged: true as const }));
    await expect({ ...second, files: merged }, 'warm', [2, undefined, 1, 2]);
    await expect({ ...second, id: 'three', epoch: 3, ancestors: [], files: merged }, 'cold', [2, undefined, 1, 2]);
    const fresh = await Rig.open(storage, root);
    t.equal(await fresh.get('a'), undefined, 'without a checkpoint nothing is left');
    await fresh.backend.close();
  });

  t.test(`${name}: a checkpoint half applied is applied again`, async (t) => {
    const { storage, root } = make(t);
    const rig = await Rig.open(storage, root);
    await rig.set(Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`k${at}`, 1])));
    await rig.checkpoint('one');
    await rig.set(Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`k${at}`, 2])));
    const second = await rig.take('two');
    rig.complete(second);
    await rig.apply(2);
    await rig.backend.close();
    const again = await Rig.open(storage, root, second);
    t.equal(again.backend.recovery, 'warm');
    const slots = await again.slotsOf(Array.from({ length: 1_000 }, (_, at) => `k${at}`));
    t.ok(Array.from(slots).every((slot) => again.state.value('v').get(slot) === 2));
    await again.backend.close();
  });
}

/** The same numbers, other contents: a checkpoint that was gone back from. */
async function otherLineage(): Promise<unknown> {
  const storage = new MemoryStorage();
  const rig = await Rig.open(storage, '/job');
  await rig.set({ a: 1 });
  const first = await rig.checkpoint('one');
  await rig.set({ a: 'gone back from' });
  await rig.checkpoint('two');
  await rig.backend.close();
  await copyAll(storage, '/job/state', '/other/state');
  const elsewhere = await Rig.open(storage, '/other', first);
  await elsewhere.set({ b: 2 });
  const second = await elsewhere.checkpoint('two again');
  await copyAll(storage, '/other/state', '/job/state');
  const again = await Rig.open(storage, '/job', second);
  return again.get('a');
}

async function copyAll(storage: Storage, from: string, to: string): Promise<void> {
  await storage.makeDirectory(to);
  for (const { name } of await storage.list(from)) await copy(storage, `${from}/${name}`, `${to}/${name}`);
}

async function copy(storage: Storage, from: string, to: string): Promise<void> {
  const bytes = new Uint8Array((await storage.stat(from))?.sizeBytes ?? 0);
  const source = await storage.read(from);
  await source.read(bytes, 0);
  const target = await storage.write(to);
  await target.write(bytes);
  await target.sync();
}

t.test('a base of another lineage is not trusted', async (t) => {
  t.equal(await otherLineage(), 1);
  plant(t, LevelBackend.prototype, 'lacking', (({ applied }: { applied: Taken }, { files }: Taken) =>
    files.filter(({ epoch }) => (epoch as number) > applied.epoch)) as never);
  t.equal(await otherLineage(), 'gone back from', 'the planted bug shows');
});

/** Dies after its second checkpoint is durable, and before that is complete. */
async function neverCompleted(): Promise<unknown> {
  const storage = new MemoryStorage();
  const rig = await Rig.open(storage, '/job');
  await rig.set({ a: 1 });
  const first = await rig.checkpoint('one');
  await rig.set({ a: 'not complete' });
  await rig.take('two');
  await rig.apply();
  await rig.backend.close();
  return (await Rig.open(storage, '/job', first)).get('a');
}

t.test('nothing is applied before it is complete', async (t) => {
  t.equal(await neverCompleted(), 1);
  const { written } = LevelBackend.prototype;
  plant(t, LevelBackend.prototype, 'written', function (this: LevelBackend, checkpoint: number, rows: RowsFile) {
    written.call(this, checkpoint, rows);
    this.completed(checkpoint, 'one');
  } as never);
  t.equal(await neverCompleted(), 'not complete', 'the planted bug shows');
});

/** Rows are fetched for a key that gets a newer value meanwhile. */
async function overtakenFetch(): Promise<unknown> {
  const rig = await Rig.open(new MemoryStorage(), '/job');
  await rig.set({ a: 'older' });
  await rig.checkpoint('one');
  await rig.evictAll();
  const slots = rig.slotsOf(['a']);
  rig.state.restore({ keyGroup: 0, table: 'v', kind: 'value', key: 'a', value: 'newer' });
  const [slot] = await slots;
  return rig.state.value('v').get(slot as number);
}

t.test('what was fetched does not replace what is newer', async (t) => {
  t.equal(await overtakenFetch(), 'newer');
  plant(t, LevelState.prototype, 'use', function (this: { used: number[]; turn: number }, slot: number) {
    this.used[slot] = this.turn;
  } as never);
  t.equal(await overtakenFetch(), 'older', 'the planted bug shows');
});

/** A key that has changed since the last checkpoint, when memory is short. */
async function shortOfMemory(): Promise<unknown> {
  const rig = await Rig.open(new MemoryStorage(), '/job');
  await rig.set({ a: 1 });
  await rig.checkpoint('one');
  await rig.set({ a: 2 });
  await rig.evictAll();
  return rig.get('a');
}

t.test('a dirty row does not leave memory', async (t) => {
  t.equal(await shortOfMemory(), 2);
  plant(t, LevelState.prototype, 'mayEvict', function (this: { turn: number }, _slot: number, used: number) {
    return used !== this.turn;
  } as never);
  t.equal(await shortOfMemory(), 1, 'the planted bug shows');
});

t.test('a damaged row fails the worker, and the next one makes the base anew', async (t) => {
  const storage = new MemoryStorage();
  const [, second] = await twoCheckpoints(storage, '/job');
  const store = await storage.openStore('/job/base/0');
  for await (const page of store.range(Uint8Array.of(1), Uint8Array.of(2))) {
    await store.write(
      page.map(([key, value]) => [key, value.map((byte, at) => (at === 4 ? byte ^ 1 : byte))] as const),
    );
  }
  await store.close();
  const rig = await Rig.open(storage, '/job', second);
  t.equal(rig.backend.recovery, 'warm');
  await t.rejects(rig.get('a'), { code: 'MILL_STATE_BASE_DAMAGED' });
  const again = await Rig.open(storage, '/job', second);
  t.equal(again.backend.recovery, 'cold');
  t.equal(await again.get('a'), 2);
});

t.test('after any crash the base is where its marks say, or made anew', async (t) => {
  const seen: Record<string, number> = {};
  for (let seed = 0; seed < 60; seed += 1) {
    const storage = new MemoryStorage();
    const [, second] = await twoCheckpoints(storage, '/job');
    let n = seed;
    storage.crash(() => {
      n = (Math.imul(n, 1_103_515_245) + 12_345) >>> 0;
      return n / 2 ** 32;
    });
    const rig = await Rig.open(storage, '/job', second);
    seen[rig.backend.recovery] = (seen[rig.backend.recovery] ?? 0) + 1;
    t.same([await rig.get('a'), await rig.get('b'), await rig.get('c'), await rig.get('d')], [2, undefined, 1, 2]);
  }
  t.ok((seen.warm ?? 0) > 3 && (seen.cold ?? 0) > 3, JSON.stringify(seen));
});
