/** The built-in aggregates: what each gives, and that generated and interpreted code give the same. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { packPlain, unpackPlain } from '../../core/codec.js';
import { type AggregateBuilder, type AggregateParts, aggregateBuilder } from '../../operators/aggregate/aggregates.js';
import { composeAggregates } from '../../operators/aggregate/compose-aggregates.js';
import {
  BUCKETS_MAX,
  newSketch,
  type QuantileSketch,
  QuantileSketches,
} from '../../operators/aggregate/quantile-sketch.js';

interface Flight {
  readonly delay: number | null | undefined;
  readonly carrier: string | null;
  readonly pair: readonly [string, number];
}

const CASES = 1_000;

function allParts(a: AggregateBuilder<Flight>) {
  return {
    flights: a.count(),
    known: a.count((f) => f.delay),
    late: a.count((f) => (f.delay ?? 0) > 15),
    total: a.sum((f) => f.delay),
    best: a.min((f) => f.delay),
    worst: a.max((f) => f.delay),
    mean: a.avg((f) => f.delay),
    firstCarrier: a.first((f) => f.carrier),
    lastCarrier: a.last((f) => f.carrier),
    firstFlight: a.first(),
    carriers: a.collect((f) => f.carrier),
    all: a.collect(),
    distinctCarriers: a.distinct((f) => f.carrier),
    'distinct "pairs"\u2028': a.distinct((f) => f.pair),
    some: a.distinctApprox((f) => f.pair),
    variance: a.variance((f) => f.delay),
    variancePopulation: a.variance((f) => f.delay, { population: true }),
    stddev: a.stddev((f) => f.delay),
    stddevPopulation: a.stddev((f) => f.delay, { population: true }),
    least: a.argMin((f) => f.delay),
    leastCarrier: a.argMin(
      (f) => f.delay,
      (f) => f.carrier,
    ),
    greatest: a.argMax((f) => f.delay),
    top: a.topK(3, (f) => f.delay),
    topDelays: a.topK(
      2,
      (f) => f.delay,
      (f) => f.delay,
    ),
    median: a.quantile((f) => f.delay, 0.5),
    quartiles: a.quantiles((f) => f.delay, [0, 0.25, 0.75, 1]),
    buckets: a.histogram((f) => f.delay, [-10, 0, 10]),
    pairs: a.custom({
      create: (): string[] => [],
      add: (acc, f: Flight) => [...acc, f.pair[0]],
      merge: (x, y) => [...x, ...y],
      result: (acc) => acc.join(''),
    }),
  };
}

/** The results that are rounded on their way, in an order that depends on how they came about. */
const ROUNDED = ['total', 'mean', 'variance', 'variancePopulation', 'stddev', 'stddevPopulation'];

const PARTS = allParts(aggregateBuilder<Flight>());
const generated = composeAggregates(PARTS);
const interpreted = composeAggregates(PARTS, { generate: false });

function flight(
  delay: number | null | undefined,
  carrier: string | null = 'a',
  pair: [string, number] = ['x', 1],
): Flight {
  return { delay, carrier, pair };
}

function over(records: readonly Flight[], aggregator = generated) {
  return aggregator.result(
    records.reduce<unknown[]>((acc, record) => aggregator.add(acc, record), aggregator.create()),
  );
}

/** Compiles only if both types are the same. */
function same<A, B>(_same: [A] extends [B] ? ([B] extends [A] ? true : false) : false): void {}

