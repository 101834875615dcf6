/**
 * A running sum over a million keys, of which 100,000 are in use at a time: the set moves on with every so many
 * records, so that a checkpoint finds about that many changed. The sink notes the longest gap between two batches in
 * memory that it shares with whoever measures.
 */
import { generate, job, type Sink } from 'millrace';

const KEYS = 1_000_000;
const HOT = 100_000;

/** Keys that so many records in a row touch, on average. */
export function keysTouched(records: number): number {
  return HOT * (1 + records / hotKeysParams.period);
}

export const hotKeysParams = {
  /** Records between two moves of the hot set: on two seconds come some ten million. */
  period: 20_000_000,
  /** [0]: longest gap since it was last set to 0, in ms. */
  gap: new Float64Array(new SharedArrayBuffer(8)),
};

export default job('hot-keys', { params: hotKeysParams }, (j, { period, gap }) => {
  j.from('numbers', generate({ splits: 1, make: (n) => ({ key: keyAt(n, period), value: n & 1023 }) }))
    .keyBy((r) => r.key)
    .aggregate('sums', (a) => ({ sum: a.sum((r) => r.value) }))
    .to('out', gapSink(gap));
});

/** Every key once, then the hot set. */
function keyAt(n: number, period: number): number {
  if (n < KEYS) return n;
  const move = Math.floor((n - KEYS) / period);
  return (move * HOT + ((n * 7_919) % HOT)) % KEYS;
}

function gapSink(gap: Float64Array): Sink<unknown> {
  return {
    kind: 'gaps',
    description: '',
    writer({ host }) {
      let last = host.elapsed();
      return {
        write(inbox) {
          const now = host.elapsed();
          if (now - last > (gap[0] as number)) gap[0] = now - last;
          last = now;
          inbox.cursor = inbox.batch.count;
        },
        prepare: async () => [],
        close() {},
      };
    },
  };
}
