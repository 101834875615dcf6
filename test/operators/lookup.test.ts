/** Lookup joins: caches, rows that there are not, several keys a call, tables that are loaded whole. */
import fc from 'fast-check';
import { collect, csv, files, fromIterable, job, ndjson, run, tableOf } from 'millrace';
import t, { type Test } from 'tap';
import { lookupJoinFactory } from '../../api/lookups.js';
import { Batch, Inbox } from '../../core/batch.js';
import type { Host } from '../../core/host.js';
import { VirtualClock } from '../../engine/host/virtual-clock.js';
import { LookupCache } from '../../operators/async/lookup-cache.js';
import type { Operator, OperatorContext, OperatorFactory } from '../../operators/operator.js';

interface Order {
  readonly id: number;
  readonly item: string | null | undefined;
}

/** Runs one operator over records, on a virtual clock. */
class Rig {
  readonly out: unknown[] = [];
  readonly rejected: unknown[] = [];
  readonly failed: unknown[] = [];
  readonly clock = new VirtualClock(0);
  private readonly output = new Batch(3);
  private readonly operator: Operator;

  constructor(factory: OperatorFactory) {
    const context = {
      host: { now: () => this.clock.now, timer: (ms: number, ring: () => void) => this.clock.timer(ms, ring) } as Host,
      output: this.output,
      watermark: Number.NEGATIVE_INFINITY,
      wake: () => {},
      fail: (error: unknown) => this.failed.push(error),
      reject: (error: unknown) => this.rejected.push(error),
    } as unknown as OperatorContext;
    this.operator = factory(context, []);
  }

  async open(): Promise<void> {
    await this.operator.open?.();
  }

  async take(orders: readonly Order[], moves = true): Promise<void> {
    const batch = new Batch(Math.max(1, orders.length));
    for (const order of orders) batch.push(order, order.id);
    const inbox = new Inbox(batch);
    for (let turn = 0; turn < 40 || !inbox.drained; turn += 1) {
      this.operator.process(inbox);
      this.drain();
      await null;
      this.operator.onWake?.();
      this.drain();
      if (moves && turn > 10) this.clock.advance();
    }
  }

  close(): void {
    void this.operator.close?.();
  }

  private drain(): void {
    for (let at = 0; at < this.output.count; at += 1) this.out.push(this.output.records[at]);
    this.output.clear();
  }
}

const PRICES = new Map([
  ['tea', 7],
  ['mug', 9],
  ['free', 0],
]);
const combine = ((order: Order, price: number | undefined) => `${order.id}: ${price}`) as never;
const key = ((order: Order) => order.item) as never;

const ORDERS: readonly Order[] = [
  { id: 1, item: 'tea' },
  { id: 2, item: 'pot' },
  { id: 3, item: null },
  { id: 4, item: 'free' },
  { id: 5, item: 'tea' },
  { id: 6, item: undefined },
];

for (const type of ['inner', 'left'] as const) {
  const wanted = ['1: 7', ...(type === 'left' ? ['2: undefined', '3: undefined'] : []), '4: 0', '5: 7'];
  if (type === 'left') wanted.push('6: undefined');

  t.test(`${type}: one by one, several together, a whole table`, async (t) => {
    const asked: unknown[] = [];
    const ways = {
      one: { lookup: async (item: string) => PRICES.get(item) },
      atOnce: { lookup: (item: string) => PRICES.get(item) ?? null },
      many: {
        lookupAll: async (items: readonly string[]) => {
          asked.push(items);
          return items.map((item) => PRICES.get(item));
        },
        batch: { size: 6 },
      },
      table: { table: async () => PRICES },
    };
    for (const [name, how] of Object.entries(ways)) {
      const rig = new Rig(lookupJoinFactory({ key, type, ...how } as never, combine, {}));
      await rig.open();
      await rig.take(ORDERS);
      t.same(rig.out, wanted, name);
    }
    t.same(asked, [['tea', 'pot', 'free']], 'each key once, and none for null');
  });
}

t.test('a cache: of rows, and of their absence, for so long', async (t) => {
  const asked: string[] = [];
  const lookup = async (item: string) => {
    asked.push(item);
    return PRICES.get(item);
  };
  const rig = new Rig(lookupJoinFactory({ key, lookup, cache: { size: 10, ttl: 100 } } as never, combine, {}));
  await rig.open();
  await rig.take([{ id: 1, item: 'tea' }]);
  await rig.take([{ id: 2, item: 'pot' }]);
  await rig.take([
    { id: 3, item: 'tea' },
    { id: 4, item: 'pot' },
  ]);
  t.same(asked, ['tea', 'pot']);
  rig.clock.timer(200, () => {});
  rig.clock.advance();
  await rig.take([{ id: 5, item: 'tea' }]);
  t.same(asked, ['tea', 'pot', 'tea']);
  t.same(rig.out, ['1: 7', '3: 7', '5: 7']);
});

const use = fc.record({ key: fc.constantFrom(1, 1n, '1', 'a', null), sets: fc.boolean(), after: fc.nat({ max: 4 }) });

