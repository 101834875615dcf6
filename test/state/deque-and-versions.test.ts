/** State that grows and shrinks at both ends, and state whose schema has changed, against plain arrays and maps. */
import fc from 'fast-check';
import { type Stream, state } from 'millrace';
import { everyWay, harness, type Step } from 'millrace/testing';
import t from 'tap';

interface Op {
  readonly op: 'push' | 'unshift' | 'pop' | 'shift' | 'clear';
  readonly n: number;
  readonly key: string;
}

const op: fc.Arbitrary<Op> = fc.record(
  {
    op: fc.constantFrom('push', 'push', 'unshift', 'unshift', 'pop', 'shift', 'clear'),
    n: fc.nat({ max: 99 }),
    key: fc.constantFrom('a', 'b'),
  },
  { noNullPrototype: true },
);

/** What each operation sees after it. */
function seen(ops: readonly Op[]): string[] {
  const lists = new Map<string, number[]>();
  return ops.map(({ op, n, key }) => {
    const list = lists.get(key) ?? [];
    lists.set(key, list);
    let taken: number | undefined;
    if (op === 'push' || op === 'unshift') list[op](n);
    else if (op === 'clear') list.length = 0;
    else taken = list[op]();
    return `${key} ${op} ${taken}: ${list} ${list.length} ${list[0]} ${list.at(-1)}`;
  });
}

const operated = (ops: Stream<Op>) =>
  ops
    .keyBy(({ key }) => key)
    .process('deques', {
      state: { deque: state.deque<number>() },
      onRecord({ op, n, key }, { state: { deque } }) {
        let taken: number | undefined;
        if (op === 'push' || op === 'unshift') deque[op](n);
        else if (op === 'clear') deque.clear();
        else taken = deque[op]();
        return [`${key} ${op} ${taken}: ${deque.get()} ${deque.size} ${deque.first} ${deque.last}`];
      },
    });

t.test('a deque does what an array does', async (t) => {
  const property = fc.asyncProperty(fc.array(op, { maxLength: 30 }), async (ops) => {
    const h = await harness(operated);
    for (const one of ops) h.send(one);
    const found = h.take();
    const empty = ops.map(({ op, key }) => ({ op: op === 'clear' ? op : ('clear' as const), n: 0, key }));
    for (const one of empty) h.send(one);
    if (Object.keys(h.state('a')).length > 0) throw new Error('rows are left');
    await h.close();
    if (found.join('|') !== seen(ops).join('|')) throw new Error(`${found.join('|')}, not ${seen(ops).join('|')}`);
  });
  const { failed, numRuns, seed } = await fc.check(property, { numRuns: 1_000 });
  if (failed) await fc.assert(property, { numRuns: 1_000, seed });
  t.equal(numRuns, 1_000, `seed ${seed}`);
});

t.test('a deque, every way', async () => {
  for (const [seed, ops] of fc
    .sample(fc.array(op, { minLength: 10, maxLength: 20 }), { numRuns: 10, seed: 7 })
    .entries()) {
    const channels = ['a', 'b'].map((key) =>
      ops.filter((one) => one.key === key).map((record): Step<Op> => ({ record })),
    );
    await everyWay(operated, [channels], seen(ops), { ways: 15, from: seed * 15 });
  }
});

interface Old {
  readonly cents: number;
}
interface New {
  readonly euros: number;
}

const migrate = (value: unknown, version: number): New =>
  version === 1 ? { euros: (value as Old).cents / 100 } : { euros: Number((value as { text: string }).text) };

/** The job as it was in each of three versions. */
function job(version: 1 | 2 | 3) {
  const value = (n: number): unknown =>
    version === 1 ? { cents: n * 100 } : version === 2 ? { text: `${n}` } : { euros: n };
  const options =
    version === 1
      ? {}
      : {
          version,
          migrate: (old: unknown, from: number) =>
            version === 2 ? { text: `${(old as Old).cents / 100}` } : migrate(old, from),
        };
  return (numbers: Stream<{ key: string; n: number }>) =>
    numbers
      .keyBy(({ key }) => key)
      .process('kept', {
        state: {
          last: state.value<unknown>(options),
          all: state.list<unknown>(options),
          by: state.map<number, unknown>(options),
          most: state.reducing<unknown>((a, b) => (JSON.stringify(a) > JSON.stringify(b) ? a : b), options),
        },
        onRecord({ n }, { state: { last, all, by, most } }) {
          const before = last.get();
          last.set(value(n));
          all.add(value(n));
          by.set(n, value(n));
          most.add(value(n));
          return [{ before, all: all.get(), by: [...by.entries()], size: by.size, most: most.get() }];
        },
      });
}

t.test('values of older versions are turned into the present one where they are met', async (t) => {
  const first = await harness(job(1));
  for (const key of ['a', 'b', 'c']) first.send({ key, n: 1 });
  const saved = await first.snapshot();
  const second = await harness(job(2));
  await second.restore(saved);
  second.take();
  second.send({ key: 'a', n: 2 });
  t.same(second.take(), [
    {
      before: { text: '1' },
      all: [{ text: '1' }, { text: '2' }],
      by: [
        [1, { text: '1' }],
        [2, { text: '2' }],
      ],
      size: 2,
      most: { text: '2' },
    },
  ]);
  const savedAgain = await second.snapshot();
  const third = await harness(job(3));
  await third.restore(savedAgain);
  third.take();
  for (const key of ['a', 'b']) third.send({ key, n: 3 });
  t.same(third.take(), [
    {
      before: { euros: 2 },
      all: [{ euros: 1 }, { euros: 2 }, { euros: 3 }],
      by: [
        [1, { euros: 1 }],
        [2, { euros: 2 }],
        [3, { euros: 3 }],
      ],
      size: 3,
      most: { euros: 3 },
    },
    {
      before: { euros: 1 },
      all: [{ euros: 1 }, { euros: 3 }],
      by: [
        [1, { euros: 1 }],
        [3, { euros: 3 }],
      ],
      size: 2,
      most: { euros: 3 },
    },
  ]);
  t.same(third.state('a').last, { euros: 3 });
  for (const h of [first, second, third]) await h.close();
});

t.test('a migration that fails loses nothing', async (t) => {
  const first = await harness(job(1));
  first.send({ key: 'a', n: 1 });
  const saved = await first.snapshot();
  let fails = true;
  const h = await harness((numbers: Stream<{ key: string; n: number }>) =>
    numbers
      .keyBy(({ key }) => key)
      .process('kept', {
        state: {
          last: state.value<New>({
            version: 3,
            migrate: (old, version) => {
              if (fails) throw new Error('not yet');
              return migrate(old, version);
            },
          }),
        },
        onRecord: (_record, ctx) => [ctx.state.last.get()],
        onError: 'skip',
      }),
  );
  await h.restore(saved);
  h.take();
  h.send({ key: 'a', n: 2 });
  t.same(h.take(), []);
  fails = false;
  h.send({ key: 'a', n: 2 });
  t.same(h.take(), [{ euros: 1 }]);
  await first.close();
  await h.close();
});

t.test('options that are none', (t) => {
  const invalid = { code: 'MILL_OPTION_INVALID' };
  t.throws(() => state.value({ version: 0 }), invalid);
  t.throws(() => state.value({ version: 2 }), invalid);
  t.throws(() => state.list({ version: 1.5, migrate: () => 1 }), invalid);
  t.throws(() => state.map({ version: 2, migrate: () => 1, ttl: '1h' }), invalid);
  t.end();
});
