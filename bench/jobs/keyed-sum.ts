/** A running sum per key over 100,000 number keys, one output for each input. */
import { generate, job } from 'millrace';
import { blackhole } from './blackhole.js';

export default job('keyed-sum', { params: { keys: 100_000 } }, (j, { keys }) => {
  j.from('numbers', generate({ make: (n) => ({ key: (Math.imul(n, 0x9e3779b1) >>> 0) % keys, value: n & 1023 }) }))
    .keyBy((r) => r.key)
    .aggregate('sums', (a) => ({ sum: a.sum((r) => r.value) }))
    .to(
      'out',
      blackhole<{ sum: number }>((r) => r.sum),
    );
});
