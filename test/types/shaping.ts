/** Types of operators that shape streams, and mistakes that do not compile. Never run; `tsc` is the test. */
import type { Stream } from 'millrace';
import { recordsOf } from './same.js';

interface Order {
  readonly id: string;
  readonly region: number;
}

declare const orders: Stream<Order>;

recordsOf(orders.tap((order) => order.id)).are<Order>(true);
recordsOf(orders.sample(0.5)).are<Order>(true);
recordsOf(orders.sample({ every: 10 })).are<Order>(true);
recordsOf(orders.throttle('a', { perSecond: 5 })).are<Order>(true);
recordsOf(orders.chunk('b', 10, { within: '1s' })).are<readonly Order[]>(true);
recordsOf(
  orders
    .partitionCustom((order, subtasks) => order.region % subtasks)
    .shuffle()
    .global()
    .rescale()
    .rebalance(),
).are<Order>(true);
recordsOf(orders.map((order) => order.id, { chain: false })).are<string>(true);

// @ts-expect-error a partitioner chooses a number
orders.partitionCustom((order) => order.id);
// @ts-expect-error no such field
orders.tap((order) => order.shop);
// @ts-expect-error how many a second
orders.throttle('c', {});
// @ts-expect-error no such unit of time
orders.chunk('d', 10, { within: '1 second' });

recordsOf(
  orders.eventTime((order) => order.region, { punctuated: (order, at) => (order.region > at ? at : undefined) }),
).are<Order>(true);
// @ts-expect-error no such field
orders.eventTime((order) => order.region, { punctuated: (order) => order.shop });
// @ts-expect-error a watermark is a number
orders.eventTime((order) => order.region, { punctuated: (order) => order.id });
