/**
 * Operators that shape streams give the same answer every way: any interleaving, batch size and number of subtasks, killed
 * and restored anywhere. Chunks go through a window, which shows that none comes out behind its watermark.
 */
import { type Stream, tumbling } from 'millrace';
import { everyWay, type Phase, type Step } from 'millrace/testing';
import t from 'tap';
import { Random } from '../../core/random.js';

t.setTimeout(120_000);

const COUNT = 40;
const NUMBERS = Array.from({ length: COUNT }, (_, n) => n);

/** Numbers at their own times, with watermarks between, dealt to two channels. */
function phases(random: Random): Phase[] {
  const steps = (from: number, to: number, channel: number): Step<number>[] => [
    ...NUMBERS.slice(from, to)
      .filter((n) => n % 2 === channel)
      .map((n) => ({ record: n, at: n })),
    { watermark: to - 1 },
  ];
  const cuts = [0, 5 + random.below(10), 20 + random.below(10), COUNT];
  return cuts.slice(1).map((to, at) => [0, 1].map((channel) => steps(cuts[at] as number, to, channel)));
}

const WAYS_TO_DEAL = {
  rebalance: (s: Stream<number>) => s.rebalance(),
  shuffle: (s: Stream<number>) => s.shuffle(),
  global: (s: Stream<number>) => s.global(),
  custom: (s: Stream<number>) => s.partitionCustom((n, subtasks) => n % subtasks),
  rescale: (s: Stream<number>) => s.rescale(),
  unchained: (s: Stream<number>) => s.map((n) => n, { chain: false }),
  tapped: (s: Stream<number>) => s.tap(() => {}),
  'sample of all': (s: Stream<number>) => s.sample(1),
  throttled: (s: Stream<number>) => s.throttle('slow', { perSecond: 1e6 }),
};

for (const [name, deal] of Object.entries(WAYS_TO_DEAL)) {
  t.test(name, async (t) => {
    const report = await everyWay(
      (numbers: Stream<number>) =>
        deal(numbers)
          .keyBy((n) => n % 3)
          .window(tumbling(10))
          .aggregate('sums', (a) => ({ n: a.count(), sum: a.sum((n) => n) })),
      phases(new Random(1)),
      [0, 10, 20, 30].flatMap((start) =>
        [0, 1, 2].map((key) => {
          const own = NUMBERS.filter((n) => n % 3 === key && n >= start && n < start + 10);
          return { key, window: { start, end: start + 10 }, n: own.length, sum: own.reduce((a, b) => a + b, 0) };
        }),
      ),
      { ways: 100 },
    );
    t.ok(report.kills > 50, `${report.kills} kills`);
  });
}

t.test('chunks', async (t) => {
  let kills = 0;
  for (let seed = 0; seed < 20; seed += 1) {
    const report = await everyWay(
      (numbers: Stream<number>) =>
        numbers
          .chunk('chunks', 3, { within: 5 })
          .windowAll(tumbling(10))
          .process('windows', ({ start, end }, chunks, { firing }) => {
            for (const chunk of chunks) {
              if (chunk.length === 0 || chunk.length > 3) throw new Error(`a chunk of ${chunk.length}`);
              const latest = Math.max(...chunk);
              if (latest < start || latest >= end || firing === 'late') throw new Error(`${chunk} in ${start}`);
            }
            return chunks.flat();
          }),
      phases(new Random(seed)),
      { output: NUMBERS, late: [] },
      { ways: 20 },
    );
    kills += report.kills;
  }
  t.ok(kills > 200, `${kills} kills`);
});

t.test('every third of a subtask', async () => {
  await everyWay(
    // All in one subtask, and in order.
    (numbers: Stream<number>) => numbers.global().sample({ every: 3 }),
    [[NUMBERS.map((n): Step<number> => ({ record: n, at: n }))]],
    NUMBERS.filter((n) => n % 3 === 2),
  );
});

t.test('none of a fraction of 0; nothing of a drawn sample is drawn anew', async () => {
  await everyWay(
    (numbers: Stream<number>) => numbers.sample(0),
    [[NUMBERS.map((n): Step<number> => ({ record: n }))]],
    [],
  );
});
