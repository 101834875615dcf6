/**
 * Aggregates with sketches and rankings in windows that merge, and over changelogs, every way: any interleaving, batch
 * size and number of subtasks, killed and restored anywhere, with other numbers of subtasks.
 */
import { type Change, type Stream, session, sliding, state, type WindowAssigner } from 'millrace';
import { everyWay, type Phase, type Step } from 'millrace/testing';
import t from 'tap';
import { Random } from '../../core/random.js';
import { type AggregateBuilder, aggregateBuilder } from '../../operators/aggregate/aggregates.js';
import { composeAggregates } from '../../operators/aggregate/compose-aggregates.js';

t.setTimeout(120_000);

interface Call {
  readonly key: string | null;
  /** All different. */
  readonly id: number;
  readonly ms: number;
  readonly at: number;
}

const KEYS = ['a', 'b', null] as const;

const PARTS = (a: AggregateBuilder<Call>) => ({
  n: a.count(),
  variance: a.variance((c) => c.ms),
  slowest: a.argMax(
    (c) => c.id,
    (c) => c.ms,
  ),
  top: a.topK(2, (c) => c.id),
  median: a.quantile((c) => c.ms, 0.5),
  // Registers from 17 on.
  some: a.distinctApprox((c) => c.id, { precision: 4 }),
  buckets: a.histogram((c) => c.ms, [0, 5]),
  ids: a.custom({
    create: (): number[] => [],
    add: (ids, { id }: Call) => [...ids, id],
    merge: (x, y) => [...x, ...y],
    result: (ids) => ids.toSorted((x, y) => x - y).join(),
  }),
});

const model = composeAggregates(PARTS(aggregateBuilder<Call>()));

/** Rounded where the order of additions shows. */
function rounded<R extends { readonly variance: number | null }>(result: R): R {
  return { ...result, variance: result.variance === null ? null : Math.round(result.variance * 1e6) / 1e6 };
}

function resultOf(calls: readonly Call[]) {
  return rounded(model.result(calls.reduce((acc, call) => model.add(acc, call), model.create())));
}

/** Calls of each key on two channels; the watermark comes after all of them. */
function callsOf(random: Random): { phases: Phase[]; calls: Call[] } {
  const calls: Call[] = [];
  const phases: Phase[] = Array.from(
    { length: 3 },
    (): Phase =>
      Array.from({ length: 2 }, (): Step<Call>[] =>
        Array.from({ length: random.below(15) }, () => {
          const call = {
            key: KEYS[random.below(3)] as Call['key'],
            id: calls.length,
            ms: random.below(12) - 3,
            at: random.below(60),
          };
          calls.push(call);
          return { record: call, at: call.at };
        }),
      ),
  );
  return { phases, calls };
}

/** Calls by the windows they are in. */
type Windows = (calls: readonly Call[]) => (readonly [start: number, end: number, calls: readonly Call[]])[];

const slides: Windows = (calls) =>
  Array.from({ length: 8 }, (_, n) => n * 10 - 10)
    .map((start) => [start, start + 20, calls.filter(({ at }) => at >= start && at < start + 20)] as const)
    .filter(([, , inside]) => inside.length > 0);

const sessions: Windows = (calls) => {
  const found: Call[][] = [];
  for (const call of calls.toSorted((x, y) => x.at - y.at)) {
    const open = found.at(-1);
    if (open && call.at <= (open.at(-1) as Call).at + 5) open.push(call);
    else found.push([call]);
  }
  return found.map((inside) => [(inside[0] as Call).at, (inside.at(-1) as Call).at + 5, inside] as const);
};

const WINDOWS: Record<string, readonly [WindowAssigner<Call>, Windows]> = {
  sliding: [sliding(20, 10), slides],
  session: [session(5), sessions],
};

for (const [name, [assigner, windows]] of Object.entries(WINDOWS)) {
  t.test(`${name} windows`, async (t) => {
    let [kills, rescales] = [0, 0];
    for (let seed = 0; seed < 25; seed += 1) {
      const { phases, calls } = callsOf(new Random(seed));
      const expected = KEYS.flatMap((key) =>
        windows(calls.filter((call) => call.key === key)).map(([start, end, inside]) => ({
          key,
          window: { start, end },
          ...resultOf(inside),
        })),
      );
      const report = await everyWay(
        (stream: Stream<Call>) =>
          stream
            .keyBy((call) => call.key)
            .window(assigner)
            .aggregate('calls', PARTS)
            .map(rounded),
        phases,
        expected,
        { ways: 20 },
      );
      kills += report.kills;
      rescales += report.rescales;
    }
    t.ok(kills > 100 && rescales > 50, `${kills} kills, ${rescales} rescales`);
  });
}

const EXACT = (a: AggregateBuilder<Call>) => ({
  n: a.count(),
  sum: a.sum((c) => c.ms),
  least: a.min((c) => c.ms),
  different: a.distinct((c) => c.ms),
  top: a.topK(2, (c) => c.id),
  buckets: a.histogram((c) => c.ms, [0, 5]),
  ids: a.custom({
    create: () => ({ ids: [] as number[] }),
    add(acc, { id }: Call) {
      acc.ids.push(id);
      return acc;
    },
    retract: ({ ids }, { id }) => ({ ids: ids.filter((each) => each !== id) }),
    merge: (x) => x,
    result: ({ ids }) => ids.toSorted((x, y) => x - y).join(),
  }),
});

const exact = composeAggregates(EXACT(aggregateBuilder<Call>()));

t.test('what is left of a changelog', async (t) => {
  let [kills, rescales] = [0, 0];
  for (let seed = 0; seed < 40; seed += 1) {
    const random = new Random(seed);
    const table: Call[] = [];
    // A channel: deletions come after their insertions.
    const steps = Array.from({ length: 20 }, (_, id): Step<Change<Call>> => {
      const taken = random.below(5) < 2 ? table.splice(random.below(table.length + 1), 1)[0] : undefined;
      if (taken) return { record: { kind: 'delete', record: taken }, at: 1 };
      const call = { key: KEYS[random.below(3)] as Call['key'], id, ms: random.below(12) - 3, at: 1 };
      table.push(call);
      return { record: { kind: 'insert', record: call }, at: 1 };
    });
    const expected = KEYS.flatMap((key) => {
      const calls = table.filter((call) => call.key === key);
      if (calls.length === 0) return [];
      return [
        exact.keyedResult(
          calls.reduce((acc, call) => exact.add(acc, call), exact.create()),
          key,
        ),
      ];
    });
    const report = await everyWay(
      (changes: Stream<Change<Call>>) =>
        changes
          .keyBy(({ record }) => record.key)
          .aggregateChanges('calls', EXACT)
          .keyBy(({ record }) => record.key)
          .process('table', {
            state: { row: state.value<object>() },
            onRecord({ kind, record }, ctx) {
              const removes = kind === 'update-before' || kind === 'delete';
              const row = ctx.state.row.get();
              if (removes && JSON.stringify(row) !== JSON.stringify(record)) throw new Error(`${kind} of another row`);
              if (removes) ctx.state.row.clear();
              else ctx.state.row.set(record);
              ctx.eventTimers.add(1_000);
            },
            onTimer: (_time, ctx) => [ctx.state.row.get()].filter((row) => row !== undefined),
          }),
      [[steps]],
      expected,
      { ways: 20 },
    );
    kills += report.kills;
    rescales += report.rescales;
  }
  t.ok(kills > 100 && rescales > 50, `${kills} kills, ${rescales} rescales`);
});
