/**
 * What must not compile: the mistakes that users make. Never run; `tsc` is the test, which also complains where a
 * mistake has become none.
 */
import {
  type Aggregator,
  callback,
  collect,
  csv,
  deadLetter,
  fileSink,
  files,
  generate,
  job,
  ndjson,
  run,
  sliding,
  state,
  tumbling,
} from 'millrace';
import { z } from 'zod';

interface Order {
  readonly id: string;
  readonly cents: number;
  readonly at: number;
}

const orders = files('orders.ndjson', ndjson<Order>());
const text: Aggregator<string, string, string> = {
  create: () => '',
  add: (a, b) => a + b,
  merge: (a, b) => a + b,
  result: (a) => a,
};

export const fields = job('fields', (j) => {
  const stream = j.from('orders', orders);
  // @ts-expect-error there is no such field
  stream.map((order) => order.euros);
  // @ts-expect-error nor here
  stream.keyBy((order) => order.user);
  // @ts-expect-error a text is no time
  stream.eventTime((order) => order.id);
  // @ts-expect-error a schema's field is what the schema makes of it
  j.from('rows', files('a.csv', csv({ schema: z.object({ n: z.coerce.number() }) }))).map((row) => row.n.length);
  // @ts-expect-error records are immutable where their type says so
  stream.map((order) => (order.cents += 1));
});

export const order = job('order', (j) => {
  const stream = j.from('orders', orders);
  // @ts-expect-error windows come after keyBy
  stream.window(tumbling('1h'));
  // @ts-expect-error and so does state
  stream.process('seen', { onRecord: () => [] });
  const windows = stream.keyBy(({ id }) => id).window(tumbling('1h'));
  // @ts-expect-error a window is not a stream before it is aggregated
  windows.to('out', collect());
  // @ts-expect-error nor is a keyed stream
  stream.keyBy(({ id }) => id).map((order) => order.id);
  // @ts-expect-error an object is no key
  stream.keyBy((order) => ({ id: order.id }));
  // @ts-expect-error undefined is no key
  stream.keyBy((order): string | undefined => order.id);
});

export const names = job('names', (j) => {
  const keyed = j.from('orders', orders).keyBy(({ id }) => id);
  // @ts-expect-error what holds state has a name
  keyed.reduce((a) => a);
  // @ts-expect-error and so has a window
  keyed.window(tumbling('1h')).aggregate((a) => ({ n: a.count() }));
  // @ts-expect-error a source
  j.from(orders);
  // @ts-expect-error and a sink
  j.from('orders', orders).to(collect());
});

export const durations = job('durations', (j) => {
  // @ts-expect-error '1h' is meant
  tumbling('1 hour');
  // @ts-expect-error weeks are not there
  sliding('1w', '1d');
  // @ts-expect-error a date is no duration
  j.from('orders', orders).eventTime(({ at }) => at, { outOfOrder: new Date() });
});

export const sinks = job('sinks', (j) => {
  const stream = j.from('orders', orders);
  const forUsers = callback((user: { readonly name: string }) => void user);
  // @ts-expect-error the sink takes other records
  stream.to('out', forUsers);
  // @ts-expect-error CSV has rows, not numbers
  stream.map(({ cents }) => cents).to('sheet', fileSink('out', csv()));
  const forOrders = callback((order: Order) => void order);
  // @ts-expect-error dead letters are no orders
  stream.map(({ id }) => id, { onError: deadLetter('dead', forOrders) });
  // @ts-expect-error there are three policies
  stream.map(({ id }) => id, { onError: 'ignore' });
});

export const keys = job('keys', (j) => {
  const stream = j.from('orders', orders);
  const byId = stream.keyBy(({ id }) => id);
  // @ts-expect-error a text never equals a number
  byId.connect(stream.keyBy(({ cents }) => cents));
  // @ts-expect-error nor a pair
  byId.connect(stream.keyBy(({ id, at }) => [id, at]));
});

export const states = job('states', (j) => {
  const byId = j.from('orders', orders).keyBy(({ id }) => id);
  byId.process('misused', {
    state: { count: state.value({ initial: 0 }), last: state.value<Order>(), seen: state.map<string, number>() },
    onRecord(order, ctx) {
      // @ts-expect-error a number is not a text
      ctx.state.count.set('one');
      // @ts-expect-error it may be undefined
      ctx.state.last.get().cents;
      // @ts-expect-error the map's keys are texts
      ctx.state.seen.set(order.cents, 1);
      // @ts-expect-error it was not declared
      ctx.state.total.get();
      // @ts-expect-error no side output was declared
      ctx.side.late(order);
    },
  });
  // @ts-expect-error a sum takes numbers
  byId.aggregate('sum', (a) => ({ sum: a.sum((order) => order.id) }));
  // @ts-expect-error the aggregator takes other records
  byId.aggregate('text', text);
  // @ts-expect-error reduce gives what it takes
  byId.reduce('count', (a) => a.cents);
});

export const runs = job('runs', { params: { from: 0 } }, (j, { from }) => {
  // @ts-expect-error a parameter is of its default's type
  from.toUpperCase();
  // @ts-expect-error `make` is missing
  j.from('numbers', generate({ count: 1 }));
});

export function starts(): void {
  // @ts-expect-error and stays it
  void run(runs, { params: { from: 'now' } });
  // @ts-expect-error workers need a module
  void run(runs, { workers: 2 });
}