for (const [name, aggregator] of Object.entries({ generated, interpreted })) {
  t.test(`of nothing, ${name}`, (t) => {
    t.same(over([], aggregator), {
      flights: 0,
      known: 0,
      late: 0,
      total: 0,
      best: null,
      worst: null,
      mean: null,
      firstCarrier: null,
      lastCarrier: null,
      firstFlight: null,
      carriers: [],
      all: [],
      distinctCarriers: 0,
      'distinct "pairs"\u2028': 0,
      some: 0,
      variance: null,
      variancePopulation: null,
      stddev: null,
      stddevPopulation: null,
      least: null,
      leastCarrier: null,
      greatest: null,
      top: [],
      topDelays: [],
      median: null,
      quartiles: [null, null, null, null],
      buckets: [0, 0, 0, 0],
      pairs: '',
    });
    t.end();
  });

  t.test(`null and undefined are left out, ${name}`, (t) => {
    const records = [
      flight(null, null),
      flight(20, 'b'),
      flight(undefined, null),
      flight(-4, 'c', ['x', 2]),
      flight(0, 'b'),
    ];
    t.match(over(records, aggregator), {
      flights: 5,
      known: 3,
      late: 1,
      total: 16,
      best: -4,
      worst: 20,
      mean: 16 / 3,
      firstCarrier: 'b',
      lastCarrier: 'b',
      carriers: ['b', 'c', 'b'],
      distinctCarriers: 2,
      'distinct "pairs"\u2028': 2,
      some: 2,
      least: { delay: -4 },
      leastCarrier: 'c',
      greatest: { delay: 20 },
      topDelays: [20, 0],
      buckets: [0, 1, 1, 1],
      pairs: 'xxxxx',
    });
    t.match(
      over(records, aggregator).top.map(({ delay }) => delay),
      [20, 0, -4],
    );
    t.equal(over(records, aggregator).firstFlight, records[0]);
    t.same(over(records, aggregator).all, records);
    t.end();
  });

  t.test(`NaN and infinities, ${name}`, (t) => {
    t.match(over([flight(1), flight(Number.NaN), flight(2)], aggregator), {
      total: Number.NaN,
      best: Number.NaN,
      worst: Number.NaN,
      mean: Number.NaN,
      variance: Number.NaN,
      least: { delay: Number.NaN },
      greatest: { delay: Number.NaN },
      topDelays: [Number.NaN, 2],
      median: Number.NaN,
      buckets: [0, 0, 2, 1],
    });
    t.match(over([flight(Infinity)], aggregator), { best: Infinity, worst: Infinity, median: Infinity });
    t.match(over([flight(-Infinity)], aggregator), { best: -Infinity, worst: -Infinity });
    t.end();
  });

  t.test(`a value of another type fails before anything has changed, ${name}`, (t) => {
    const acc = aggregator.add(aggregator.create(), flight(1));
    const before = structuredClone(acc);
    for (const delay of ['12', 12n, true, {}]) {
      t.throws(() => aggregator.add(acc, flight(delay as never)), { code: 'MILL_FUNCTION_FAILED', message: /'total'/ });
    }
    t.throws(() => aggregator.add(acc, { ...flight(1), pair: [undefined] as never }), { code: 'MILL_KEY_INVALID' });
    t.same(acc, before);
    t.end();
  });

  t.test(`results do not change afterwards, ${name}`, (t) => {
    const acc = aggregator.add(aggregator.create(), flight(1));
    const result = aggregator.result(acc);
    aggregator.add(acc, flight(2));
    t.equal(result.all.length, 1);
    t.equal(result.flights, 1);
    t.end();
  });

  t.test(`beside a key and a window, ${name}`, (t) => {
    const acc = aggregator.create();
    const window = { start: 0, end: 10 };
    t.same(aggregator.keyedResult(acc, 'k'), { key: 'k', ...aggregator.result(acc) });
    t.same(aggregator.windowResult(acc, 'k', window), { key: 'k', window, ...aggregator.result(acc) });
    t.same(Object.keys(aggregator.windowResult(acc, 'k', window)).slice(0, 3), ['key', 'window', 'flights']);
    t.end();
  });
}

const delays = fc.oneof(fc.integer({ min: -50, max: 50 }), fc.double(), fc.constantFrom(null, undefined));
const flights = fc.record({
  delay: delays,
  carrier: fc.oneof(fc.constantFrom('a', 'b', '\u0001s1:a', '\u0001'), fc.constant(null)),
  pair: fc.tuple(fc.constantFrom('x', 'y'), fc.constantFrom(0, -0, 1, Number.NaN)),
}) as fc.Arbitrary<Flight>;

/** What does not depend on the order of additions. */
function exact(result: Readonly<Record<string, unknown>> | undefined): string {
  return fc.stringify({ ...result, ...Object.fromEntries(ROUNDED.map((name) => [name, null])) });
}

