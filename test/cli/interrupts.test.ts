/** Ctrl-C: once to stop, twice to end, and what counts as twice. */
import { EventEmitter } from 'node:events';
import t from 'tap';
import { onInterrupt } from '../../cli/interrupts.js';

t.test('the first interrupt stops, a later one aborts, an echo of the first does nothing', async (t) => {
  const signals = new EventEmitter();
  const seen: string[] = [];
  let time = 1_000;
  const interrupts = onInterrupt(() => seen.push('stop'), {
    signals: signals as never,
    now: () => time,
    abort: () => seen.push('abort'),
  });
  t.equal(interrupts.interrupted, false);
  signals.emit('SIGTERM');
  t.equal(interrupts.interrupted, true);
  time += 300;
  signals.emit('SIGINT');
  t.same(seen, ['stop']);
  time += 1;
  signals.emit('SIGINT');
  t.same(seen, ['stop', 'abort']);
  interrupts.release();
  t.equal(signals.listenerCount('SIGINT') + signals.listenerCount('SIGTERM'), 0);
});
