/** The built-in aggregates: what each gives, and that generated and interpreted code give the same. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t from 'tap';
import { type AggregateBuilder, type AggregateParts, aggregateBuilder } from '../../operators/aggregates.js';
import { composeAggregates } from '../../operators/compose-aggregates.js';

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
  };
}

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
    });
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
    });
    t.match(over([flight(Infinity)], aggregator), { best: Infinity, worst: Infinity });
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
  return fc.stringify({ ...result, total: null, mean: null });
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
  t.pass('compiled');
  t.end();
});

t.test('where code must not be generated', (t) => {
  const modules = ['aggregates', 'compose-aggregates'].map(
    (name) => new URL(`../../operators/${name}.js`, import.meta.url).href,
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
