/** The job that `millrace init` writes. A test runs it as it is. */
export const STARTER = `/**
 * Orders of three shops, and what each shop takes a minute.
 *
 *   npx millrace run job.ts            runs it to the end of its input; after Ctrl-C it goes on where it was
 *   npx millrace run job.ts --fresh    runs it once more, from the start
 *   npx millrace plan job.ts           shows how it runs
 */
import { generate, job, print, tumbling } from 'millrace';

interface Order {
  readonly shop: string;
  readonly cents: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

// Each worker imports this module and builds the same job: keep clock and randomness out of it.
export default job('takings', (j) => {
  j.from('orders', generate({ count: 300, rate: 200, make: order }))
    .eventTime((order) => order.at)
    .keyBy((order) => order.shop)
    .window(tumbling('1m'))
    .aggregate('per-minute', (orders) => ({ count: orders.count(), cents: orders.sum((order) => order.cents) }))
    .map(({ key, window, count, cents }) => {
      const minute = new Date(window.start).toISOString().slice(11, 16);
      return \`\${minute}  \${key.padEnd(5)}  \${count} orders, \${(cents / 100).toFixed(2)}\`;
    })
    .to('out', print());
});

const SHOPS = ['north', 'south', 'west'] as const;
const OPENING = Date.UTC(2030, 0, 1, 9);

/** Order number n, one a second. Replace it by a source of your own: files('orders/*.ndjson', ndjson()). */
function order(n: number): Order {
  return { shop: SHOPS[n % 3] ?? 'north', cents: (n * 7919) % 10_000, at: OPENING + n * 1_000 };
}
`;
