/**
 * Types of joins: what their functions get, and what comes out. Never run; `tsc` is the test.
 */
import { type Change, generate, job, tumbling } from 'millrace';
import { recordsOf } from './same.js';

interface Order {
  readonly id: number;
  readonly item: string;
}
interface Payment {
  readonly order: number;
  readonly cents: number;
}

export const joins = job('joins', (j) => {
  const orders = j.from('orders', generate({ make: (n): Order => ({ id: n, item: 'tea' }) })).keyBy((o) => o.id);
  const payments = j
    .from('payments', generate({ make: (n): Payment => ({ order: n, cents: n }) }))
    .keyBy((p) => p.order);
  const texts = j.from('texts', generate({ make: (n) => `${n}` })).keyBy((text) => text);
  const near = { within: ['0s', '1m'] } as const;

  const inner = orders.join('inner', payments, near, (order, payment) => ({ ...order, cents: payment.cents }));
  recordsOf(inner).are<{ cents: number; id: number; item: string }>(true);
  recordsOf(inner.late.left).are<Order>(true);
  recordsOf(inner.late.right).are<Payment>(true);
  const left = orders.join('left', payments, { ...near, type: 'left' }, (order, payment) => [order, payment] as const);
  recordsOf(left).are<readonly [Order, Payment | undefined]>(true);
  const full = orders.join('full', payments, { window: tumbling('1h'), type: 'full' }, (a, b) => [a, b] as const);
  recordsOf(full).are<readonly [Order | undefined, Payment | undefined]>(true);
  const grouped = orders.coGroup('grouped', payments, { window: tumbling('1h') }, (key, window, all, paid) => [
    { key, start: window.start, orders: all, paid },
  ]);
  recordsOf(grouped).are<{ key: number; start: number; orders: readonly Order[]; paid: readonly Payment[] }>(true);
  const versioned = orders.temporalJoin('versioned', payments, (_, payment) => payment, { type: 'left' });
  recordsOf(versioned).are<Payment | undefined>(true);
  recordsOf(versioned.late).are<Order>(true);

  const changes = payments.changes('changes', { isDelete: ({ cents }) => cents === 0 });
  recordsOf(changes).are<Change<Payment>>(true);
  const tables = changes.keyBy(({ record }) => record.order);
  const rows = orders.changelogJoin('rows', tables, (order, payment) => [order, payment] as const, { type: 'right' });
  recordsOf(rows).are<Change<readonly [Order | undefined, Payment]>>(true);
  const unpaid = orders.changelogJoin('unpaid', tables, (order) => order.item, { type: 'anti' });
  recordsOf(unpaid).are<Change<string>>(true);

  // @ts-expect-error the keys are of different types
  orders.join('keys', texts, near, (order) => order);
  // @ts-expect-error there is no such field
  orders.join('field', payments, near, (order, payment) => order.item + payment.euros);
  // @ts-expect-error it may have no match
  orders.join('missing', payments, { ...near, type: 'left' }, (order, payment) => order.item + payment.cents);
  // @ts-expect-error there is no such type
  orders.join('type', payments, { ...near, type: 'outer' }, (order) => order);
  // @ts-expect-error versions are for left and inner joins
  orders.temporalJoin('versions', payments, (order) => order, { type: 'full' });
  // @ts-expect-error an anti join has nothing of the other side
  orders.changelogJoin('anti', tables, (order, payment) => [order, payment], { type: 'anti' });
  // @ts-expect-error the other stream has to be keyed
  orders.join('unkeyed', changes, near, (order) => order);
});
