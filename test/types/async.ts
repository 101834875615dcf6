/** Types of asynchronous calls and lookup joins, and mistakes that do not compile. Never run; `tsc` is the test. */
import { type Source, type Stream, tableOf } from 'millrace';
import { recordsOf } from './same.js';

interface Order {
  readonly id: string;
  readonly customer: number;
}
interface Customer {
  readonly city: string;
}

declare const orders: Stream<Order>;
declare const find: (id: number) => Promise<Customer | undefined>;

recordsOf(orders.mapAsync('a', async (order) => order.customer)).are<number>(true);
recordsOf(orders.batchAsync('b', async (batch) => batch.map(({ id }) => id))).are<string>(true);
recordsOf(orders.keyBy((o) => o.id).mapAsync('c', async (order) => ({ order }))).are<{ order: Order }>(true);
recordsOf(
  orders.lookupJoin(
    'd',
    { key: (o) => o.customer, lookup: find },
    (order, customer) => [order.id, customer.city] as const,
  ),
).are<readonly [string, string]>(true);
recordsOf(
  orders.lookupJoin('e', { key: (o) => o.customer, lookup: find, type: 'left' }, (_order, customer) => customer),
).are<Customer | undefined>(true);
recordsOf(
  orders.lookupJoin(
    'f',
    { key: (o) => o.customer, lookupAll: async (ids: readonly number[]) => ids.map((id) => ({ city: `${id}` })) },
    (_order, { city }) => city,
  ),
).are<string>(true);
recordsOf(
  orders.lookupJoin(
    'g',
    { key: (o) => o.customer, table: async () => new Map([[1, { city: 'Ulm' }]]) },
    (_o, c) => c.city,
  ),
).are<string>(true);

declare const customers: Source<{ readonly id: number; readonly city: string }>;
recordsOf(
  orders.lookupJoin('m', { key: (o) => o.customer, table: tableOf(customers, (c) => c.id) }, (_o, c) => c.city),
).are<string>(true);

const byId = { key: (o: Order) => o.id, table: tableOf(customers, (c) => c.id) };
// @ts-expect-error keys of another type
orders.lookupJoin('n', byId, (_o, c) => c.city);
// @ts-expect-error keys of another type
orders.lookupJoin('h', { key: (o) => o.id, lookup: find }, (order) => order);
const left = { key: (o: Order) => o.customer, lookup: find, type: 'left' } as const;
// @ts-expect-error there may be no customer
orders.lookupJoin('i', left, (_order, customer) => customer.city);
// @ts-expect-error no such field
orders.lookupJoin('j', { key: (o) => o.shop, lookup: find }, (order) => order);
// @ts-expect-error one result for each record
orders.batchAsync('k', async (batch) => batch.length);
// @ts-expect-error calls of a key are in order anyway
orders.keyBy((o) => o.id).mapAsync('l', async (order) => order, { order: 'any' });