t.test('generated and interpreted agree, and merging halves is adding all', (t) => {
  const property = fc.property(fc.array(flights), fc.nat(), (records, cut) => {
    const left = records.slice(0, cut % (records.length + 1));
    const right = records.slice(left.length);
    const results = [generated, interpreted].map((aggregator) => {
      const [a, b] = [left, right].map((half) =>
        half.reduce<unknown[]>((acc, one) => aggregator.add(acc, one), aggregator.create()),
      );
      const untouched = fc.stringify(b);
      const merged = aggregator.merge(a as unknown[], b as unknown[]);
      if (untouched !== fc.stringify(b)) throw new Error('merging changed its second argument');
      aggregator.add(merged, flight(1, 'z'));
      if (untouched !== fc.stringify(b)) throw new Error('what was merged shares something');
      return { halves: aggregator.result(merged), whole: over([...records, flight(1, 'z')], aggregator) };
    });
    const [one, other] = results.map((result) => fc.stringify(result));
    if (one !== other) throw new Error(`${one} is not ${other}`);
    if (exact(results[0]?.halves) !== exact(results[0]?.whole)) throw new Error('merging halves is not adding all');
  });
  const { failed, numRuns, seed } = fc.check(property, { numRuns: CASES });
  if (failed) fc.assert(property, { numRuns: CASES, seed });
  t.equal(numRuns, CASES, `seed ${seed}`);
  t.end();
});

t.test('distinct compares by value', (t) => {
  const count = (keys: readonly unknown[]): number => {
    const aggregator = composeAggregates({ n: aggregateBuilder<never>().distinct((key) => key) });
    return aggregator.result(
      keys.reduce((acc: unknown[], key) => aggregator.add(acc, key as never), aggregator.create()),
    ).n;
  };
  t.equal(count([0, -0, Number.NaN, Number.NaN, 1, 1n, '1', true]), 6);
  t.equal(count([['a', 1], ['a', 1], ['a1'], ['a', '1'], [['a'], 1]]), 4);
  t.equal(count(['\u0001a1:s1:a', ['a'], '\u0001s1:a', 'a']), 4);
  t.end();
});

/** Runs a property so many times. */
function holds<T>(t: Test, arbitrary: fc.Arbitrary<T>, check: (value: T) => void, numRuns = CASES): void {
  const property = fc.property(arbitrary, check);
  const { failed, seed, numRuns: runs } = fc.check(property, { numRuns });
  if (failed) fc.assert(property, { numRuns, seed });
  t.equal(runs, numRuns, `seed ${seed}`);
  t.end();
}

function ofNumbers<P extends AggregateParts<number>>(
  build: (a: AggregateBuilder<number>) => P,
  parts: readonly number[][],
) {
  const aggregator = composeAggregates(build(aggregateBuilder<number>()));
  const accumulators = parts.map((numbers) =>
    // As after a restart.
    unpackPlain(packPlain(numbers.reduce((acc, n) => aggregator.add(acc, n as never), aggregator.create()))),
  ) as unknown[][];
  return aggregator.result(accumulators.reduce((a, b) => aggregator.merge(a, b), aggregator.create()));
}

const parts = (numbers: fc.Arbitrary<number>) => fc.array(fc.array(numbers, { maxLength: 40 }), { maxLength: 4 });

const near = (found: number, wanted: number, share: number): boolean =>
  Math.abs(found - wanted) <= share * Math.max(1, Math.abs(wanted));

t.test('variance against its definition', (t) => {
  holds(t, parts(fc.double({ min: -1e6, max: 1e6, noNaN: true })), (numbers) => {
    const all = numbers.flat();
    const { sample, population } = ofNumbers(
      (a) => ({ sample: a.variance((n) => n), population: a.variance((n) => n, { population: true }) }),
      numbers,
    );
    const mean = all.reduce((sum, n) => sum + n, 0) / all.length;
    const squares = all.reduce((sum, n) => sum + (n - mean) ** 2, 0);
    if (all.length < 2 ? sample !== null : !near(sample as number, squares / (all.length - 1), 1e-9))
      throw new Error(`${sample} of a sample`);
    if (all.length < 1 ? population !== null : !near(population as number, squares / all.length, 1e-9))
      throw new Error(`${population} of a population`);
  });
});

t.test('the variance of numbers that are large and near one another', (t) => {
  const { v } = ofNumbers(
    (a) => ({ v: a.variance((n) => n) }),
    [
      [1e9 + 4, 1e9 + 7],
      [1e9 + 13, 1e9 + 16],
    ],
  );
  t.equal(v, 30);
  t.end();
});

