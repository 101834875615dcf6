/** Combined watermarks: whatever channels say, event time is where those that count have come to, also after a restart. */
import fc from 'fast-check';
import t from 'tap';
import type { Control } from '../../core/control.js';
import { TIME_MIN } from '../../core/time.js';
import { WatermarkValve } from '../../engine/exchange/watermark-valve.js';

const CHANNELS = 3;

const step = fc.record({
  channel: fc.nat({ max: CHANNELS - 1 }),
  says: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constantFrom('idle' as const, 'active' as const)),
});

t.test('event time is held back by none but active channels', (t) => {
  const property = fc.property(fc.constantFrom(TIME_MIN, 10), fc.array(step, { maxLength: 30 }), (restored, steps) => {
    const out: Control[] = [];
    const valve = new WatermarkValve(CHANNELS, restored, (control) => out.push(control));
    const channels = Array.from({ length: CHANNELS }, () => ({ time: TIME_MIN, idle: false, counts: true }));
    for (const { channel, says } of steps) {
      const own = channels[channel] as (typeof channels)[number];
      if (typeof says === 'number') {
        valve.watermark(channel, says);
        if (!own.idle) own.time = Math.max(own.time, says);
      } else {
        valve.status(channel, says === 'idle');
        own.idle = says === 'idle';
      }
      // One that has been idle counts again once it has caught up.
      own.counts = !own.idle && (own.counts || own.time >= valve.time);
      const counting = channels.filter(({ counts }) => counts);
      if (counting.length > 0 && Math.min(...counting.map(({ time }) => time)) > valve.time)
        throw new Error(`held back at ${valve.time}`);
    }
    const times = out.flatMap((control) => (control.kind === 'watermark' ? [control.time] : []));
    if (times.some((time, at) => time <= (times[at - 1] ?? restored))) throw new Error(`${times} do not rise`);
  });
  fc.assert(property, { numRuns: 10_000 });
  t.end();
});

t.test('after a restart a channel that is behind holds event time back until it is idle', (t) => {
  const valve = new WatermarkValve(2, 15, () => {});
  valve.watermark(0, 3);
  valve.watermark(1, 28);
  t.equal(valve.time, 15);
  valve.status(0, true);
  t.equal(valve.time, 28);
  t.end();
});

t.test('a channel that comes back ahead of all that count brings event time on', (t) => {
  const valve = new WatermarkValve(3, TIME_MIN, () => {});
  valve.status(0, true);
  valve.watermark(2, 0);
  valve.watermark(1, 1);
  valve.status(1, true);
  valve.status(0, false);
  valve.status(2, true);
  valve.status(1, false);
  t.equal(valve.time, 1);
  t.end();
});
