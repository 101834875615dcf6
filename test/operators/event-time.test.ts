/**
 * Event time in the middle of a chain and at sources: watermarks out of timestamps and out of the data, against a model; what
 * is no time.
 */
import fc from 'fast-check';
import { collect, explain, fromIterable, generate, job, run, state, type WatermarkGenerator } from 'millrace';
import { simulate } from 'millrace/testing';
import t from 'tap';
import { Batch, Inbox } from '../../core/batch.js';
import type { Host } from '../../core/host.js';
import { TIME_MIN } from '../../core/time.js';
import type { EventTime } from '../../engine/graph/nodes.js';
import { eventTimeFactory } from '../../engine/worker/event-time-operator.js';
import type { Operator, OperatorContext } from '../../operators/operator.js';
import { failureOf } from '../e2e/failure-of.js';

const RUNS = 1_500;

interface Event {
  readonly at: number;
  /** The watermark behind it. */
  readonly mark?: number | undefined;
}

const times = fc.oneof(fc.integer({ min: -50, max: 50 }), fc.constantFrom(-8.64e15, 8.64e15, -0));
const marks = fc.oneof(times, fc.constant(Number.MIN_SAFE_INTEGER));
const events = fc.array(fc.record({ at: times, mark: fc.option(marks, { nil: undefined }) }), { maxLength: 20 });

/** Runs an operator over the events, each watermark out behind its record; `cut`: it goes on from a snapshot there. */
function play(eventTime: EventTime, all: readonly Event[], cut: number): (Event | { watermark: number })[] {
  const out: (Event | { watermark: number })[] = [];
  const output = new Batch(3);
  const context = { output, host: { elapsed: () => 0 } as Host } as unknown as OperatorContext;
  const make = (restored: readonly unknown[]): Operator => eventTimeFactory(eventTime, 20)(context, restored);
  let operator = make([]);
  let said = TIME_MIN;
  for (const [at, event] of all.entries()) {
    if (at === cut) operator = make([operator.snapshot?.(1, false).state]);
    const batch = new Batch(1);
    batch.push(event, TIME_MIN);
    operator.process(new Inbox(batch));
    out.push({ ...event, at: output.timestamps[0] as number });
    output.clear();
    const watermark = operator.ownWatermark?.() ?? TIME_MIN;
    if (watermark > said) out.push({ watermark });
    said = Math.max(said, watermark);
  }
  return out;
}

function model(all: readonly Event[], markOf: (event: Event) => number): (Event | { watermark: number })[] {
  let highest = TIME_MIN;
  return all.flatMap((event) => {
    const mark = markOf(event);
    if (mark <= highest) return [event];
    highest = mark;
    return [event, { watermark: mark }];
  });
}

const base = {
  timestamp: (({ at }: Event) => at) as EventTime['timestamp'],
  idleAfterMs: undefined,
  emit: 'each',
  align: undefined,
} as const;

t.test('watermarks out of timestamps', (t) => {
  fc.assert(
    fc.property(events, fc.nat(20), fc.nat(10), (all, cut, outOfOrderMs) => {
      const eventTime = { ...base, outOfOrderMs, generator: undefined };
      t.same(
        play(eventTime, all, cut),
        model(all, ({ at }) => at - outOfOrderMs - 1),
      );
    }),
    { numRuns: RUNS },
  );
  t.end();
});

t.test('watermarks in the data', (t) => {
  fc.assert(
    fc.property(events, fc.nat(20), (all, cut) => {
      const generator = (() => ({ onRecord: ({ mark }: Event) => mark })) as EventTime['generator'];
      const eventTime = { ...base, outOfOrderMs: 0, generator };
      t.same(
        play(eventTime, all, cut),
        model(all, ({ mark }) => mark ?? TIME_MIN),
      );
    }),
    { numRuns: RUNS },
  );
  t.end();
});

/** `middle`: behind a map, and so by subtask; else by split. */
const watched = (all: readonly Event[], middle: boolean) =>
  job('watched', (j) => {
    const source = j.from('events', fromIterable(all));
    const stream = middle ? source.map((event) => event) : source;
    return stream
      .eventTime(({ at }) => at, { punctuated: ({ mark }) => mark, emit: 'each' })
      .keyBy(() => 0)
      .process('seen', { onRecord: ({ at }, ctx) => [`${at}: ${ctx.watermark}`] })
      .to('out', collect());
  });

for (const middle of [false, true]) {
  t.test(middle ? 'in the middle' : 'at the source', async (t) => {
    const all = [{ at: 5 }, { at: 90, mark: 3 }, { at: 4 }, { at: 6, mark: 1 }, { at: -2, mark: 50 }, { at: 51 }];
    const { collected } = await run(watched(all, middle));
    t.same(collected.out, ['5: -Infinity', '90: -Infinity', '4: 3', '6: 3', '-2: 3', '51: 50']);
    for (const mark of [Number.NaN, Number.POSITIVE_INFINITY, null, '1', 1n]) {
      const failure = await failureOf(() =>
        run(watched([{ at: 1, mark: mark as number }], middle), { restart: { kind: 'none' } }),
      );
      t.match(failure, { code: 'MILL_TIMESTAMP_INVALID' }, String(mark));
    }
  });
}

