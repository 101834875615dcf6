/** Timers in both times fire every way as a model of a few lines has them. */
import type { Stream } from 'millrace';
import { everyWay } from 'millrace/testing';
import t from 'tap';
import { Random } from '../../core/random.js';
import { type Event, KEYS, type Key, phasesOf } from './keyed-events.js';

t.setTimeout(180_000);

/** Each goes one way. */
const SCENARIOS = 1_000;

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