t.test('quantiles are within their accuracy of the number at their rank', (t) => {
  const numbers = fc.oneof(
    fc.double({ noNaN: true }),
    fc.integer({ min: -1_000, max: 1_000 }),
    fc.constantFrom(0, -0, 1e-300, -1e300, Number.MIN_VALUE, Number.MAX_VALUE),
  );
  const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 });
  holds(t, fc.tuple(parts(numbers), shares, fc.constantFrom(0.01, 0.001, 0.2)), ([numbers, shares, accuracy]) => {
    const { q } = ofNumbers((a) => ({ q: a.quantiles((n) => n, shares, { accuracy }) }), numbers);
    const all = numbers.flat().sort((x, y) => x - y);
    for (const [at, share] of shares.entries()) {
      const wanted = all.length === 0 ? null : (all[Math.floor(share * (all.length - 1))] as number);
      const found = q[at] as number | null;
      if (wanted === null || found === null) {
        if (wanted !== found) throw new Error(`${found} of nothing`);
      } else if (found !== wanted && !(Math.abs(found - wanted) <= accuracy * 1.000001 * Math.abs(wanted)))
        throw new Error(`${found} for ${wanted}`);
    }
  });
});

t.test('quantiles of numbers of all sizes in bounded memory', (t) => {
  const sketches = new QuantileSketches(0.001);
  const sketch = newSketch();
  for (let n = -20_000; n <= 20_000; n += 1) sketches.add(sketch, Math.exp(n / 100));
  t.ok(sketch.positive.counts.size <= BUCKETS_MAX);
  const [upper] = sketches.quantiles(sketch, [0.99]);
  t.ok(near(upper as number, Math.exp(196), 0.001 * 1.01));
  t.end();
});

t.test('which buckets are joined depends on the numbers alone, not on their order or how they were merged', (t) => {
  // Six times as many buckets as are kept, of both signs.
  const sketches = new QuantileSketches(0.001);
  const number = fc.tuple(fc.constantFrom(-1, 1), fc.nat({ max: 12_000 })).map(([sign, n]) => sign * Math.exp(n / 500));
  const seen = Array.from({ length: 4_000 }, (_, n) => Math.exp((n * 7) / 500));
  const sketchOf = (numbers: readonly number[], sketch = newSketch()): QuantileSketch => {
    for (const n of numbers) sketches.add(sketch, n);
    return unpackPlain(packPlain(sketch)) as QuantileSketch;
  };
  const textOf = ({ positive, negative, ...rest }: QuantileSketch): string =>
    fc.stringify([rest, ...[positive, negative].map(({ counts }) => [...counts].sort(([a], [b]) => a - b))]);
  const ascending = textOf(sketchOf(seen));
  t.equal(textOf(sketchOf(seen.toReversed())), ascending);
  const [one, other] = [sketchOf(seen.filter((_, n) => n % 2 === 0)), sketchOf(seen.filter((_, n) => n % 2 === 1))];
  const untouched = textOf(other);
  sketches.merge(one, other);
  t.equal(textOf(one), ascending);
  t.equal(textOf(other), untouched);
  const collapsed = packPlain(sketchOf(seen));
  holds(t, fc.tuple(fc.array(number), fc.array(number)), ([left, right]) => {
    const start = (): QuantileSketch => unpackPlain(collapsed) as QuantileSketch;
    const merged = sketchOf(left, start());
    sketches.merge(merged, sketchOf(right));
    const wanted = textOf(sketchOf([...right, ...left], start()));
    if (textOf(merged) !== wanted) throw new Error(`${textOf(merged)}, not ${wanted}`);
    if (merged.positive.counts.size > BUCKETS_MAX) throw new Error('too many buckets');
  });
});

t.test('top k, and the greatest and least, against sorting', (t) => {
  const records = fc.array(
    fc.record({ n: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(Number.NaN)), id: fc.nat() }),
  );
  holds(t, fc.tuple(fc.array(records, { maxLength: 3 }), fc.integer({ min: 1, max: 5 })), ([parts, k]) => {
    const a = aggregateBuilder<{ n: number; id: number }>();
    const aggregator = composeAggregates({
      top: a.topK(k, (r) => r.n),
      most: a.argMax((r) => r.n),
      least: a.argMin((r) => r.n),
    });
    const found = aggregator.result(
      parts
        .map((part) => part.reduce((acc, r) => aggregator.add(acc, r), aggregator.create()))
        .map((acc) => unpackPlain(packPlain(acc)) as typeof acc)
        .reduce((x, y) => aggregator.merge(x, y), aggregator.create()),
    );
    const rank = (n: number): number => (Number.isNaN(n) ? 10 : n);
    const all = parts.flat();
    const sorted = all.toSorted((x, y) => rank(y.n) - rank(x.n));
    const least = all.find(({ n }) => Number.isNaN(n)) ?? all.toSorted((x, y) => x.n - y.n)[0] ?? null;
    const wanted = { top: sorted.slice(0, k), most: sorted[0] ?? null, least };
    if (fc.stringify(found) !== fc.stringify(wanted))
      throw new Error(`${fc.stringify(found)}, not ${fc.stringify(wanted)}`);
  });
});

