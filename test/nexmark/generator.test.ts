/** The generator makes the events that it should, to the byte, from the beginning and from anywhere. */
import { createHash } from 'node:crypto';
import t from 'tap';
import { NexmarkGenerator } from '../../bench/nexmark/generator.js';
import { DIGESTS } from './expected.js';

t.test('events are those of the seeded generator, to the byte', (t) => {
  const generator = new NexmarkGenerator({ rate: 10_000, splits: 1, firstEventId: 1 });
  const hash = createHash('sha256');
  for (let n = 0; n < 200_000; n += 1) {
    hash.update(`${JSON.stringify({ n, ...generator.next() })}\n`);
    const digest = DIGESTS[n + 1];
    if (digest !== undefined) t.equal(hash.copy().digest('hex'), digest, `the first ${n + 1}`);
  }
  t.end();
});

t.test('a generator goes on from its state', (t) => {
  const options = { rate: 10_000, splits: 2, firstEventId: 501 };
  const whole = new NexmarkGenerator(options);
  for (let cut = 0; cut < 500; cut += 1) {
    const resumed = new NexmarkGenerator({ ...options, state: whole.state });
    t.same(resumed.next(), whole.next());
  }
  t.end();
});
