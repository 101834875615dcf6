/** The job that `millrace init` writes. A test runs it as it is. */
export const STARTER = `/**
 * A stream of orders, and what each customer has spent so far.
 *
 *   npx millrace run job.ts              until the input ends
 *   npx millrace plan job.ts             how it runs
 */
import { generate, job, print } from 'millrace';

interface Order {
  readonly id: number;
  readonly customer: string;
  readonly cents: number;
}

const CUSTOMERS = ['ada', 'grace', 'linus'] as const;

// Every worker imports this module: keep clock and randomness out of the definition.
export default job('spending', (j) => {
  j.from('orders', generate({ count: 12, rate: 10, make: order }))
    .filter((each) => each.cents >= 500)
    .keyBy((each) => each.customer)
    .reduce('total', (a, b) => ({ ...b, cents: a.cents + b.cents }))
    .map((total) => \`\${total.customer} has spent \${(total.cents / 100).toFixed(2)}\`)
    .to('out', print());
});

/** Order number n; replace it by a source of your own, such as files('orders/*.ndjson', ndjson()). */
function order(n: number): Order {
  return { id: n, customer: CUSTOMERS[n % CUSTOMERS.length] as string, cents: (n * 7919) % 2_000 };
}
`;