t.test('a histogram against counting', (t) => {
  const bounds = fc.uniqueArray(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 5 });
  const numbers = fc.oneof(fc.integer({ min: -12, max: 12 }), fc.double());
  holds(t, fc.tuple(parts(numbers), bounds), ([numbers, unsorted]) => {
    const bounds = unsorted.toSorted((x, y) => x - y);
    const { h } = ofNumbers((a) => ({ h: a.histogram((n) => n, bounds) }), numbers);
    const wanted = [...bounds, Number.NaN].map(
      (upper, at) =>
        numbers
          .flat()
          .filter((n) => !(n < (bounds[at - 1] ?? Number.NEGATIVE_INFINITY)) && (Number.isNaN(upper) || n < upper))
          .length,
    );
    if (h.join() !== wanted.join()) throw new Error(`${h}, not ${wanted}`);
  });
});

t.test('about how many there are: exact while few, then within four standard errors', (t) => {
  for (const precision of [4, 10, 14, 18]) {
    const error = 1.04 / Math.sqrt(2 ** precision);
    for (const size of [0, 1, 16, 1_000, 20_000, 300_000]) {
      const keys = Array.from({ length: size }, (_, n) => n);
      const halves = [keys.slice(0, size / 2), keys.slice(size / 3)];
      const { n } = ofNumbers((a) => ({ n: a.distinctApprox((key) => [key, `${key}`], { precision }) }), halves);
      const isExact = size <= 2 ** precision / 16;
      t.ok(isExact ? n === size : Math.abs(n - size) <= 4 * error * size, `${n} for ${size} at precision ${precision}`);
    }
  }
  t.end();
});

t.test('about how many there are: parts that are merged, and restored, give the same as all at once', (t) => {
  const keys = fc.array(fc.array(fc.nat({ max: 200 }), { maxLength: 80 }), { maxLength: 4 });
  // From 17 keys on there are registers.
  holds(t, fc.tuple(keys, fc.constantFrom(4, 5, 8)), ([parts, precision]) => {
    const count = (parts: number[][]): number =>
      ofNumbers((a) => ({ n: a.distinctApprox((n) => n, { precision }) }), parts).n;
    const [merged, whole] = [count(parts), count([parts.flat()])];
    if (merged !== whole) throw new Error(`${merged} of parts, ${whole} of all`);
    const different = new Set(parts.flat()).size;
    if (different <= 16 && merged !== different) throw new Error(`${merged}, not ${different}`);
  });
});

t.test('an aggregator of the user that throws: the others have not counted the record', (t) => {
  const add = (sum: number, n: number): number => {
    if (n === 13) throw new Error('thirteen');
    return sum + n;
  };
  const own = { create: () => 0, add, merge: (x: number, y: number) => x + y, result: (x: number) => x };
  const a = aggregateBuilder<number>();
  const parts = { n: a.count(), top: a.topK(2, (n) => n), own: a.custom(own), last: a.last() };
  for (const generate of [true, false]) {
    const aggregator = composeAggregates(parts, { generate });
    const acc = aggregator.create();
    for (const n of [1, 2]) aggregator.add(acc, n);
    t.throws(() => aggregator.add(acc, 13), { message: 'thirteen' });
    t.same(aggregator.result(acc), { n: 2, top: [2, 1], own: 3, last: 2 });
  }
  t.end();
});

t.test('about how many there are, by value', (t) => {
  const aggregator = composeAggregates({ n: aggregateBuilder<never>().distinctApprox((key) => key) });
  const keys = [0, -0, Number.NaN, Number.NaN, 1, 1n, '1', true, null, ['a', 1], ['a', 1], 'a1', '\ud800', '\ud801'];
  const acc = keys.reduce((acc: unknown[], key) => aggregator.add(acc, key as never), aggregator.create());
  t.equal(aggregator.result(acc).n, 10);
  t.throws(() => aggregator.add(acc, {} as never), { code: 'MILL_KEY_INVALID' });
  t.end();
});

