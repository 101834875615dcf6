/** Types of windows: what each kind of result is, and mistakes that do not compile. Never run; `tsc` is the test. */
import {
  calendar,
  countWindow,
  cumulate,
  evictor,
  globalWindow,
  type Stream,
  session,
  sliding,
  type Trigger,
  trigger,
  tumbling,
  type Window,
} from 'millrace';
import { recordsOf } from './same.js';

interface Sale {
  readonly item: string;
  readonly cents: number;
}

declare const sales: Stream<Sale>;

const byItem = sales.keyBy((sale) => sale.item);

recordsOf(
  byItem.window(cumulate('1d', '1h')).aggregate('a', (a) => ({ n: a.count(), most: a.max((s) => s.cents) })),
).are<{
  readonly key: string;
  readonly window: Window;
  n: number;
  most: number | null;
}>(true);
recordsOf(byItem.window(calendar('week')).reduce('b', (x, y) => (x.cents > y.cents ? x : y))).are<{
  readonly key: string;
  readonly window: Window;
  readonly value: Sale;
}>(true);
recordsOf(
  byItem
    .window(countWindow(10, 5))
    .process('c', (key, window, records, context) => [
      { key, end: window.end, cents: records.at(0)?.cents, firing: context.firing },
    ]),
).are<{ key: string; end: number; cents: number | undefined; firing: 'early' | 'on-time' | 'late' }>(true);
recordsOf(
  byItem.window(globalWindow(), { trigger: trigger.count(3) }).aggregate('d', (a) => ({ n: a.count() })).late,
).are<Sale>(true);
recordsOf(sales.windowAll(tumbling('1m')).aggregate('e', (a) => ({ n: a.count() }))).are<{
  readonly window: Window;
  n: number;
}>(true);
recordsOf(sales.windowAll(sliding('1m', '1s')).reduce('f', (x) => x)).are<{
  readonly window: Window;
  readonly value: Sale;
}>(true);
recordsOf(
  sales.windowAll(tumbling('1m')).process('g', (window, records) => records.map((s) => s.item + window.start)),
).are<string>(true);

byItem.window(session((sale) => (sale.cents > 100 ? '1h' : 60_000)));
byItem.window(tumbling('1h'), { evictor: evictor.delta(3, (sale: Sale, last) => last.cents - sale.cents) });
const big: Trigger<Sale, number> = {
  name: 'big',
  onRecord(sale, _timestamp, context) {
    context.state = (context.state ?? 0) + sale.cents;
    return context.state > 1_000 ? 'fire-and-purge' : 'continue';
  },
};
byItem.window(globalWindow(), { trigger: big });

// @ts-expect-error no such field
byItem.window(session((sale: Sale) => sale.gap));
// @ts-expect-error a gap of other records
byItem.window(session((click: { url: string }) => click.url.length));
const ofClicks = { name: 'x', onRecord: (click: { url: string }) => (click.url ? 'fire' : 'continue') } as const;
// @ts-expect-error a trigger of other records
byItem.window(globalWindow(), { trigger: ofClicks });
// @ts-expect-error no such result
byItem.window(globalWindow(), { trigger: { name: 'x', onRecord: () => 'shoot' } });
// @ts-expect-error no such unit
calendar('hour');
// @ts-expect-error no such unit of time
cumulate('1 day', '1h');
// @ts-expect-error windows of numbers of records are not joined
byItem.join('x', byItem, { window: countWindow(3) }, (a, b) => [a, b]);
// @ts-expect-error no such field
sales.windowAll(tumbling('1m')).aggregate('h', (a) => ({ x: a.sum((sale) => sale.euros) }));
const perMinute = sales.windowAll(tumbling('1m')).aggregate('i', (a) => ({ n: a.count() }));
// @ts-expect-error windows over all records have no key
perMinute.map((row) => row.key);
