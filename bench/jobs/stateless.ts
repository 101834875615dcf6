/** Three user functions in one chain: map, filter, map. */
import { generate, job } from 'millrace';
import { blackhole } from './blackhole.js';

export default job('stateless', (j) => {
  j.from('numbers', generate({ make: (n) => ({ n, v: n & 1023 }) }))
    .map((r) => ({ n: r.n, v: r.v + 1 }))
    .filter((r) => r.v % 8 !== 0)
    .map((r) => ({ n: r.n, v: r.v * 2 }))
    .to(
      'out',
      blackhole<{ v: number }>((r) => r.v),
    );
});