t.test('parameters that are none', (t) => {
  const a = aggregateBuilder<number>();
  const invalid = { code: 'MILL_OPTION_INVALID' };
  t.throws(() => a.topK(0, (n) => n), invalid);
  t.throws(() => a.quantile((n) => n, 1.1), invalid);
  t.throws(() => a.quantiles((n) => n, [0.1, Number.NaN]), invalid);
  t.throws(() => a.quantile((n) => n, 0.5, { accuracy: 0 }), invalid);
  t.throws(() => a.distinctApprox((n) => n, { precision: 3 }), invalid);
  t.throws(() => a.histogram((n) => n, []), invalid);
  t.throws(() => a.histogram((n) => n, [1, 1]), invalid);
  t.throws(() => a.histogram((n) => n, [1, Number.POSITIVE_INFINITY]), invalid);
  t.throws(() => a.custom({ create: () => 0 } as never), invalid);
  t.end();
});

t.test('parameters that only JavaScript can give', (t) => {
  const a = aggregateBuilder<number>() as unknown as Record<string, (...parameters: unknown[]) => unknown>;
  const number = (n: number) => n;
  const own = { create: () => 0, add: number, merge: number, result: number };
  for (const [name, ...parameters] of [
    ...['sum', 'min', 'max', 'avg', 'distinct', 'distinctApprox', 'variance', 'stddev', 'argMin', 'argMax'].map((n) => [
      n,
    ]),
    ...['count', 'first', 'last', 'collect'].map((n) => [n, 'delay']),
    ['argMax', number, 'delay'],
    ['topK', 2],
    ['topK', '2', number],
    ['quantile', number, '0.5'],
    ['quantile', number, 0.5, { accuracy: '0.01' }],
    ['quantile', number, 0.5, { accuracy: 1e-17 }],
    ['quantile', undefined, 0.5],
    ['quantiles', number],
    ['histogram', number],
    ['histogram', number, [1n]],
    ['histogram', undefined, [1]],
    ['custom', { ...own, retract: 1 }],
  ] as [string, ...unknown[]][])
    t.throws(() => a[name]?.(...parameters), { code: 'MILL_OPTION_INVALID' }, name);
  t.end();
});

t.test('what is no aggregate, or has a name that is taken', (t) => {
  const a = aggregateBuilder<Flight>();
  for (const parts of [{}, { key: a.count() }, { window: a.count() }, { n: null }, { n: { kind: 'toString' } }]) {
    t.throws(() => composeAggregates(parts as unknown as AggregateParts<never>), { code: 'MILL_OPTION_INVALID' });
  }
  t.throws(() => composeAggregates({ ['__proto__']: a.count() }), { code: 'MILL_OPTION_INVALID' });
  t.end();
});

t.test('types of results are inferred', (t) => {
  const result = over([]);
  same<typeof result.flights, number>(true);
  same<typeof result.best, number | null>(true);
  same<typeof result.firstCarrier, string | null>(true);
  same<typeof result.carriers, string[]>(true);
  same<typeof result.all, Flight[]>(true);
  same<typeof result.some, number>(true);
  same<typeof result.stddev, number | null>(true);
  same<typeof result.least, Flight | null>(true);
  same<typeof result.leastCarrier, string | null>(true);
  same<typeof result.top, Flight[]>(true);
  same<typeof result.topDelays, (number | null | undefined)[]>(true);
  same<typeof result.median, number | null>(true);
  same<typeof result.quartiles, (number | null)[]>(true);
  same<typeof result.buckets, number[]>(true);
  same<typeof result.pairs, string>(true);
  t.pass('compiled');
  t.end();
});

t.test('where code must not be generated', (t) => {
  const modules = ['aggregates', 'compose-aggregates'].map(
    (name) => new URL(`../../operators/aggregate/${name}.js`, import.meta.url).href,
  );
  const script = `
    const { aggregateBuilder } = await import(${JSON.stringify(modules[0])});
    const { composeAggregates } = await import(${JSON.stringify(modules[1])});
    const a = aggregateBuilder();
    const all = composeAggregates({ n: a.count(), sum: a.sum((r) => r) });
    console.log(JSON.stringify(all.result([1, 2, 3].reduce(all.add, all.create()))));`;
  const flags = ['--disallow-code-generation-from-strings', '--input-type=module', '-e', script];
  const { stdout, stderr } = spawnSync(process.execPath, flags, {
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  t.equal(stdout.trim(), '{"n":3,"sum":6}', stderr);
  t.end();
});
