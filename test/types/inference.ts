/**
 * Types from schema to sink, without a cast: what each step of a job makes of them. Never run; `tsc` is the test.
 */
import {
  callback,
  collect,
  csv,
  type DeadLetter,
  deadLetter,
  fileSink,
  files,
  generate,
  type JobDefinition,
  job,
  ndjson,
  run,
  session,
  side,
  state,
  tumbling,
  type Window,
} from 'millrace';
import * as v from 'valibot';
import { z } from 'zod';
import { recordsOf, type Same } from './same.js';

const ZodOrder = z.object({ id: z.string(), cents: z.coerce.number(), at: z.string().transform(Date.parse) });
const ValibotOrder = v.object({
  id: v.string(),
  cents: v.pipe(v.string(), v.transform(Number)),
  note: v.optional(v.string()),
});

interface Order {
  id: string;
  cents: number;
  at: number;
}

export const schemas = job('schemas', (j) => {
  recordsOf(j.from('zod', files('a.csv', csv({ schema: ZodOrder })))).are<Order>(true);
  recordsOf(j.from('zod-json', files('a.ndjson', ndjson({ schema: ZodOrder })))).are<Order>(true);
  recordsOf(j.from('valibot', files('b.csv', csv({ schema: ValibotOrder })))).are<{
    id: string;
    cents: number;
    note?: string | undefined;
  }>(true);
  recordsOf(j.from('text', files('c.csv', csv()))).are<Record<string, string>>(true);
  recordsOf(j.from('rows', files('d.csv', csv({ header: false })))).are<string[]>(true);
  recordsOf(j.from('named', files('e.ndjson', ndjson<Order>()))).are<Order>(true);
  recordsOf(j.from('unknown', files('f.ndjson', ndjson()))).are<unknown>(true);
  recordsOf(j.from('made', generate({ make: (n) => ({ n }) }))).are<{ n: number }>(true);
});

interface Card {
  readonly kind: 'card';
  readonly digits: string;
}
interface Cash {
  readonly kind: 'cash';
}

export const steps = job('steps', { params: { least: 100 } }, (j, { least }) => {
  const orders = j
    .from('orders', files('a.csv', csv({ schema: ZodOrder })))
    .eventTime((order) => order.at, { outOfOrder: '5s', idleAfter: '1m' });
  recordsOf(orders).are<Order>(true);
  recordsOf(orders.filter((order) => order.cents > least)).are<Order>(true);
  recordsOf(orders.map(({ id, cents }) => ({ id, euros: cents / 100 }))).are<{ id: string; euros: number }>(true);
  recordsOf(orders.flatMap(({ id }) => [...id])).are<string>(true);
  recordsOf(orders.offload('slow', async ({ id }) => id.length)).are<number>(true);
  recordsOf(orders.union(orders.map(() => 1))).are<Order | number>(true);
  recordsOf(orders.apply((stream) => stream.map(({ at }) => at))).are<number>(true);

  const payments = j.from('payments', files('p.ndjson', ndjson<Card | Cash>()));
  recordsOf(payments.filter((payment): payment is Card => payment.kind === 'card')).are<Card>(true);
  const { cards, rest } = payments.split({ cards: (payment): payment is Card => payment.kind === 'card' });
  recordsOf(cards).are<Card>(true);
  recordsOf(rest).are<Card | Cash>(true);
});

export const keyed = job('keyed', (j) => {
  const orders = j.from('orders', files('a.csv', csv({ schema: ZodOrder })));
  const byId = orders.keyBy((order) => order.id);
  recordsOf(byId.reduce('largest', (a, b) => (a.cents > b.cents ? a : b))).are<Order>(true);
  const totals = byId.aggregate('totals', (a) => ({
    orders: a.count(),
    cents: a.sum((order) => order.cents),
    worst: a.max((order) => order.cents),
    last: a.last(),
    times: a.collect((order) => order.at),
  }));
  recordsOf(totals).are<{
    key: string;
    orders: number;
    cents: number;
    worst: number | null;
    last: Order | null;
    times: number[];
  }>(true);

  // The elements of a tuple keep their types.
  const byPair = orders.keyBy((order) => [order.id, order.at]);
  const hourly = byPair.window(tumbling('1h'), { lateness: '10m' }).aggregate('hourly', (a) => ({ n: a.count() }));
  recordsOf(hourly).are<{ key: readonly [string, number]; window: Window; n: number }>(true);
  recordsOf(hourly.late).are<Order>(true);
  const visits = byId
    .window(session('30m'))
    .process('visits', (key, window, records) => [{ key, lengthMs: window.end - window.start, first: records[0]?.at }]);
  recordsOf(visits).are<{ key: string; lengthMs: number; first: number }>(true);
});

export const processed = job('processed', (j) => {
  const orders = j.from('orders', files('a.csv', csv({ schema: ZodOrder })));
  const seen = orders
    .keyBy((order) => order.id)
    .process('seen', {
      state: { count: state.value({ initial: 0 }), last: state.value<Order>(), cents: state.map<number, bigint>() },
      sides: { first: side<{ id: string }>() },
      onRecord(order, ctx) {
        const checks: [Same<typeof ctx.key, string>, Same<typeof order, Order>] = [true, true];
        const count: number = ctx.state.count.get();
        const last: Order | undefined = ctx.state.last.get();
        const amount: bigint | undefined = ctx.state.cents.get(order.at);
        if (!last) ctx.side.first({ id: order.id });
        return [{ count, gap: last && order.at - last.at, amount, checks: checks.length }];
      },
      onTimer: (time) => [{ time }],
    });
  recordsOf(seen).are<
    { count: number; gap: number | undefined; amount: bigint | undefined; checks: 2 } | { time: number }
  >(true);
  recordsOf(seen.side.first).are<{ id: string }>(true);

  const flags = j.from('flags', files('b.ndjson', ndjson<{ id: string; flag: boolean }>())).keyBy(({ id }) => id);
  const joined = orders
    .keyBy((order) => order.id)
    .connect(flags)
    .process('joined', {
      state: { flag: state.value<boolean>() },
      onFirst: (order, ctx) => [{ id: ctx.key, cents: order.cents, flag: ctx.state.flag.get() }],
      onSecond(flag, ctx) {
        ctx.state.flag.set(flag.flag);
      },
    });
  recordsOf(joined).are<{ id: string; cents: number; flag: boolean | undefined }>(true);
});

export const sinks = job('sinks', (j) => {
  const orders = j.from('orders', files('a.csv', csv({ schema: ZodOrder })), {
    onError: deadLetter(
      'unread',
      callback((letter: DeadLetter<unknown>) => void letter.position),
    ),
  });
  orders
    .map((order) => order.cents, {
      onError: deadLetter(
        'dead',
        callback((letter: DeadLetter<Order>) => void letter.record.id),
      ),
    })
    .to(
      'pager',
      callback(async (cents, { subtask }) => void cents.toFixed(subtask)),
    );
  orders.to('files', fileSink('out', ndjson()));
  return orders.map(({ id }) => id).to('results', collect());
});

/** Results are typed by what the definition returns; params by their defaults. */
export async function results(): Promise<void> {
  const isTyped: Same<typeof sinks, JobDefinition<string, Record<never, never>>> = true;
  for await (const id of run(sinks)) id.toUpperCase();
  const { results } = await run(sinks);
  const all: readonly string[] = results;
  await run(steps, { params: { least: all.length + Number(isTyped) } });
}
