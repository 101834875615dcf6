/**
 * State that is always changing and never growing: a text for each of the last so many keys, which is removed by a timer
 * when its hour is over, and a window that closes every hundred thousand records.
 */
import { generate, job, state, tumbling } from 'millrace';
import { blackhole } from './blackhole.js';

const KEYS = 200_000;
const TEXT = 'x'.repeat(200);
/** Encoded keys, texts and timers of all live keys. */
export const LIVE_BYTES = KEYS * (TEXT.length + 60);
const PER_SECOND = 40_000;

export default job('churn', (j) => {
  const numbers = j
    .from('numbers', generate({ splits: 2, rate: PER_SECOND, make: (n) => ({ n }) }))
    .eventTime((r) => r.n, { outOfOrder: '1s' });
  numbers
    .keyBy((r) => r.n)
    .process('texts', {
      state: { text: state.value<string>() },
      onRecord(_record, ctx) {
        ctx.state.text.set(TEXT);
        ctx.eventTimers.add((ctx.timestamp as number) + KEYS);
      },
      onTimer(time, ctx) {
        ctx.state.text.clear();
        return [time];
      },
    })
    .to(
      'gone',
      blackhole<number>((time) => time),
    );
  numbers
    .keyBy((r) => r.n % 1_000)
    .window(tumbling('100s'))
    .aggregate('counts', (a) => ({ n: a.count() }))
    .to(
      'counted',
      blackhole<{ n: number }>((r) => r.n),
    );
});
