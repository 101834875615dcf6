/**
 * What keeps state per key gives the same answer every way as models of a few lines: running aggregates, changelogs of
 * records, and operators of the user with state and timers in both times, of one input and of two.
 */
import { type Change, type Stream, state } from 'millrace';
import { everyWay, type Phase, type Step } from 'millrace/testing';
import t from 'tap';
import { Random } from '../../core/random.js';
import { type Event, KEYS, type Key, ofKey, phasesOf } from './keyed-events.js';

t.setTimeout(180_000);

/** Each goes one way. */
const SCENARIOS = 1_000;
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

t.test('running aggregates and reductions', async (t) => {
  let kills = 0;
  for (let seed = 0; seed < SCENARIOS; seed += 1) {
    const { phases, rounds } = phasesOf(new Random(seed), 3, 10);
    const sums = KEYS.flatMap((key) => ofKey(rounds, key).map((_, at, all) => ({ key, n: sum(all.slice(0, at + 1)) })));
    const report = await everyWay(
      (events: Stream<Event>) => {
        const keyed = events.keyBy((e) => e.key);
        const reduced = keyed.reduce('reduced', (a, b) => ({ key: a.key, n: a.n + b.n }));
        const aggregated = keyed.aggregate('aggregated', (a) => ({ n: a.sum((e) => e.n) }));
        return reduced.union(aggregated);
      },
      phases,
      [...sums, ...sums],
      { ways: 1, from: seed },
    );
    kills += report.kills;
  }
  t.ok(kills > SCENARIOS, `${kills} kills`);
});

t.test('mini-batches end with the last result of each key, and are never late', async (t) => {
  let kills = 0;
  for (let seed = 0; seed < SCENARIOS; seed += 1) {
    const random = new Random(seed);
    const miniBatch = { size: 1 + random.below(5), delay: 5 };
    const { phases, rounds } = phasesOf(random, 3, 10);
    const report = await everyWay(
      (events: Stream<Event>) =>
        events
          .keyBy((e) => e.key)
          .aggregate('sums', (a) => ({ n: a.sum((e) => e.n), records: a.count() }), { miniBatch })
          .keyBy(({ key }) => key)
          .process('last', {
            state: { last: state.value<{ n: number; records: number }>() },
            onRecord({ n, records }, ctx) {
              if (ctx.timestamp === undefined || ctx.timestamp <= ctx.watermark) throw new Error('late');
              if (records <= (ctx.state.last.get()?.records ?? 0)) throw new Error('not a later result');
              ctx.state.last.set({ n, records });
              ctx.eventTimers.add(1_000);
            },
            onTimer: (_time, ctx) => [[ctx.key, ctx.state.last.get()?.n]],
          }),
      phases.flatMap((phase) => (random.below(3) === 0 ? [phase, { advance: 5 }] : [phase])),
      KEYS.flatMap((key) => {
        const all = ofKey(rounds, key);
        return all.length === 0 ? [] : [[key, sum(all)]];
      }),
      { ways: 1, from: seed },
    );
    kills += report.kills;
  }
  t.ok(kills > SCENARIOS, `${kills} kills`);
});

/** What records that replace one another make of a table; 0 says that there is none any more. */
function changesOf(key: Key, numbers: readonly number[]): Change<Event>[] {
  let kept: number | undefined;
  return numbers.flatMap((n) => {
    const before = kept;
    const of = (kind: Change<Event>['kind'], n: number): Change<Event> => ({ kind, record: { key, n } });
    kept = n === 0 ? undefined : n;
    if (before === undefined) return n === 0 ? [] : [of('insert', n)];
    if (n === 0) return [of('delete', before)];
    return n === before ? [] : [of('update-before', before), of('update-after', n)];
  });
}

t.test('changes of records that replace one another', async (t) => {
  let kills = 0;
  for (let seed = 0; seed < SCENARIOS; seed += 1) {
    const { phases, rounds } = phasesOf(new Random(seed), 4, 3);
    const report = await everyWay(
      (events: Stream<Event>) => events.keyBy((e) => e.key).changes('changes', { isDelete: (e) => e.n === 0 }),
      phases,
      KEYS.flatMap((key) => changesOf(key, ofKey(rounds, key))),
      { ways: 1, from: seed },
    );
    kills += report.kills;
  }
  t.ok(kills > SCENARIOS, `${kills} kills`);
});

t.test('two inputs share the state of a key', async (t) => {
  let kills = 0;
  for (let seed = 0; seed < SCENARIOS; seed += 1) {
    const random = new Random(seed);
    // In turn: no order holds between the inputs.
    const rounds = Array.from({ length: 5 }, () => phasesOf(random, 1, 10));
    const expected: string[] = [];
    const all = new Map<Key, number[]>();
    for (const [round, { rounds: events }] of rounds.entries())
      for (const { key, n } of events.flat())
        if (round % 2 === 0) all.set(key, [...(all.get(key) ?? []), n]);
        else expected.push(`${key} ${typeof key} ${n}: ${all.get(key) ?? []}`);
    const report = await everyWay(
      (first: Stream<Event>, second: Stream<Event>) =>
        first
          .keyBy((e) => e.key)
          .connect(second.keyBy((e) => e.key))
          .process('both', {
            state: { all: state.list<number>() },
            onFirst: ({ n }, ctx) => ctx.state.all.add(n),
            onSecond: ({ n }, ctx) => [`${ctx.key} ${typeof ctx.key} ${n}: ${ctx.state.all.get()}`],
          }),
      rounds.map(({ phases: [phase] }, round): Phase => {
        const steps = (phase as Step<Event>[][]).map((channel) => channel.slice(0, -1));
        return { [round % 2 === 0 ? 'first' : 'second']: steps };
      }),
      expected,
      { ways: 1, from: seed },
    );
    kills += report.kills;
  }
  t.ok(kills > SCENARIOS, `${kills} kills`);
});
