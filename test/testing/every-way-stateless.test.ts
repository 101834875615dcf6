/**
 * Operators without keys, several in a row, give what the same functions give of an array, every way, and nothing behind its
 * watermark: those that hold records, for a pool, a promise or one another, among them.
 */
import { type Stream, tumbling } from 'millrace';
import { everyWay, type Step } from 'millrace/testing';
import t from 'tap';
import { Random } from '../../core/random.js';

t.setTimeout(180_000);

interface Operator {
  stream(numbers: Stream<number>, at: number): Stream<number>;
  array(numbers: readonly number[]): number[];
}

const isEven = (n: number): boolean => n % 2 === 0;

const OPERATORS: Readonly<Record<string, Operator>> = {
  map: { stream: (s) => s.map((n) => n + 1), array: (all) => all.map((n) => n + 1) },
  filter: { stream: (s) => s.filter((n) => n % 3 > 0), array: (all) => all.filter((n) => n % 3 > 0) },
  flatMap: {
    stream: (s) =>
      s.flatMap(function* (n) {
        for (let copy = 0; copy < n % 4; copy += 1) yield n + copy;
      }),
    array: (all) => all.flatMap((n) => Array.from({ length: n % 4 }, (_, copy) => n + copy)),
  },
  split: {
    stream(s) {
      const { even, fives, rest } = s.split({ even: isEven, fives: (n) => n % 5 === 0 });
      return even
        .map((n) => n / 2)
        .union(
          fives,
          rest.filter((n) => n > 9),
        );
    },
    array: (all) => all.flatMap((n) => (isEven(n) ? [n / 2] : n % 5 === 0 || n > 9 ? [n] : [])),
  },
  union: { stream: (s) => s.union(s.filter(isEven)), array: (all) => [...all, ...all.filter(isEven)] },
  tap: { stream: (s) => s.tap(() => {}), array: (all) => [...all] },
  apply: { stream: (s) => s.apply((own) => own.map((n) => -n)), array: (all) => all.map((n) => -n) },
  offload: {
    stream: (s, at) => s.offload(`offload-${at}`, (n) => n * 2, { batch: 2 }),
    array: (all) => all.map((n) => n * 2),
  },
  mapAsync: {
    stream: (s, at) => s.mapAsync(`map-async-${at}`, async (n) => n + 3, { capacity: 2, order: 'any' }),
    array: (all) => all.map((n) => n + 3),
  },
  batchAsync: {
    stream: (s, at) =>
      s.batchAsync(`batch-async-${at}`, async (batch) => batch.map((n) => n - 1), { batch: { size: 2, delay: 5 } }),
    array: (all) => all.map((n) => n - 1),
  },
  eventTime: { stream: (s) => s.eventTime((n) => Math.abs(n), { outOfOrder: '1h' }), array: (all) => [...all] },
  chunk: {
    stream: (s, at) => s.chunk(`chunk-${at}`, 2, { within: 5 }).flatMap((chunk) => [...chunk]),
    array: (all) => [...all],
  },
};

t.test('several in a row', async (t) => {
  const names = Object.keys(OPERATORS);
  const used = new Map(names.map((name) => [name, 0]));
  let kills = 0;
  for (let seed = 0; seed < 1_500; seed += 1) {
    const random = new Random(seed);
    // Each of them in most cases, in any order.
    const row = names.filter(() => random.below(10) < 7);
    for (let at = row.length - 1; at > 0; at -= 1) row.push(...row.splice(random.below(at + 1), 1));
    for (const name of row) used.set(name, (used.get(name) as number) + 1);
    const channels = [0, 1].map(() => Array.from({ length: random.below(5) }, () => random.below(30)));
    const report = await everyWay(
      (numbers: Stream<number>) =>
        row
          .reduce((stream, name, at) => (OPERATORS[name] as Operator).stream(stream, at), numbers)
          // Nothing comes out behind its watermark.
          .windowAll(tumbling(10))
          .process('windows', (_window, all, { firing }) => (firing === 'on-time' ? all : [])),
      [channels.map((all) => [...all.map((n): Step<number> => ({ record: n, at: n })), { watermark: 30 }])],
      { output: row.reduce((all, name) => (OPERATORS[name] as Operator).array(all), channels.flat()), late: [] },
      { ways: 1, from: seed },
    );
    kills += report.kills;
  }
  t.ok(kills > 1_500, `${kills} kills`);
  for (const [name, cases] of used) t.ok(cases >= 1_000, `${name}: ${cases} cases`);
});

t.test('every so many-th of a subtask', async () => {
  for (let seed = 0; seed < 1_000; seed += 1) {
    const random = new Random(seed);
    const every = 1 + random.below(5);
    const numbers = Array.from({ length: random.below(12) }, (_, n) => n);
    await everyWay(
      // All in one subtask, and in order.
      (all: Stream<number>) => all.global().sample({ every }),
      [[numbers.map((n): Step<number> => ({ record: n, at: n }))]],
      numbers.filter((n) => n % every === every - 1),
      { ways: 1, from: seed },
    );
  }
});
