/**
 * Joins give the same answer every way: any interleaving, batch size and number of subtasks, killed and restored
 * anywhere. What comes out goes through a window, which shows that nothing comes out behind its watermark.
 */
import { type JoinedStream, type JoinType, type Stream, session, sliding, type TimeWindows, tumbling } from 'millrace';
import { everyWay, type Phase, type Step } from 'millrace/testing';
import t, { type Test } from 'tap';
import { Random } from '../../core/random.js';
import { type Event, IntervalModel, TemporalModel } from '../operators/join-models.js';
import { type Assign, type Fired, WindowModel } from '../operators/window-model.js';

const WAYS = 20;

interface Round {
  readonly records: readonly (readonly [port: 0 | 1, event: Event])[];
  readonly watermark: number;
}

/** Rounds of records that are on time in any order, or late in any: by more than `lateBy`, if there are to be any. */
function rounds(random: Random, lateBy: number): Round[] {
  let id = 0;
  return [1, 2, 3].map((number) => {
    const watermark = number * 100;
    const records = Array.from({ length: 4 + random.below(6) }, () => {
      const isLate = number > 1 && lateBy < Number.POSITIVE_INFINITY && random.below(5) === 0;
      const time = isLate ? watermark - 101 - lateBy - random.below(80) : watermark + 1 + random.below(200);
      id += 1;
      return [random.below(2) as 0 | 1, { key: 'abc'[random.below(3)] as string, time, id }] as const;
    });
    return { records, watermark };
  });
}

/** Each input has two channels. Its watermark comes before, between or behind a channel's records. */
function phasesOf(all: readonly Round[], random: Random): Phase[] {
  return all.map(({ records, watermark }) => {
    const channels = (port: number): Step<Event>[][] =>
      [0, 1].map((channel) => {
        const own = records.filter(([to, { id }]) => to === port && id % 2 === channel);
        const steps: Step<Event>[] = own.map(([, event]) => ({ record: event, at: event.time }));
        return steps.toSpliced(random.below(steps.length + 1), 0, { watermark });
      });
    return { first: channels(0), second: channels(1) };
  });
}

/** Results in windows of 50 ms, as `result@start`. */
function inWindows(results: Stream<string>): Stream<string> & { late: Stream<string> } {
  return results
    .keyBy((result) => result)
    .window(tumbling(50))
    .process('windows', (key, window, all) => all.map(() => `${key}@${window.start}`));
}

const text = (left: Event | undefined, right: Event | undefined): string => `${left?.id}-${right?.id}`;

const windowed = (results: readonly string[]): string[] =>
  results.map((result) => {
    const [pair, time] = result.split('@') as [string, string];
    return `${pair}@${Math.floor(Number(time) / 50) * 50}`;
  });

type Two = (first: Stream<Event>, second: Stream<Event>) => JoinedStream<string, Event, Event>;

interface Answer {
  /** As `result@time`. */
  readonly out: readonly string[];
  /** Ids of late records. */
  readonly late: readonly number[];
}

/** Tries many ways over some inputs. */
async function check(t: Test, lateBy: number, build: Two, answer: (all: readonly Round[]) => Answer): Promise<void> {
  let kills = 0;
  for (let seed = 0; seed < 6; seed += 1) {
    const random = new Random(seed);
    const all = rounds(random, lateBy);
    const { out, late } = answer(all);
    const lateOf = (port: 0 | 1): Event[] =>
      all.flatMap(({ records }) => records.flatMap(([to, e]) => (to === port && late.includes(e.id) ? [e] : [])));
    const report = await everyWay(
      (first: Stream<Event>, second: Stream<Event>) => {
        const joined = build(first, second);
        return Object.assign(inWindows(joined), { late: joined.late });
      },
      phasesOf(all, random),
      { output: windowed(out), 'late.left': lateOf(0), 'late.right': lateOf(1) },
      { ways: WAYS },
    );
    kills += report.kills;
  }
  t.ok(kills > 100, `${kills} kills`);
}

for (const type of ['inner', 'left', 'right', 'full'] satisfies JoinType[]) {
  for (const [lowerMs, upperMs] of [
    [-70, 110],
    [20, 40],
  ] as const) {
    t.test(`interval join, ${type}, ${lowerMs} to ${upperMs} ms`, async (t) => {
      const how = { within: [lowerMs, upperMs], type } as const;
      const build: Two = (first, second) =>
        first
          .keyBy((e) => e.key)
          .join(
            'joined',
            second.keyBy((e) => e.key),
            how,
            text,
          );
      await check(t, 0, build, (all) => {
        const model = new IntervalModel({ type, lowerMs, upperMs });
        for (const { records, watermark } of all) {
          for (const [port, event] of records) model.record(port, event);
          model.advance(watermark);
        }
        model.advance(Number.POSITIVE_INFINITY);
        return { out: model.out, late: model.late.flat() };
      });
    });
  }
}

