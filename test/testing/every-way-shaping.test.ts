/**
 * Operators that shape streams give the same answer every way: any interleaving, batch size and number of subtasks, killed
 * and restored anywhere. Chunks go through a window, which shows that none comes out behind its watermark.
 */
import { type Stream, tumbling, type Window, type WindowContext } from 'millrace';
import { everyWay, type Phase, type Step } from 'millrace/testing';
import t from 'tap';
import { Random } from '../../core/random.js';

t.setTimeout(180_000);

const COUNT = 20;
const NUMBERS = Array.from({ length: COUNT }, (_, n) => n);

/** Numbers at their own times, with watermarks between, dealt to two channels. */
function phases(random: Random): Phase[] {
  const steps = (from: number, to: number, channel: number): Step<number>[] => [
    ...NUMBERS.slice(from, to)
      .filter((n) => n % 2 === channel)
      .map((n) => ({ record: n, at: n })),
    { watermark: to - 1 },
  ];
  const cuts = [0, 3 + random.below(14), COUNT];
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

t.test('ways to deal, several in a row', async (t) => {
  const names = Object.keys(WAYS_TO_DEAL) as (keyof typeof WAYS_TO_DEAL)[];
  const dealt = new Map(names.map((name) => [name, 0]));
  let kills = 0;
  for (let seed = 0; seed < 1_600; seed += 1) {
    const random = new Random(seed);
    const row = names.filter(() => random.below(3) > 0);
    for (let at = row.length - 1; at > 0; at -= 1) row.push(...row.splice(random.below(at + 1), 1));
    for (const name of row) dealt.set(name, (dealt.get(name) as number) + 1);
    const report = await everyWay(
      (numbers: Stream<number>) =>
        row
          .reduce((stream, name) => WAYS_TO_DEAL[name](stream), numbers)
          .keyBy((n) => n % 3)
          .window(tumbling(10))
          .aggregate('sums', (a) => ({ n: a.count(), sum: a.sum((n) => n) })),
      phases(random),
      [0, 10].flatMap((start) =>
        [0, 1, 2].map((key) => {
          const own = NUMBERS.filter((n) => n % 3 === key && n >= start && n < start + 10);
          return { key, window: { start, end: start + 10 }, n: own.length, sum: own.reduce((a, b) => a + b, 0) };
        }),
      ),
      { ways: 1, from: seed },
    );
    kills += report.kills;
  }
  t.ok(kills > 1_600, `${kills} kills`);
  for (const [name, cases] of dealt) t.ok(cases >= 1_000, `${name}: ${cases} cases`);
});

/** The records of a window's chunks, which have their size and come before it is over. */
function checkedChunks(
  { start, end }: Window,
  chunks: readonly (readonly number[])[],
  { firing }: WindowContext,
): readonly number[] {
  for (const chunk of chunks) {
    if (chunk.length === 0 || chunk.length > 3) throw new Error(`a chunk of ${chunk.length}`);
    const latest = Math.max(...chunk);
    if (latest < start || latest >= end || firing === 'late') throw new Error(`${chunk} in ${start}`);
  }
  return chunks.flat();
}

t.test('chunks', async (t) => {
  let kills = 0;
  for (let seed = 0; seed < 1_000; seed += 1) {
    const random = new Random(seed);
    const mixed = random.below(2) === 0;
    const report = await everyWay(
      (numbers: Stream<number>) =>
        // Mixed, those of both channels meet; otherwise each has a subtask of its own.
        (mixed ? numbers.shuffle() : numbers)
          .chunk('chunks', 3, { within: 5 })
          .windowAll(tumbling(10))
          .process('windows', checkedChunks),
      // What waits comes out in between, or not.
      phases(random).flatMap((phase) => (random.below(2) === 0 ? [phase, { advance: 5 }] : [phase])),
      { output: NUMBERS, late: [] },
      { ways: 1, from: seed },
    );
    kills += report.kills;
  }
  t.ok(kills > 1_000, `${kills} kills`);
});

t.test('chunks of each key', async (t) => {
  let kills = 0;
  for (let seed = 0; seed < 1_000; seed += 1) {
    const random = new Random(seed);
    const report = await everyWay(
      (numbers: Stream<number>) =>
        numbers
          .keyBy((n) => n % 3)
          .chunk('chunks', 3, { within: 5 })
          .windowAll(tumbling(10))
          .process('windows', (window, chunks, context) => {
            for (const chunk of chunks)
              if (new Set(chunk.map((n) => n % 3)).size > 1) throw new Error(`a chunk of ${chunk}`);
            return checkedChunks(window, chunks, context);
          }),
      phases(random).flatMap((phase) => (random.below(2) === 0 ? [phase, { advance: 5 }] : [phase])),
      { output: NUMBERS, late: [] },
      { ways: 1, from: seed },
    );
    kills += report.kills;
  }
  t.ok(kills > 1_000, `${kills} kills`);
});

t.test('none of a fraction of 0; nothing of a drawn sample is drawn anew', async () => {
  await everyWay(
    (numbers: Stream<number>) => numbers.sample(0),
    [[NUMBERS.map((n): Step<number> => ({ record: n }))]],
    [],
  );
});
