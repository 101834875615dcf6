/** LevelDB and the store in memory keep the laws of ordered stores; what a crash leaves of the one in memory. */
import t from 'tap';
import { Random } from '../../core/random.js';
import { MemoryStorage } from '../../engine/host/memory-storage.js';
import { NodeStorage } from '../../engine/host/node-storage.js';
import { orderedStoreConformance, rowsOf } from './ordered-store-conformance.js';

orderedStoreConformance(t, 'LevelDB', (t) => ({ storage: new NodeStorage(), root: t.testdir() }));
orderedStoreConformance(t, 'memory', () => ({ storage: new MemoryStorage(), root: '/' }));

t.test('a crash keeps what was flushed, and an arbitrary part of the rest, each write whole', async (t) => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 200; seed += 1) {
    const random = new Random(seed);
    const storage = new MemoryStorage();
    const store = await storage.openStore('/s');
    await store.write([[Uint8Array.of(1), Uint8Array.of(1)]]);
    await store.flush();
    for (const at of [2, 3]) {
      await store.write([
        [Uint8Array.of(at), Uint8Array.of(at)],
        [Uint8Array.of(at + 10), Uint8Array.of(at)],
      ]);
    }
    storage.crash(() => random.next());
    await t.rejects(store.write([]), 'the old process can do nothing any more');
    const again = await storage.openStore('/s');
    const keys = (await rowsOf(again, Uint8Array.of(0), Uint8Array.of(255))).map((row) => row.slice(0, 2));
    outcomes.add(keys.join(' '));
  }
  t.same([...outcomes].sort(), ['01', '01 02 03 0c 0d', '01 02 0c', '01 03 0d']);
});
