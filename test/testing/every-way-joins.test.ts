/**
 * Joins give the same answer every way: any interleaving, batch size and number of subtasks, killed and restored
 * anywhere. What comes out goes through a window, which shows that nothing comes out behind its watermark.
 */
import { type Stream, tumbling } from 'millrace';
import { everyWay, type Phase, type Step } from 'millrace/testing';
import t from 'tap';
import { Random } from '../../core/random.js';
import type { JoinType } from '../../operators/join/join-type.js';
import { type Event, IntervalModel } from '../operators/join-models.js';

const WAYS = 40;

interface Round {
  readonly records: readonly (readonly [port: 0 | 1, event: Event])[];
  readonly watermark: number;
}

/** Rounds of records that are on time in any order, or late in any. */
function rounds(random: Random): Round[] {
  let id = 0;
  return [1, 2, 3].map((number) => {
    const watermark = number * 100;
    const records = Array.from({ length: 4 + random.below(6) }, () => {
      const isLate = number > 1 && random.below(5) === 0;
      const time = isLate ? watermark - 101 - random.below(80) : watermark + random.below(200);
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

for (const type of ['inner', 'left', 'right', 'full'] satisfies JoinType[]) {
  t.test(`interval join, ${type}`, async (t) => {
    let kills = 0;
    for (let seed = 0; seed < 6; seed += 1) {
      const random = new Random(seed);
      const [lowerMs, upperMs] = [-random.below(120), random.below(120)];
      const all = rounds(random);
      const model = new IntervalModel({ type, lowerMs, upperMs });
      for (const { records, watermark } of all) {
        for (const [port, event] of records) model.record(port, event);
        model.advance(watermark);
      }
      model.advance(Number.POSITIVE_INFINITY);
      const build = (first: Stream<Event>, second: Stream<Event>) => {
        const how = { within: [lowerMs, upperMs], type } as const;
        const joined = first
          .keyBy((e) => e.key)
          .join(
            'joined',
            second.keyBy((e) => e.key),
            how,
            text,
          );
        return Object.assign(inWindows(joined), { late: joined.late });
      };
      const late = (port: 0 | 1): Event[] =>
        all.flatMap(({ records }) =>
          records.flatMap(([to, e]) => (to === port && model.late[port].includes(e.id) ? [e] : [])),
        );
      const report = await everyWay(
        build,
        phasesOf(all, random),
        { output: windowed(model.out), 'late.left': late(0), 'late.right': late(1) },
        { ways: WAYS },
      );
      kills += report.kills;
    }
    t.ok(kills > 100, `${kills} kills`);
  });
}