/** What windows over both inputs have fired, as the model says. */
function firedOf(all: readonly Round[], assign: Assign, lateness: number): { fired: Fired[]; late: number[] } {
  const model = new WindowModel(assign, lateness);
  for (const { records, watermark } of all) {
    for (const [, event] of records) model.record(event);
    model.advance(watermark);
  }
  model.advance(Number.POSITIVE_INFINITY);
  return model;
}

const inputOf = (all: readonly Round[], id: number): 0 | 1 =>
  all.flatMap(({ records }) => records).find(([, event]) => event.id === id)?.[0] as 0 | 1;

t.test('window join, tumbling, full', async (t) => {
  const how = { window: tumbling(50), type: 'full' } as const;
  const build: Two = (first, second) =>
    first
      .keyBy((e) => e.key)
      .join(
        'joined',
        second.keyBy((e) => e.key),
        how,
        text,
      );
  await check(t, 0, build, (all) => {
    const { fired, late } = firedOf(all, { size: 50, slide: 50, offset: 0 }, 0);
    const out = fired.flatMap(({ end, ids }) => {
      const [left, right] = ([0, 1] as const).map((port) => ids.filter((id) => inputOf(all, id) === port));
      const or = (some: number[] | undefined): (number | undefined)[] => (some?.length ? some : [undefined]);
      return or(left).flatMap((a) => or(right).map((b) => `${a}-${b}@${end - 1}`));
    });
    return { out, late };
  });
});

const GROUPS: readonly (readonly [TimeWindows, Assign, number])[] = [
  [sliding(100, 50), { size: 100, slide: 50, offset: 0 }, 100],
  [session(10), { gap: 10 }, Number.POSITIVE_INFINITY],
];

for (const [window, assign, lateBy] of GROUPS) {
  t.test(`co-group, ${window.kind}`, async (t) => {
    const ids = (events: readonly Event[], offset: number): number[] => events.map((e) => e.id + offset);
    const textOf = (all: readonly number[]): string => all.toSorted((a, b) => a - b).join();
    const build: Two = (first, second) =>
      first
        .keyBy((e) => e.key)
        .coGroup(
          'groups',
          second.keyBy((e) => e.key),
          { window },
          (_, __, left, right) => [textOf([...ids(left, 0), ...ids(right, 1_000)])],
        );
    await check(t, lateBy, build, (all) => {
      const { fired, late } = firedOf(all, assign, 0);
      const out = fired.map(({ end, ids: own }) => {
        const numbers = own.map((id) => id + 1_000 * inputOf(all, id));
        return `${textOf(numbers)}@${end - 1}`;
      });
      return { out, late };
    });
  });
}

for (const type of ['inner', 'left'] as const) {
  t.test(`temporal join, ${type}`, async (t) => {
    let kills = 0;
    for (let seed = 0; seed < 6; seed += 1) {
      const random = new Random(seed);
      // Versions that come late do so by themselves: what they are valid for depends on the watermark.
      const all = rounds(random, 0).flatMap(({ records, watermark }): Round[] => {
        const isLate = ([port, { time }]: Round['records'][number]): boolean => port === 1 && time < watermark;
        return [
          { records: records.filter(isLate), watermark: watermark - 100 },
          { records: records.filter((each) => !isLate(each)), watermark },
        ];
      });
      const model = new TemporalModel(type);
      for (const { records, watermark } of all) {
        for (const [port, event] of records) {
          if (port === 0) model.record(event);
          else model.version({ ...event, deleted: event.id % 4 === 0 });
        }
        model.advance(watermark);
      }
      model.advance(Number.POSITIVE_INFINITY);
      const late = all.flatMap(({ records }) => records.flatMap(([, e]) => (model.late.includes(e.id) ? [e] : [])));
      const options = { type, isDelete: (version: Event) => version.id % 4 === 0 };
      const report = await everyWay(
        (first: Stream<Event>, second: Stream<Event>) => {
          const versions = second.keyBy((e) => e.key);
          const joined = first.keyBy((e) => e.key).temporalJoin('joined', versions, text, options);
          return Object.assign(inWindows(joined), { late: joined.late });
        },
        phasesOf(all, random),
        { output: windowed(model.out), late },
        { ways: WAYS },
      );
      kills += report.kills;
    }
    t.ok(kills > 100, `${kills} kills`);
  });
}
