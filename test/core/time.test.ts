/** Durations as users write them. */
import t from 'tap';
import { durationMs } from '../../core/time.js';

t.test('a duration is a number of milliseconds or a number with a unit', (t) => {
  t.equal(durationMs(250, 'x'), 250);
  t.equal(durationMs('500ms', 'x'), 500);
  t.equal(durationMs('1.5s', 'x'), 1_500);
  t.equal(durationMs('5m', 'x'), 300_000);
  t.equal(durationMs('22h', 'x'), 79_200_000);
  t.equal(durationMs('7d', 'x'), 604_800_000);
  t.end();
});

t.test('anything else names the option', (t) => {
  for (const wrong of ['1 hour', '', '-1s', -1, Number.NaN, Number.POSITIVE_INFINITY, null]) {
    t.throws(() => durationMs(wrong as never, 'lateness'), { code: 'MILL_OPTION_INVALID', message: /^lateness is/ });
  }
  t.end();
});
