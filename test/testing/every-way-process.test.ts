/**
 * What keeps state per key gives the same answer every way as models of a few lines: running aggregates, changelogs of
 * records, and operators of the user with state and timers in both times, of one input and of two.
 */
import { type Change, type Stream, state } from 'millrace';
import { everyWay, type Phase, type Step } from 'millrace/testing';
import t from 'tap';
import { Random } from '../../core/random.js';

t.setTimeout(180_000);

/** Each goes one way. */
const SCENARIOS = 1_000;
const KEYS = ['a', null, 1, 1n] as const;

type Key = (typeof KEYS)[number];

interface Event {
  readonly key: Key;
  readonly n: number;
}

/** Events of each key on a channel of its own, which keeps their order, and watermarks behind them. */
function phasesOf(random: Random, rounds: number, below: number): { phases: Phase[]; rounds: Event[][] } {
  const all = Array.from({ length: rounds }, () =>
    KEYS.map((key) => Array.from({ length: random.below(4) }, (): Event => ({ key, n: random.below(below) }))),
  );
  const phases = all.map((channels, round) =>
    channels.map((events): Step<Event>[] => [
      ...events.map((record) => ({ record, at: round * 10 + 5 })),
      { watermark: round * 10 + 9 },
    ]),
  );
  return { phases, rounds: all.map((channels) => channels.flat()) };
}

const ofKey = (rounds: readonly Event[][], key: Key): number[] =>
  rounds.flat().flatMap((event) => (event.key === key ? [event.n] : []));

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

/** Timers of one key, as Flink has them: a set, and one in the past fires at the next watermark. */
class TimerModel {
  readonly fired: string[] = [];
  readonly #times = new Set<number>();

  constructor(private readonly key: Key) {}

  record(n: number): void {
    if (n % 4 === 0) this.#times.delete(n);
    else this.#times.add(n);
  }

  advance(watermark: number): void {
    for (;;) {
      const time = Math.min(...this.#times);
      if (time > watermark || time === Number.POSITIVE_INFINITY) return;
      this.#times.delete(time);
      this.fired.push(`${this.key} ${typeof this.key} ${time}`);
      if (time % 3 === 0) this.#times.add(time + 1).add(time + 7);
    }
  }
}

t.test('timers: added twice, removed, in the past, and set by timers', async (t) => {
  let [kills, fired] = [0, 0];
  for (let seed = 0; seed < SCENARIOS; seed += 1) {
    const { phases, rounds } = phasesOf(new Random(seed), 4, 40);
    const models = KEYS.map((key) => new TimerModel(key));
    for (const [round, events] of rounds.entries()) {
      for (const { key, n } of events) models[KEYS.indexOf(key)]?.record(n);
      for (const model of models) model.advance(round * 10 + 9);
    }
    for (const model of models) model.advance(Number.POSITIVE_INFINITY);
    const expected = models.flatMap((model) => model.fired);
    fired += expected.length;
    const report = await everyWay(
      (events: Stream<Event>) =>
        events
          .keyBy((e) => e.key)
          .process('timers', {
            onRecord({ n }, ctx) {
              if (n % 4 === 0) ctx.eventTimers.remove(n);
              else ctx.eventTimers.add(n);
            },
            onTimer(time, ctx) {
              if (ctx.timestamp !== time || ctx.watermark < time) throw new Error('another time');
              if (time % 3 === 0) for (const later of [1, 7]) ctx.eventTimers.add(time + later);
              return [`${ctx.key} ${typeof ctx.key} ${time}`];
            },
          }),
      phases,
      expected,
      { ways: 1, from: seed },
    );
    kills += report.kills;
  }
  t.ok(kills > SCENARIOS && fired > 5 * SCENARIOS, `${kills} kills, ${fired} timers`);
});

t.test('timers of the clock', async (t) => {
  let [kills, fired] = [0, 0];
  for (let seed = 0; seed < SCENARIOS; seed += 1) {
    const { phases, rounds } = phasesOf(new Random(seed), 4, 12);
    const expected: string[] = [];
    for (const key of KEYS) {
      const due = new Set<number>();
      for (const [round, events] of rounds.entries()) {
        for (const event of events) if (event.key === key) due.add(round * 10 + event.n);
        // Once the clock has moved on by 10: the last ones may never come.
        for (const time of [...due].filter((time) => time <= round * 10 + 10)) {
          due.delete(time);
          expected.push(`${key} ${typeof key}`);
        }
      }
    }
    fired += expected.length;
    const report = await everyWay(
      (events: Stream<Event>) =>
        events
          .keyBy((e) => e.key)
          .process('timers', {
            onRecord: ({ n }, ctx) => ctx.processingTimers.add(ctx.now() + n),
            onProcessingTimer: (time, ctx) => {
              if (ctx.now() < time || ctx.timestamp !== undefined) throw new Error('another time');
              return [`${ctx.key} ${typeof ctx.key}`];
            },
          }),
      phases.flatMap((phase) => [phase, { advance: 10 }]),
      expected,
      { ways: 1, from: seed },
    );
    kills += report.kills;
  }
  t.ok(kills > SCENARIOS && fired > 5 * SCENARIOS, `${kills} kills, ${fired} timers`);
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
