/** The laws of `OrderedStore`, for LevelDB and for memory: random writes and reads against a plain Map. */
import fc from 'fast-check';
import type { Test } from 'tap';
import type { OrderedStore, Storage, StoreChange } from '../../core/host.js';

const CASES = 60;

const bytes = fc.uint8Array({ minLength: 1, maxLength: 3, max: 3 });
const values = fc.uint8Array({ maxLength: 40 });
const change = fc.tuple(bytes, fc.option(values, { nil: undefined })) as fc.Arbitrary<StoreChange>;

type Step =
  | { readonly kind: 'write'; readonly changes: readonly StoreChange[] }
  | { readonly kind: 'get'; readonly keys: readonly Uint8Array[] }
  | { readonly kind: 'range'; readonly from: Uint8Array; readonly end: Uint8Array }
  | { readonly kind: 'reopen' | 'flush' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.array(change, { maxLength: 20 }).map((changes) => ({ kind: 'write', changes }) as const) },
  { weight: 3, arbitrary: fc.array(bytes, { maxLength: 5 }).map((keys) => ({ kind: 'get', keys }) as const) },
  { weight: 3, arbitrary: fc.tuple(bytes, bytes).map(([from, end]) => ({ kind: 'range', from, end }) as const) },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'reopen' } as const, { kind: 'flush' } as const) },
);

const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex');
const show = (rows: Iterable<readonly [Uint8Array, Uint8Array]>): string[] =>
  Array.from(rows, ([key, value]) => `${hex(key)} ${hex(value)}`);

export async function rowsOf(store: OrderedStore, from: Uint8Array, end: Uint8Array): Promise<string[]> {
  const found: string[] = [];
  for await (const page of store.range(from, end)) found.push(...show(page));
  return found;
}

function expectedRange(model: ReadonlyMap<string, Uint8Array>, from: Uint8Array, end: Uint8Array): string[] {
  const keys = [...model.keys()].filter((key) => key >= hex(from) && key < hex(end)).sort();
  return keys.map((key) => `${key} ${hex(model.get(key) as Uint8Array)}`);
}

async function run(storage: Storage, path: string, steps: readonly Step[]): Promise<void> {
  const model = new Map<string, Uint8Array>();
  let store = await storage.openStore(path);
  const compare = (found: unknown, wanted: unknown): void => {
    if (JSON.stringify(found) !== JSON.stringify(wanted))
      throw new Error(`${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
  };
  for (const each of steps) {
    if (each.kind === 'write') {
      const written = store.write(each.changes);
      for (const [key, value] of each.changes) {
        if (value === undefined) model.delete(hex(key));
        else model.set(hex(key), value);
      }
      await written;
    } else if (each.kind === 'get') {
      const wanted = each.keys.map((key) => model.get(hex(key))).map((value) => value && hex(value));
      compare(
        (await store.getMany(each.keys)).map((value) => value && hex(value)),
        wanted,
      );
      compare(
        each.keys.map((key) => store.get(key)).map((value) => value && hex(value)),
        wanted,
      );
    } else if (each.kind === 'range')
      compare(await rowsOf(store, each.from, each.end), expectedRange(model, each.from, each.end));
    else if (each.kind === 'flush') await store.flush();
    else {
      await store.close();
      store = await storage.openStore(path);
    }
  }
  await store.close();
  await storage.destroyStore(path);
}

export function orderedStoreConformance(t: Test, name: string, make: (t: Test) => { storage: Storage; root: string }) {
  t.test(`${name} conforms as an ordered store`, async (t) => {
    t.test('random writes, reads, ranges and reopenings equal a map', async (t) => {
      const { storage, root } = make(t);
      let number = 0;
      const property = fc.asyncProperty(fc.array(step, { maxLength: 30 }), (steps) => {
        number += 1;
        return run(storage, `${root}/store-${number}`, steps);
      });
      await fc.assert(property, { numRuns: CASES });
      t.pass(`${number} runs`);
    });
    t.test('a range of many pages, in order, as it was at its first page', async (t) => {
      const { storage, root } = make(t);
      const store = await storage.openStore(`${root}/pages`);
      const key = (at: number): Uint8Array => Uint8Array.of(1, at >> 8, at & 255);
      const count = 3_000;
      await store.write(Array.from({ length: count }, (_, at) => [key(at), Uint8Array.of(at & 255)] as const));
      let seen = 0;
      for await (const page of store.range(key(0), Uint8Array.of(2))) {
        if (seen === 0) await store.write([[key(count - 1), undefined]]);
        for (const [found] of page) {
          if (hex(found) !== hex(key(seen))) t.fail(`${hex(found)} at ${seen}`);
          seen += 1;
        }
      }
      t.equal(seen, count);
      t.equal(store.get(key(count - 1)), undefined);
      for await (const page of store.range(key(0), Uint8Array.of(2))) {
        t.ok(page.length > 0, 'a range may be left early');
        break;
      }
      t.ok((await store.sizeBytes()) >= 0);
      await store.close();
    });
    t.test('one opener at a time; destroyed is empty', async (t) => {
      const { storage, root } = make(t);
      const path = `${root}/one`;
      const store = await storage.openStore(path);
      await store.write([[Uint8Array.of(1), Uint8Array.of(2)]]);
      await t.rejects(storage.openStore(path));
      await store.close();
      await storage.destroyStore(path);
      await storage.destroyStore(path);
      const again = await storage.openStore(path);
      t.equal(again.get(Uint8Array.of(1)), undefined);
      await again.close();
    });
  });
}