t.test('the cache against a list', (t) => {
  holds(t, fc.tuple(fc.array(use, { maxLength: 40 }), fc.integer({ min: 0, max: 3 })), ([uses, size]) => {
    let now = 0;
    const cache = new LookupCache({ size, ttlMs: 10 }, () => now);
    let model: { key: unknown; row: number; until: number }[] = [];
    for (const [row, { key, sets, after }] of uses.entries()) {
      now += after;
      const known = model.find((each) => each.key === key);
      model = model.filter((each) => each !== known);
      if (sets) {
        cache.set(key, row);
        model = size === 0 ? [] : [...model, { key, row, until: now + 10 }].slice(-size);
        continue;
      }
      const wanted = known && known.until > now ? known : undefined;
      if (wanted) model.push(wanted);
      const found = cache.get(key);
      if (found?.[0] !== wanted?.row) throw new Error(`${found}, not ${wanted?.row}`);
    }
  });
});

function holds<T>(t: Test, arbitrary: fc.Arbitrary<T>, check: (value: T) => void): void {
  const property = fc.property(arbitrary, check);
  const { failed, seed, numRuns } = fc.check(property, { numRuns: 1_500 });
  if (failed) fc.assert(property, { numRuns: 1_500, seed });
  t.equal(numRuns, 1_500, `seed ${seed}`);
  t.end();
}

t.test('a table that is loaded again; and cannot be', async (t) => {
  const versions = [7, 8, 'no'] as const;
  let loads = 0;
  const table = async () => {
    const version = versions[loads];
    loads += 1;
    if (version === 'no') throw new Error('no table');
    return [['tea', version]] as const;
  };
  const rig = new Rig(lookupJoinFactory({ key, table, refresh: '1m' } as never, combine, {}));
  await rig.open();
  const ring = async (): Promise<void> => {
    rig.clock.advance();
    for (let turn = 0; turn < 9; turn += 1) await null;
  };
  const tea = (id: number): Order => ({ id, item: 'tea' });
  await rig.take([tea(1)], false);
  await ring();
  await rig.take([tea(2)], false);
  t.same(rig.out, ['1: 7', '2: 8']);
  await ring();
  t.match(rig.failed, [{ code: 'MILL_FUNCTION_FAILED' }]);
  rig.close();
});

t.test('rows that are not as many as keys; lookups that fail', async (t) => {
  const wrong = new Rig(lookupJoinFactory({ key, lookupAll: async () => [1] } as never, combine, {}));
  await wrong.open();
  await wrong.take(ORDERS);
  t.match(wrong.rejected[0], { code: 'MILL_FUNCTION_FAILED' });
  const failing = async () => {
    throw new Error('no row');
  };
  const rig = new Rig(lookupJoinFactory({ key, lookup: failing } as never, combine, {}));
  await rig.open();
  await rig.take([{ id: 1, item: 'tea' }]);
  t.match(rig.rejected, [{ message: 'no row' }]);
});

t.test('options', (t) => {
  const invalid = { code: 'MILL_OPTION_INVALID' };
  const lookup = () => 1;
  for (const how of [
    { key, lookup, type: 'right' },
    { key, lookup, cache: { size: 0, ttl: 1 } },
    { key, lookup, cache: { size: 1, ttl: -1 } },
    { key, table: lookup, refresh: 0 },
    { key, lookupAll: lookup, batch: { size: 0 } },
  ])
    t.throws(() => lookupJoinFactory(how as never, combine, {}), invalid);
  t.end();
});

t.test('a table that is read from files', async (t) => {
  const root = t.testdir({
    'a.csv': `item,price\n${Array.from({ length: 5_000 }, (_, n) => `i${n},${n}`).join('\n')}\n`,
    'b.csv': 'item,price\ntea,7\nmug,9\ntea,8\n',
    'broken.ndjson': '{"item": "tea"}\n{"item"\n',
  });
  const priced = job('priced', (j) =>
    j
      .from('orders', fromIterable(['tea', 'i4999', 'none'].map((item) => ({ item }))))
      .lookupJoin(
        'prices',
        { key: (order) => order.item, table: tableOf(files(`${root}/*.csv`, csv()), (row) => row.item) },
        (order, row) => [order.item, row.price],
      )
      .to('all', collect()),
  );
  t.same((await run(priced, { state: false })).collected.all, [
    ['tea', '8'],
    ['i4999', '4999'],
  ]);
  for (const [path, code] of [
    ['missing.csv', 'MILL_FILE_MISSING'],
    ['broken.ndjson', 'MILL_RECORD_MALFORMED'],
  ] as const) {
    const broken = job('broken', (j) =>
      j
        .from('orders', fromIterable([{ item: 'tea' }]))
        .lookupJoin(
          'prices',
          {
            key: (order) => order.item,
            table: tableOf(files(`${root}/${path}`, ndjson<{ item: string }>()), (row) => row.item),
          },
          (order) => order,
        )
        .to('all', collect()),
    );
    await t.rejects(async () => await run(broken, { state: false, restart: { kind: 'none' } }), { code });
  }
  t.throws(() => tableOf(files(`${root}/a.csv`, csv(), { follow: true }), () => 'x'), { code: 'MILL_OPTION_INVALID' });
});