t.test('times of records: fractions are left out, and what no date can be is an error', async (t) => {
  const timed = (at: number) =>
    job('timed', (j) => {
      j.from('events', fromIterable([{ at: 10.75 }, { at: -9.5 }, { at }]))
        .eventTime((event) => event.at)
        .keyBy(() => 0)
        .process('seen', { onRecord: (_event, ctx) => [ctx.timestamp] })
        .to('out', collect());
    });
  for (const at of [8.64e15, -8.64e15]) t.same((await run(timed(at))).collected.out, [10, -10, at]);
  const nanoseconds = 1_700_000_000_000_000_000;
  for (const at of [nanoseconds, -nanoseconds, 8.65e15, Number.MAX_VALUE]) {
    const failure = await failureOf(() => run(timed(at), { restart: { kind: 'none' } }));
    t.match(failure, { code: 'MILL_TIMESTAMP_INVALID', hint: /nanoseconds/ }, String(at));
  }
});

t.test('plans say where watermarks come from; both ways together are a mistake', (t) => {
  t.match(String(explain(watched([], false))), /event time by watermarks of its own/);
  t.match(String(explain(watched([], true))), /by watermarks of its own/);
  const both = (): unknown =>
    explain(
      job('both', (j) => {
        j.from('events', fromIterable([{ at: 1 }]))
          .eventTime(({ at }) => at, { punctuated: (_, at) => at, outOfOrder: '1s' })
          .to('out', collect());
      }),
    );
  t.throws(both, { code: 'MILL_OPTION_INVALID' });
  t.end();
});

t.test('with `each`, a watermark follows every record that raises it, wherever event time is given', async (t) => {
  const all = [5, 90, 4, 100, 6].map((at) => ({ at }));
  for (const middle of [false, true]) {
    const { collected } = await run(
      job('each', (j) => {
        const source = j.from('events', fromIterable(all));
        (middle ? source.map((event) => event) : source)
          .eventTime(({ at }) => at, { emit: 'each' })
          .keyBy(() => 0)
          .process('seen', { onRecord: ({ at }, ctx) => [`${at}: ${ctx.watermark}`] })
          .to('out', collect());
      }),
    );
    t.same(collected.out, ['5: -Infinity', '90: 4', '4: 89', '100: 89', '6: 99']);
  }
});

/** The watermark is the least of the last three timestamps. */
function leastOfThree(): WatermarkGenerator<{ at: number }> {
  const last: number[] = [];
  return {
    onRecord({ at }) {
      last.push(at);
      if (last.length > 3) last.shift();
      return last.length < 3 ? undefined : Math.min(...last);
    },
  };
}

t.test('a generator makes the watermarks of one split, and remembers what it needs', async (t) => {
  const all = [5, 90, 4, 100, 96, 98, 97].map((at) => ({ at }));
  for (const middle of [false, true]) {
    const { collected } = await run(
      job('made', (j) => {
        const source = j.from('events', fromIterable(all));
        (middle ? source.map((event) => event) : source)
          .eventTime(({ at }) => at, { emit: 'each', watermarks: leastOfThree })
          .keyBy(() => 0)
          .process('seen', { onRecord: ({ at }, ctx) => [`${at}: ${ctx.watermark}`] })
          .to('out', collect());
      }),
    );
    t.same(collected.out, ['5: -Infinity', '90: -Infinity', '4: -Infinity', '100: 4', '96: 4', '98: 4', '97: 96']);
  }
  let made = 0;
  await run(
    job('splits', (j) => {
      j.from('events', generate({ count: 9, splits: 3, make: (n) => ({ at: n }) }))
        .eventTime(({ at }) => at, {
          watermarks: () => {
            made += 1;
            return { onRecord: (_, at) => at };
          },
        })
        .to('out', collect());
    }),
  );
  t.equal(made, 3);
});

for (const middle of [false, true]) {
  t.test(`periodic watermarks come though no record does: ${middle ? 'in the middle' : 'at the source'}`, async (t) => {
    const fired = job('periodic', (j) => {
      const source = j.from('events', generate({ count: 2, rate: 0.1, make: (n) => ({ at: n }) }));
      return (middle ? source.map((event) => event) : source)
        .eventTime(({ at }) => at, { watermarks: () => ({ onRecord: () => undefined, onPeriodic: (now) => now }) })
        .keyBy(() => 0)
        .process('seen', {
          state: { from: state.value<number>() },
          onRecord({ at }, ctx) {
            if (at > 0) return;
            ctx.state.from.set(ctx.now());
            ctx.eventTimers.add(ctx.now() + 1_000);
          },
          onTimer: (_, ctx) => [ctx.now() - (ctx.state.from.get() ?? 0)],
        })
        .to('out', collect());
    });
    const { results } = await simulate(fired, { seed: 1, workers: 1 });
    const [after] = results as readonly number[];
    t.ok((after as number) >= 1_000 && (after as number) < 2_000, `fired after ${after} ms, not with the next record`);
  });
}

t.test('what a periodic watermark throws fails the job, by its line', async (t) => {
  for (const middle of [false, true]) {
    const failure = await failureOf(() =>
      run(
        job('throws', (j) => {
          const source = j.from('events', generate({ rate: 10, make: (n) => ({ at: n }) }));
          (middle ? source.map((event) => event) : source)
            .eventTime(({ at }) => at, {
              watermarks: () => ({ onRecord: () => undefined, onPeriodic: () => Number.NaN }),
            })
            .to('out', collect());
        }),
        { restart: { kind: 'none' } },
      ),
    );
    t.match(failure, { code: 'MILL_TIMESTAMP_INVALID' });
  }
});
